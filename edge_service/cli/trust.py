"""``okng-edge trust``: whose model packages this box takes."""

import json
from pathlib import Path
from typing import Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir
from edge_service.language import say

app = typer.Typer(
    help=say("Whose model packages this box takes.", "本机接受谁签名的模型包。"), no_args_is_help=True
)

KeyFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help=say("the server's public key file", "服务器的公钥文件")),
]


@app.command(
    "add",
    help=say(
        "Trust a public key from now on. Compare the fingerprint with the one the server shows.\n\n"
        "Example: `okng-edge trust add server.pub`",
        "从现在起信任一个公钥。请与服务器显示的指纹核对。\n\n示例：`okng-edge trust add server.pub`",
    ),
)
def add(file: KeyFile, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Put the key into the trust folder and print its fingerprint."""
    from edge_service.cli.model_place import find_place
    from edge_service.contract.keys import fingerprint, load_public_key

    key = load_public_key(file)
    find_place(config, data_dir).trust().add(key)
    print(say(f"trusted: {fingerprint(key.key_id)}", f"已信任：{fingerprint(key.key_id)}"))


@app.command("list", help=say("List the trusted keys by fingerprint.", "按指纹列出受信任的密钥。"))
def list_keys(
    config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Print every trusted key's fingerprint."""
    from edge_service.cli.model_place import find_place
    from edge_service.contract.keys import fingerprint

    key_ids = [key.key_id for key in find_place(config, data_dir).trust().trusted()]
    if as_json:
        print(json.dumps(key_ids))
        return
    for key_id in key_ids:
        print(fingerprint(key_id))
    if not key_ids:
        print(
            say(
                "no key is trusted yet: okng-edge trust add FILE",
                "尚未信任任何密钥：okng-edge trust add FILE",
            )
        )


@app.command(
    "revoke",
    help=say(
        "Never again believe a key: packages it signed are not installed, and do not load at the next "
        "start.\n\n"
        "Example: `okng-edge trust revoke ID` (`okng-edge trust list --json` shows the ids)",
        "永久吊销一个密钥：不再安装其签名的模型包，下次启动也不再加载。\n\n"
        "示例：`okng-edge trust revoke 标识`（`okng-edge trust list --json` 可列出标识）",
    ),
)
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help=say("64 hex digits", "64 位十六进制"))],
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
) -> None:
    """Mark the key as revoked."""
    from edge_service.cli.model_place import find_place
    from edge_service.contract.keys import fingerprint

    find_place(config, data_dir).trust().revoke(key_id)
    print(say(f"revoked: {fingerprint(key_id)}", f"已吊销：{fingerprint(key_id)}"))
