"""Every benchmark is one command, however one starts it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_starts_as_a_file_and_teaches(tmp_path: Path):
    """``python benchmarks/NAME.py --help`` works from any folder and says what is measured."""
    programs = [each for each in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in each.read_text()]
    assert programs
    for together in (programs[at : at + 4] for at in range(0, len(programs), 4)):
        started = [
            subprocess.Popen(
                [sys.executable, program, "--help"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
            )
            for program in together
        ]
        for program, process in zip(together, started, strict=True):
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, f"{program.name}: {err}"
            assert "usage:" in out
            assert len(out.splitlines()) > 5, f"{program.name} --help says too little"
