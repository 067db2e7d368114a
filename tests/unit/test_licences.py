"""Every package that okng installs is listed with its licence."""

import contextlib
import re
from importlib import metadata

from tests.support.licences import PAGE, dependencies, licence

ROWS = dict(
    re.findall(r"^\| (?!package)([a-z0-9-]+) \| [^|]+ \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
)


def test_no_dependency_is_missing_and_none_is_left_over():
    """A dependency added to pyproject.toml needs its line, one removed loses it."""
    assert list(ROWS) == list(dependencies()), "run: python -m tests.support.licences"


def test_every_line_names_a_licence_and_who_installs_it():
    """No empty cell, and the extras are those of pyproject.toml."""
    for name, groups in dependencies().items():
        assert ROWS[name].strip()
        assert f"| {name} | {', '.join(groups)} |" in PAGE.read_text("utf-8")


def test_the_licences_are_those_the_packages_state():
    """Whatever an installed package says of its licence stands on the page; a release may say less."""
    told = {}
    for name in dependencies():
        with contextlib.suppress(metadata.PackageNotFoundError):
            told[name] = families(licence(name))
    assert told
    assert all(told.values())
    untold = {name: stated - families(ROWS[name]) for name, stated in told.items()}
    assert not any(untold.values()), untold


def families(text: str) -> set[str]:
    """Return the families of licences named in a text."""
    known = r"Apache|MIT|BSD|MPL|Mozilla|LGPL|GPL|PSF|Python Software Foundation|ISC|Zlib|CC0|Proprietary"
    return set(re.findall(known, text))
