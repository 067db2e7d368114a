"""The command line's door."""

import pytest

from edge_service.cli import main


def test_help_teaches_and_exits_zero(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` names the verbs and exits 0."""
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "check-config" in capsys.readouterr().out
