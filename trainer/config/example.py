"""The commented configuration file of the server, made from the tree.

``config/trainer.yaml`` (English) and ``config/trainer.zh.yaml`` (Chinese) are its output in either language;
``okng-trainer config example`` prints it.
"""

from typing import Any

from edge_service.config.example import comment, commented
from edge_service.language import say
from trainer.config.load import json_schema

VALUES: dict[str, Any] = {
    "database.url": "postgresql://okng@localhost/okng",
    "storage.blobs_dir": "/var/lib/okng-trainer/blobs",
    "signing.key": "/etc/okng/signing.pem",
}


def example() -> str:
    """Return the commented file in the language in force."""
    head = [
        "# yaml-language-server: $schema=trainer.schema.json",
        "#",
        *comment(
            say(
                "Configuration of an okng training server and its workers. Copy it, change what differs, "
                "delete the rest: a key that is left out has the default shown here. None is needed.",
                "okng 训练服务器及其工作进程的配置。复制本文件，修改不同之处，其余可删除："
                "省略的键取此处所示默认值。没有必需的键。",
            )
        ),
        *comment(
            say(
                "Check it with: okng-trainer config check --config trainer.yaml. Units are in the names. "
                "Relative paths count from the folder of this file.",
                "检查命令：okng-trainer config check --config trainer.yaml。单位见键名。"
                "相对路径以本文件所在文件夹为准。",
            )
        ),
    ]
    return commented(json_schema(), head, VALUES)
