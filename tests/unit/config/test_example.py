"""The files in config/: made from the code, complete, and true to its defaults."""

import json
import re
from pathlib import Path

import pytest

from edge_service.config import EdgeConfig, checksum, example, json_schema, load, parse, schema_text
from edge_service.config.schema import choose, follow, kinds
from edge_service.simulation import products

FOLDER = Path(__file__).parents[3] / "config"
MINIMAL = b"""
station: {id: line-1}
camera: {kind: simulated}
recipes:
  - {number: 1, name: PCB, model: pcb}
  - {number: 2, name: crate, model: crate}
"""


@pytest.mark.parametrize(("language", "name"), [("en", "edge.yaml"), ("zh", "edge.zh.yaml")])
def test_committed_example_is_the_generated_one(monkeypatch: pytest.MonkeyPatch, language: str, name: str):
    """config/edge.yaml and its Chinese twin are what `okng-edge config example` prints."""
    monkeypatch.setenv("OKNG_LANG", language)
    assert (FOLDER / name).read_text("utf-8") == example(), f"run: okng-edge config example > config/{name}"


def test_committed_schema_is_the_generated_one():
    """config/edge.schema.json is what `okng-edge config schema` prints."""
    committed = (FOLDER / "edge.schema.json").read_text("utf-8")
    assert committed == schema_text(), "run: okng-edge config schema > config/edge.schema.json"


@pytest.mark.parametrize("name", ["edge.yaml", "edge.zh.yaml"])
def test_what_the_example_shows_is_the_default(name: str):
    """Both files mean the same as the minimal one: no default is told wrongly."""
    assert checksum(load(FOLDER / name)) == checksum(parse(MINIMAL, "edge.yaml", FOLDER))


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_the_other_cameras_can_be_swapped_in(kind: str):
    """Taking the comment signs off another kind of camera gives a file that loads."""
    text = example()
    camera = re.search(rf"or, instead, kind {kind}:\n((?:  # .*\n)+)", text)
    assert camera is not None
    section = "\n".join("  " + line.removeprefix("  # ") for line in camera.group(1).splitlines())
    whole = re.sub(
        r"(?s)^camera:\n.*?\n\n#", lambda _: f"camera:\n{section}\n\n#", text, count=1, flags=re.MULTILINE
    )
    assert parse(whole.encode(), "edge.yaml", FOLDER).camera.kind == kind


def test_commented_values_can_be_used():
    """Every optional key is shown with a value that is allowed."""
    text = re.sub(
        r"(?m)^( *)# ([a-z_]+): (?!.* .*[a-z] )(\S.*)$", r"\1\2: \3", _only_the_first_camera(example())
    )
    config = parse(text.encode(), "edge.yaml", FOLDER)
    assert config.start_recipe == 1
    assert config.inference.threads == 2
    assert config.link.socket == "/run/okng/core.sock"


def _only_the_first_camera(text: str) -> str:
    return re.sub(r"(?m)^  # or, instead, kind .*\n(  # .*\n)+", "", text)


def test_every_key_is_described_in_both_languages():
    """No key without its line of English and its line of Chinese."""

    def check(schema: dict[str, object], path: str) -> None:
        for kind in [None, *kinds(schema)]:
            here = choose(follow(schema), kind)
            for key, below in here.get("properties", {}).items():
                texts = follow(below)["description"].split("\n")
                assert len(texts) == 2, f"{path}.{key}"
                check(below, f"{path}.{key}")

    check(json_schema(), "")
    assert json.loads(schema_text())["properties"]["camera"]["discriminator"]


def test_the_editor_finds_the_schema():
    """The first line tells a YAML language server where the schema lies."""
    assert example().startswith("# yaml-language-server: $schema=edge.schema.json\n")


def test_no_kind_shares_its_name_with_a_key():
    """Mistakes are located by keys and kinds alike: the two must not be confused."""
    camera = json_schema()["properties"]["camera"]
    for kind in kinds(camera):
        assert kind not in choose(follow(camera), kind)["properties"]


def test_simulated_products_are_those_of_the_simulation():
    """A product that can be rendered can be configured, and no other."""
    section = choose(follow(json_schema()["properties"]["camera"]), "simulated")
    assert tuple(section["properties"]["product"]["enum"]) == products()


def test_configurations_are_frozen():
    """Nobody changes a configuration in passing."""
    config: EdgeConfig = parse(MINIMAL, "edge.yaml", FOLDER)
    with pytest.raises(ValueError, match="frozen"):
        config.station.number = 3  # type: ignore[misc]
