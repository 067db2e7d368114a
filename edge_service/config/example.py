"""A commented configuration file, made from the tree: every key, what it means, what it may be, its default.

``config/edge.yaml`` (English) and ``config/edge.zh.yaml`` (Chinese) are its output in either language;
``okng-edge config example`` prints it on a box that has no copy of the repository.
"""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from edge_service.config.schema import Schema, allowed, choose, follow, json_schema, kinds
from edge_service.language import say

WIDTH = 100
VALUES: dict[str, Any] = {
    "station.id": "line-1",
    "camera.products": {"1": "pcb", "2": "crate"},
    "camera.plan": "plan.json",
    "camera.record": "shown.jsonl",
    "camera.path": "images",
    "camera.source": 0,
    "recipes": [
        {"number": 1, "name": "PCB", "model": "pcb"},
        {"number": 2, "name": "crate", "model": "crate"},
    ],
    "camera.width_px": 1280,
    "camera.height_px": 960,
    "camera.rate_hz": 30,
    "camera.exposure_us": 10000,
    "camera.gain": 0,
    "start_recipe": 1,
    "inference.threads": 2,
    "golden.every_h": 8,
    "models.store_dir": "/var/lib/okng/models",
    "models.trust_dir": "/var/lib/okng/trust",
    "uplink.ca_file": "/etc/okng/plant-ca.pem",
    "link.socket": "/run/okng/core.sock",
    "trigger.interval_ms": 1000,
    "modbus.tls.certificate": "tls/station.pem",
    "modbus.tls.key": "tls/station.key",
    "modbus.tls.client_ca": "tls/masters-ca.pem",
    "modbus.rtu.device": "/dev/ttyUSB0",
    "modbus.client.host": "192.168.1.20",
    "gateway.opcua.pki_dir": "/var/lib/okng/opcua",
}
PLAIN = {"text", "文本", "true | false"}  # what the value itself shows


def example() -> str:
    """Return the commented file in the language in force."""
    return commented(json_schema(), _head(), VALUES)


def commented(schema: Schema, head: list[str], values: Mapping[str, Any]) -> str:
    """Return a commented file for ``schema``; ``values`` (by dotted key) stand where there is no default."""
    return "\n".join([*head, *_section(schema, "", 0, values)]) + "\n"


def _head() -> list[str]:
    """Return the first lines: what an editor wants to know, then what a person does."""
    return [
        "# yaml-language-server: $schema=edge.schema.json",
        "#",
        *comment(
            say(
                "Configuration of an okng edge station. Copy it, change what differs, delete the rest: a key "
                "that is left out has the default shown here. Only station.id and camera.kind are needed.",
                "okng 边缘工位的配置。复制本文件，修改不同之处，其余可删除：省略的键取此处所示默认值。"
                "只有 station.id 和 camera.kind 是必需的。",
            ),
            0,
        ),
        *comment(
            say(
                "Check it with: okng-edge check-config --config edge.yaml. Units are in the names: _ms, _s, "
                "_px, _hz. Relative paths count from the folder of this file.",
                "检查命令：okng-edge check-config --config edge.yaml。单位见键名：_ms、_s、_px、_hz。"
                "相对路径以本文件所在文件夹为准。",
            ),
            0,
        ),
    ]


def _section(schema: Schema, path: str, indent: int, values: Mapping[str, Any]) -> list[str]:
    here = follow(schema)
    if choices := kinds(here):
        return _variants(here, choices, path, indent, values)
    lines: list[str] = []
    for key, below in here["properties"].items():
        place = f"{path}.{key}" if path else key
        lines += _entry(key, follow(below), place, indent, section=here, values=values)
    return lines


def _entry(
    key: str, schema: Schema, path: str, indent: int, *, section: Schema, values: Mapping[str, Any]
) -> list[str]:
    remark = comment(_about(schema), indent)
    margin = " " * indent
    if schema.get("properties") or kinds(schema):
        gap = [""] if indent == 0 else []
        return [*gap, *remark, f"{margin}{key}:", *_section(schema, path, indent + 2, values)]
    if path in values and isinstance(values[path], list):
        return ["", *remark, f"{margin}{key}:", *_list(schema, values[path], indent)]
    if "const" in schema:
        return [f"{margin}{key}: {schema['const']}"]
    remark = comment(_explained("", schema), indent)
    gap = [""] if indent == 0 else []
    value = schema.get("default")
    optional = value is None and key not in section.get("required", ())
    shown = _yaml(values[path] if value is None else value)
    return [*gap, *remark, f"{margin}{'# ' if optional else ''}{key}: {shown}"]


def _variants(
    schema: Schema, choices: list[str], path: str, indent: int, values: Mapping[str, Any]
) -> list[str]:
    """Return the first kind as it is and the others as comments, to be swapped by hand."""
    first = "simulated" if "simulated" in choices else choices[0]
    lines = _section(choose(schema, first), path, indent, values)
    for kind in (each for each in choices if each != first):
        other = _section(choose(schema, kind), path, 0, values)
        lines += ["", *comment(say(f"or, instead, kind {kind}:", f"或改用 kind {kind}："), indent)]
        lines += [f"{' ' * indent}# {line}" for line in other if line]
    return lines


def _list(schema: Schema, values: list[dict[str, Any]], indent: int) -> list[str]:
    """Return a list of sections: the keys explained once, then the entries."""
    margin = " " * (indent + 2)
    lines: list[str] = []
    for key, below in follow(schema["items"])["properties"].items():
        lines += comment(_explained(f"{key}: ", follow(below)), indent + 2)
    entries = [", ".join(f"{key}: {_yaml(value)}" for key, value in entry.items()) for entry in values]
    return [*lines, *(f"{margin}- {{{entry}}}" for entry in entries)]


def _explained(prefix: str, schema: Schema) -> str:
    may_be = allowed(schema)
    return f"{prefix}{_about(schema)}" + ("" if may_be in PLAIN else f" [{may_be}]")


def _about(schema: Schema) -> str:
    return say(*schema["description"].split("\n", 1))


def comment(text: str, indent: int = 0) -> list[str]:
    """Return the text as lines of comment."""
    margin = " " * indent + "# "
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _yaml(value: object) -> str:
    """Return a default as YAML: JSON is YAML, and plain words need no quotes."""
    if isinstance(value, str) and value.replace("-", "").replace("_", "").replace("/", "").isalnum():
        return value
    return json.dumps(value, ensure_ascii=False)
