"""``okng-edge opcua``: who may connect to the OPC UA server, and as whom."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.gateway.opcua.peers import Peers
    from edge_service.gateway.opcua.users import Users

app = typer.Typer(
    help=say(
        "Who may connect to the OPC UA server, and as whom. What is changed here counts from the next "
        "connection or login on; nothing need be restarted.",
        "谁可以连接 OPC UA 服务器，以何身份。此处的更改自下次连接或登录起生效，无需重启。",
    ),
    no_args_is_help=True,
)
users = typer.Typer(help=say("Users and what they may do.", "用户及其权限。"), no_args_is_help=True)
app.add_typer(users, name="user")

_SHOWN = ("name", "role", "password", "certificates")

Name = Annotated[str, typer.Argument(metavar="NAME", help=say("the user's name", "用户名"))]
RoleName = Annotated[
    str,
    typer.Option(
        "--role",
        help=say(
            "observer reads; operator also triggers, acknowledges and writes PLC/Command; engineer also "
            "changes recipes",
            "observer 只读；operator 还可触发、确认、写 PLC/Command；engineer 还可更换配方",
        ),
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--certificate",
        help=say(
            "the user's certificate (DER or PEM) in place of a password", "用户证书（DER 或 PEM），代替密码"
        ),
    ),
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help=say("read the password from stdin", "从标准输入读取密码"))
]
Which = Annotated[
    str,
    typer.Argument(
        metavar="FILE|FINGERPRINT",
        help=say(
            "a certificate file, or the start of a rejected one's fingerprint",
            "证书文件，或被拒证书指纹的开头",
        ),
    ),
]
Start = Annotated[
    str, typer.Argument(metavar="FINGERPRINT", help=say("the start of its fingerprint", "指纹的开头"))
]


@users.command(
    "add",
    help=say(
        "Add a user, or change role, password or certificate of one. The password is asked for, never an "
        "argument.\n\nExample: `okng-edge opcua user add scada --role operator`",
        "添加用户，或更改其角色、密码或证书。密码以交互方式输入，绝不作为参数。\n\n"
        "示例：`okng-edge opcua user add scada --role operator`",
    ),
)
def add_user(
    name: Name,
    role: RoleName,
    certificate: Certificate = None,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    *,
    password_stdin: FromStdin = False,
) -> None:
    """Store the user."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from edge_service.gateway.opcua.peers import load_certificate
    from edge_service.link import Role

    if role not in set(Role):
        raise typer.BadParameter(", ".join(Role), param_hint="--role")
    der = load_certificate(certificate).public_bytes(Encoding.DER) if certificate else None
    password = None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif der is None:
        password = typer.prompt(say("password", "密码"), hide_input=True, confirmation_prompt=True)
    _users(config, data_dir).put(name, Role(role), password=password, certificate=der)
    print(say(f"{name} is {role} now", f"{name} 现为 {role}"))


@users.command("list", help=say("List users, their roles and proofs.", "列出用户、角色和凭证。"))
def list_users(
    config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Print every user; never a hash."""
    known = _users(config, data_dir).all()
    if as_json:
        rows = [asdict(user) | {"password": bool(user.password)} for user in known]
        print(json.dumps([{key: row[key] for key in _SHOWN} for row in rows]))
        return
    for user in known:
        proofs = [say("password", "密码")] * bool(user.password)
        proofs += [f"{digest[:16]}..." for digest in user.certificates]
        print(f"{user.name:<20} {user.role:<10} {', '.join(proofs)}")
    if not known:
        print(
            say(
                "no user yet: okng-edge opcua user add NAME --role ROLE",
                "尚无用户：okng-edge opcua user add NAME --role ROLE",
            )
        )


@users.command("remove", help=say("Remove a user.", "删除用户。"))
def remove_user(name: Name, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Remove the user; exit with 1 when there is none of that name."""
    if not _users(config, data_dir).remove(name):
        print(say(f"there is no user {name}", f"没有用户 {name}"), file=sys.stderr)
        sys.exit(1)
    print(say(f"{name} is removed", f"已删除 {name}"))


@app.command(
    "trust",
    help=say(
        "Let a client connect: give its certificate, or the start of the fingerprint that `okng-edge opcua "
        "clients` shows among the rejected. Compare it with the one the client shows.\n\n"
        "Example: `okng-edge opcua trust 3fa9c0de`",
        "允许客户端连接：给出其证书，或 `okng-edge opcua clients` 中被拒证书指纹的开头。"
        "请与客户端显示的指纹核对。\n\n示例：`okng-edge opcua trust 3fa9c0de`",
    ),
)
def trust(which: Which, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Put the certificate among the trusted ones."""
    peer = _peers(config, data_dir).trust(which)
    subject = peer.certificate.subject.rfc4514_string()
    print(say(f"trusted: {subject} {peer.fingerprint}", f"已信任：{subject} {peer.fingerprint}"))


@app.command("distrust", help=say("Let a client connect no more.", "不再允许某客户端连接。"))
def distrust(start: Start, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Remove it from the trusted ones; exit with 1 when there is none."""
    gone = _peers(config, data_dir).distrust(start)
    for peer in gone:
        print(say(f"no longer trusted: {peer.fingerprint}", f"不再信任：{peer.fingerprint}"))
    if not gone:
        print(say(f"{start}: nothing trusted begins so", f"{start}：没有匹配的受信任证书"), file=sys.stderr)
        sys.exit(1)


@app.command(
    "clients", help=say("List trusted clients, and those refused lately.", "列出受信任和最近被拒的客户端。")
)
def clients(
    config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Print both folders by fingerprint and subject."""
    peers = _peers(config, data_dir)
    rows = [
        {
            "trusted": trusted,
            "fingerprint": peer.fingerprint,
            "subject": peer.certificate.subject.rfc4514_string(),
            "until": peer.certificate.not_valid_after_utc.isoformat(),
        }
        for trusted, folder in ((True, peers.trusted()), (False, peers.rejected()))
        for peer in folder
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        state = say("trusted", "受信任") if row["trusted"] else say("rejected", "被拒绝")
        print(f"{state:<9} {str(row['fingerprint'])[:16]} {row['subject']} ({str(row['until'])[:10]})")
    if not rows:
        print(say("nobody has tried to connect yet", "尚无客户端尝试连接"))


@app.command(
    "certificate",
    help=say(
        "Print where the server's own certificate lies, for a client to trust; it is made now if need be.",
        "打印服务器自身证书的位置，供客户端信任；如不存在则立即生成。",
    ),
)
def certificate(config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Print path and fingerprint."""
    from edge_service.gateway.opcua.own_certificate import own_certificate
    from edge_service.gateway.opcua.peers import fingerprint

    folder, station, names = _place(config, data_dir)
    own = own_certificate(folder, station, names)
    print(f"{own.path}\n{fingerprint(own.certificate)}")


def _place(config: Path, data_dir: Path | None) -> tuple[Path, str, tuple[str, ...]]:
    """Return folder, station and further names. Raises ConfigurationError when the file does not do."""
    from edge_service.cli.simulation import CONFIG
    from edge_service.config import load

    tree = load(config if data_dir is None else data_dir.expanduser().absolute() / CONFIG)
    return tree.opcua_dir, tree.station.id, tree.gateway.opcua.names


def _peers(config: Path, data_dir: Path | None) -> "Peers":
    from edge_service.gateway.opcua.peers import Peers

    return Peers(_place(config, data_dir)[0])


def _users(config: Path, data_dir: Path | None) -> "Users":
    from edge_service.gateway.opcua.users import Users

    return Users(_place(config, data_dir)[0])
