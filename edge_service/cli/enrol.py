"""``okng-edge enrol``: make this box known to its training server, and the server's key to this box."""

import asyncio
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.config import EdgeConfig
    from edge_service.contract.messages import EnrolmentAnswer

HELP = say(
    "Enrol this box at a training server with a one-time code that somebody made there.\n\n"
    "The box gets a token of its own (kept readable for this user alone) and trusts the server's key: from "
    "now on results, pictures and samples travel to the server, and models that it assigns come back. A "
    "running station needs no restart. Compare the fingerprint with the one the server shows. Enrolling "
    "again replaces the token.\n\nExample: `okng-edge enrol https://server:8443 K7QF-2MXD -c edge.yaml`",
    "用服务器上生成的一次性注册码，把本机注册到训练服务器。\n\n"
    "本机获得专用令牌（仅当前用户可读）并信任服务器的密钥：此后结果、图像和样本会上传，服务器指派的模型会下发。"
    "运行中的工位无需重启。请与服务器显示的指纹核对。再次注册会替换令牌。\n\n"
    "示例：`okng-edge enrol https://server:8443 K7QF-2MXD --config edge.yaml`",
)
Url = Annotated[
    str, typer.Argument(metavar="SERVER_URL", help=say("the training server's address", "训练服务器地址"))
]
Code = Annotated[str, typer.Argument(metavar="CODE", help=say("the one-time code", "一次性注册码"))]
Fingerprint = Annotated[
    str,
    typer.Option(
        "--fingerprint",
        help=say(
            "refuse unless the server's key has this fingerprint (spaces do not matter)",
            "若服务器密钥指纹不符则拒绝（忽略空格）",
        ),
    ),
]


def enrol(url: Url, code: Code, config: ConfigFile = DEFAULT_CONFIG, fingerprint: Fingerprint = "") -> None:
    """Ask, check, keep; print whose key is trusted now."""
    from edge_service.config import load
    from edge_service.contract.keys import PublicKey
    from edge_service.contract.keys import fingerprint as grouped
    from edge_service.contract.trust import TrustStore
    from edge_service.enrolment import Enrolment, EnrolmentFile
    from edge_service.errors import SignatureError

    tree = load(config)
    _check(url)
    answer = asyncio.run(_ask(tree, url, code))
    key = PublicKey(bytes.fromhex(answer.public_key))
    wanted = "".join(fingerprint.split()).lower()
    if key.key_id != answer.key_id or (wanted and wanted != key.key_id):
        raise SignatureError(
            say(
                f"the server's key is another one: {grouped(key.key_id)}",
                f"服务器的密钥不符：{grouped(key.key_id)}",
            ),
            remedy=say(
                "is this the right server? Nothing was kept; the code is used up, make a new one",
                "请确认服务器是否正确。未保存任何内容；注册码已失效，请重新生成",
            ),
        )
    TrustStore(tree.trust_dir).add(key)
    EnrolmentFile(tree.enrolment_file).write(
        Enrolment(
            url=url.rstrip("/"),
            token=answer.token,
            station=answer.station,
            key_id=key.key_id,
            server=answer.server,
        )
    )
    print(
        say(
            f"{answer.station} is enrolled at {answer.server or url}\ntrusted: {grouped(key.key_id)}",
            f"{answer.station} 已注册到 {answer.server or url}\n已信任：{grouped(key.key_id)}",
        )
    )


async def _ask(tree: "EdgeConfig", url: str, code: str) -> "EnrolmentAnswer":
    from edge_service.contract.messages import EnrolmentRequest
    from edge_service.gateway.uplink.health import software
    from edge_service.gateway.uplink.server import Server

    section = tree.uplink
    ca_file = tree.resolve(section.ca_file) if section.ca_file else None
    request = EnrolmentRequest(code=code.strip(), station=tree.station.id, software=software())
    async with Server(url.rstrip("/"), timeout_s=section.timeout_s, ca_file=ca_file) as server:
        return await server.enrol(request)


def _check(url: str) -> None:
    from edge_service.errors import ConfigurationError

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            say(f"{url} is no address of a server", f"{url} 不是服务器地址"),
            remedy=say("such as https://server:8443", "例如 https://server:8443"),
        )
