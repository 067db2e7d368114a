"""Makes docs/reference/licences.md from pyproject.toml and what the installed packages say of themselves.

Run it where every extra is installed: ``python -m tests.support.licences > docs/reference/licences.md``.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "licences.md"
LONGEST_LICENCE_NAME = 60

HEAD = """\
# Licences

okng itself is under the Apache License 2.0 (see LICENSE). It installs the packages below and copies none
of their code. The table is made from `pyproject.toml` and from what each package says of itself (`python
-m tests.support.licences`); a test holds that no declared dependency is missing.

| package | installed with | licence |
|---|---|---|
"""

NOTES = """
## Worth knowing

- **opencv-python-headless** is Apache-2.0, and its wheel carries FFmpeg as shared libraries under
  LGPL-2.1: they may be replaced, and whoever passes the wheel on passes on that right.
- **torch** from PyPI brings NVIDIA's CUDA libraries under NVIDIA's own licence. Only the training extra
  installs it, never an edge; a CPU build from PyTorch's own index has none of them.
- **anomalib** brings further packages for algorithms we do not use. They are installed on the training
  server and not loaded.
- **psycopg** (and libpq in its wheel) is LGPL-3.0: imported as a package of its own, and only where the
  training server's configuration names a PostgreSQL database.
- **asyncua** (OPC UA) is LGPL-3.0-or-later: imported as a package of its own, never
  copied or linked into a single file, so that its user can replace it.
- **blark** (GPL) reads our Structured Text in one test. It is a developer's tool: neither a station nor a
  server installs it, and nothing of it is passed on.
- **openvino**'s GPU plugin needs Intel's compute runtime (MIT) from the operating system.
"""


def dependencies() -> dict[str, list[str]]:
    """Return normalised package name -> extras that install it ("base" for everybody)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"base": project["dependencies"], **project["optional-dependencies"]}
    found: dict[str, list[str]] = {}
    for group, requirements in groups.items():
        for requirement in requirements:
            name = normalised(re.match(r"[A-Za-z0-9._-]+", requirement)[0])  # type: ignore[index]
            if name != project["name"]:
                found.setdefault(name, []).append(group)
    return dict(sorted(found.items()))


def normalised(name: str) -> str:
    """Return a package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(package: str) -> str:
    """Return the licence that an installed package states. Raises PackageNotFoundError."""
    about = metadata.metadata(package)
    stated = about.get("License-Expression")
    classifiers = [
        classifier.rsplit(" :: ", 1)[-1]
        for classifier in about.get_all("Classifier", [])
        if classifier.startswith("License ::") and not classifier.endswith("OSI Approved")
    ]
    lines = (about.get("License") or "").strip().splitlines()
    short = lines[0] if lines and len(lines[0]) <= LONGEST_LICENCE_NAME else ""
    return stated or ", ".join(classifiers) or short


def page() -> str:
    """Return the whole page."""
    rows = [f"| {name} | {', '.join(groups)} | {licence(name)} |" for name, groups in dependencies().items()]
    return HEAD + "\n".join(rows) + "\n" + NOTES


if __name__ == "__main__":
    print(page(), end="")
