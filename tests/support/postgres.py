"""A PostgreSQL server of a test's own: a folder, a Unix socket in it, no port, nothing of the machine's."""

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

OWNER = "postgres"  # the server refuses to run as root; Debian's package brings this user
DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path:
    """Return the folder of initdb and pg_ctl, or skip; with OKNG_REQUIRE_PEERS=1 fail."""
    places = [*sorted(DEBIAN.glob("*/bin"), reverse=True), *map(Path, os.get_exec_path())]
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    told = "PostgreSQL's server programs (initdb, pg_ctl) are not installed"
    if os.environ.get("OKNG_REQUIRE_PEERS") == "1":
        pytest.fail(f"{told}, and OKNG_REQUIRE_PEERS=1 asks for them")
    pytest.skip(told)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server as long as the block lasts; give the URL of its empty database."""
    bin_folder = programs()
    folder = Path(tempfile.mkdtemp(prefix="okng-pg-", dir="/tmp"))  # short: a socket's path has 107 bytes
    data = folder / "data"
    if os.geteuid() == 0:
        shutil.chown(folder, OWNER)
    try:
        _run(bin_folder / "initdb", "-D", data, "-U", "okng", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses="
        _run(bin_folder / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://okng@/postgres?host={folder}"
        finally:
            _run(bin_folder / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _run(*command: str | Path) -> None:
    """Run a program as a user that is not root; its words come with its failure."""
    line = shlex.join(map(str, command))
    whole = ["su", "-s", "/bin/sh", "-c", line, OWNER] if os.geteuid() == 0 else ["/bin/sh", "-c", line]
    with tempfile.TemporaryFile("w+") as words:  # a pipe would stay open in the server that pg_ctl starts
        done = subprocess.run(whole, cwd="/", stdout=words, stderr=words, check=False, timeout=120)
        words.seek(0)
        assert done.returncode == 0, words.read()
