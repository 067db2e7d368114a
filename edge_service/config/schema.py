"""The JSON Schema of the configuration, and what it allows at a place, in words.

Editors check ``edge.yaml`` against the file made of it; our own messages take their "allowed" from
the same source, so the two can never disagree.
"""

import functools
import json
from typing import Any

from edge_service.config.tree import EdgeConfig
from edge_service.language import say

Schema = dict[str, Any]


@functools.cache
def json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of the whole tree."""
    schema = EdgeConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "okng edge", **schema}


def schema_text() -> str:
    """Return the schema as the file ``config/edge.schema.json`` holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def step(schema: Schema, key: str | int, tag: str | None = None) -> Schema | None:
    """Return the schema one key (or list index) further down; None where there is no such key.

    ``tag`` is the ``kind`` that the document gives where the schema offers several.
    """
    here = choose(follow(schema), tag)
    if isinstance(key, int):
        items = here.get("items")
        return follow(items) if items else None
    properties = here.get("properties", {})
    if key in properties:
        return follow(properties[key])
    more = here.get("additionalProperties")
    return follow(more) if isinstance(more, dict) else None


def keys(schema: Schema, tag: str | None = None) -> list[str]:
    """Return the keys that a section may hold, in the order of the reference."""
    return list(choose(follow(schema), tag).get("properties", {}))


def kinds(schema: Schema) -> list[str]:
    """Return the kinds that a section comes in; empty where it has no ``kind``."""
    mapping: dict[str, str] = follow(schema).get("discriminator", {}).get("mapping", {})
    return list(mapping)


def homes(key: str, whole: Schema) -> list[str]:
    """Return the places of the whole tree, dotted, where ``key`` is at home."""
    return sorted(path for path in _all_paths(whole, "") if path.rsplit(".", 1)[-1] == key)


def inlined(schema: Schema) -> Schema:
    """Return the schema with every ``$ref`` replaced by what it points to, so that it stands alone."""
    defined = schema.get("$defs", {})

    def unfold(value: Any) -> Any:
        if isinstance(value, list):
            return [unfold(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            value = {**defined[value["$ref"].rsplit("/", 1)[-1]], **value}
        return {key: unfold(below) for key, below in value.items() if key not in {"$ref", "$defs"}}

    whole: Schema = unfold(schema)
    return whole


def allowed(schema: Schema) -> str:
    """Return in words what a value at this place may be."""
    here = follow(schema)
    if words := here.get("x-allowed"):
        return say(words["en"], words["zh"])
    if choices := kinds(here):
        return say(f"a section with kind: {' | '.join(choices)}", f"带 kind 的配置段：{' | '.join(choices)}")
    if "enum" in here or "const" in here:
        values = here.get("enum", [here.get("const")])
        return say(f"one of {', '.join(map(str, values))}", f"以下之一：{', '.join(map(str, values))}")
    if "anyOf" in here:
        parts = [allowed(part) for part in here["anyOf"] if part.get("type") != "null"]
        return say(" or ", "，或").join(parts)
    return _allowed_type(here)


def _allowed_type(here: Schema) -> str:
    match here.get("type"):
        case "integer":
            return say("a whole number", "整数") + _limits(here)
        case "number":
            return say("a number", "数字") + _limits(here)
        case "boolean":
            return "true | false"
        case "array":
            return say("a list of: ", "列表，元素为：") + allowed(here["items"])
        case "string":
            return _allowed_text(here)
        case _:
            return _allowed_section(here)


def _allowed_text(here: Schema) -> str:
    longest = here.get("maxLength")
    return say("text", "文本") + (
        say(f" of 1 to {longest} characters", f"，1 至 {longest} 个字符") if longest else ""
    )


def _allowed_section(here: Schema) -> str:
    names = ", ".join(keys(here))
    if names:
        return say(f"a section with the keys {names}", f"配置段，键为 {names}")
    return say("a section: key, value -> ", "配置段：键 -> ") + allowed(here.get("additionalProperties", {}))


def _limits(here: Schema) -> str:
    low, above = here.get("minimum"), here.get("exclusiveMinimum")
    high = here.get("maximum")
    if low is not None and high is not None:
        return say(f" from {low} to {high}", f"，{low} 至 {high}")
    if above is not None and high is not None:
        return say(f" above {above}, at most {high}", f"，大于 {above} 且不超过 {high}")
    return ""


def follow(schema: Schema) -> Schema:
    """Return what a ``$ref`` points to, with whatever stands beside the reference."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        target: Schema = json_schema()["$defs"][name]
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def choose(schema: Schema, tag: str | None) -> Schema:
    """Return the schema of one kind of a section; the section's own where it has no such kind."""
    mapping = schema.get("discriminator", {}).get("mapping", {})
    return follow({"$ref": mapping[tag]}) if tag in mapping else schema


def _all_paths(schema: Schema, prefix: str) -> list[str]:
    here = follow(schema)
    paths: list[str] = []
    for variant in [here, *(choose(here, kind) for kind in kinds(here))]:
        for key, below in variant.get("properties", {}).items():
            path = f"{prefix}.{key}" if prefix else key
            paths += [path, *_all_paths(below, path)]
    if here.get("type") == "array":
        paths += _all_paths(here["items"], prefix + "[]")
    return paths
