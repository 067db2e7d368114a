"""Writing that survives: whole or not at all."""

import errno
import stat
from pathlib import Path

import pytest

from edge_service.durable import LocalDisk, translated
from edge_service.errors import ConfigurationError, DiskFullError


def test_a_file_is_written_whole_and_alone(tmp_path: Path):
    """New or replaced, the file has its content and mode, its folder is made, and nothing lies beside it."""
    path = tmp_path / "a" / "b" / "file"
    for content in (b"first", b"second"):
        LocalDisk().write(path, content, mode=0o600)
        assert path.read_bytes() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path):
    """Where the name cannot be taken (a folder has it), the old thing stays and no rest is left."""
    (tmp_path / "file").mkdir()
    with pytest.raises(ConfigurationError, match="cannot write"):
        LocalDisk().write(tmp_path / "file", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EACCES, ConfigurationError),
        (errno.EROFS, ConfigurationError),
    ],
)
def test_errors_are_told_apart(number: int, kind: type[Exception]):
    """No room is the plant's to mend, no permission is ours; both say which file and what to do."""
    error = translated(OSError(number, "reason"), Path("somewhere/file"))
    assert isinstance(error, kind)
    assert "somewhere/file" in error.what
    assert error.remedy
