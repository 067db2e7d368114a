"""The server's files in config/: made from the code, complete, and true to its defaults."""

import re
from pathlib import Path

import pytest

from edge_service.config.schema import choose, follow, kinds
from edge_service.errors import ConfigurationError
from trainer.config import example, json_schema, load, parse, schema_text

FOLDER = Path(__file__).parents[3] / "config"


@pytest.mark.parametrize(("language", "name"), [("en", "trainer.yaml"), ("zh", "trainer.zh.yaml")])
def test_committed_example_is_the_generated_one(monkeypatch: pytest.MonkeyPatch, language: str, name: str):
    """config/trainer.yaml and its Chinese twin are what `okng-trainer config example` prints."""
    monkeypatch.setenv("OKNG_LANG", language)
    assert (FOLDER / name).read_text("utf-8") == example(), (
        f"run: okng-trainer config example > config/{name}"
    )


def test_committed_schema_is_the_generated_one():
    """config/trainer.schema.json is what `okng-trainer config schema` prints."""
    committed = (FOLDER / "trainer.schema.json").read_text("utf-8")
    assert committed == schema_text(), "run: okng-trainer config schema > config/trainer.schema.json"


@pytest.mark.parametrize("name", ["trainer.yaml", "trainer.zh.yaml"])
def test_what_the_example_shows_is_the_default(name: str):
    """Both files mean the same as an empty one: no default is told wrongly."""
    assert load(FOLDER / name) == parse(b"{}", "trainer.yaml", FOLDER)


def test_commented_values_can_be_used():
    """Every optional key is shown with a value that is allowed."""
    text = re.sub(r"(?m)^( *)# ([a-z_]+): (\S+)$", r"\1\2: \3", example())
    config = parse(text.encode(), "trainer.yaml", FOLDER)
    assert config.database_url.startswith("postgresql://")
    assert config.signing_key == Path("/etc/okng/signing.pem")


def test_every_key_is_described_in_both_languages():
    """No key without its line of English and its line of Chinese."""

    def check(schema: dict[str, object], path: str) -> None:
        for kind in [None, *kinds(schema)]:
            here = choose(follow(schema), kind)
            for key, below in here.get("properties", {}).items():
                assert len(follow(below)["description"].split("\n")) == 2, f"{path}.{key}"
                check(below, f"{path}.{key}")

    check(json_schema(), "")


def test_a_mistake_is_told_with_line_key_and_what_is_allowed():
    """The server's file is read by the edge's machinery, with the same words."""
    with pytest.raises(ConfigurationError) as caught:
        parse(b"server:\n  http: {prot: 80}\njobs: {most_tries: 0}\n", "trainer.yaml", FOLDER)
    told = str(caught.value)
    assert "trainer.yaml:2:10: server.http.prot: unknown key" in told
    assert "did you mean: port" in told
    assert "from 1 to 20" in told
    assert "okng-trainer config check" in told
