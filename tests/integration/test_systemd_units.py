"""The units in systemd/: systemd itself finds nothing wrong with them, and they expose little."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_service.lifecycle import precedence

FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))

Find = Callable[[str], str]


def directives(unit: str) -> dict[str, str]:
    """Return the last value of each key."""
    lines = (FOLDER / unit).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_systemd_understands_every_line(tmp_path: Path, require_program: Find) -> None:
    """``systemd-analyze verify`` is silent: it exits 0 on a key it does not know, but says so on stderr."""
    analyze = require_program("systemd-analyze")
    for unit in UNITS:
        text = (FOLDER / unit).read_text()
        (tmp_path / unit).write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text))
    command = [analyze, "verify", *(str(tmp_path / unit) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_key_that_systemd_does_not_know_would_be_found(tmp_path: Path, require_program: Find) -> None:
    """The test above can fail."""
    unit = tmp_path / "okng-edge.service"
    unit.write_text(f"[Service]\nExecStart={sys.executable}\nWatchdogSek=5\n")
    command = [require_program("systemd-analyze"), "verify", str(unit)]
    assert "WatchdogSek" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("unit", UNITS)
def test_units_expose_little(unit: str, require_program: Find) -> None:
    """``systemd-analyze security`` stays below 3.0 of 10."""
    command = [require_program("systemd-analyze"), "security", "--offline=yes", "--threshold=30"]
    done = subprocess.run([*command, str(FOLDER / unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_watched_and_come_back(unit: str) -> None:
    """The manager hears when they are ready, expects signs of life, and starts them again for ever."""
    keys = directives(unit)
    assert (keys["Type"], keys["Restart"], keys["StartLimitIntervalSec"]) == ("notify", "always", "0")
    assert int(keys["WatchdogSec"].removesuffix("s")) <= 60
    assert keys["NoNewPrivileges"] == "yes"


def test_the_core_comes_before_the_gateway() -> None:
    """In nice levels, in the shares that count between services, and when memory is short."""
    core, gateway = directives("okng-edge.service"), directives("okng-gateway.service")
    assert int(core["Nice"]) < 0 < int(gateway["Nice"])
    assert int(core["CPUWeight"]) > 100 > int(gateway["CPUWeight"])
    assert int(core["OOMScoreAdjust"]) < 0 < int(gateway["OOMScoreAdjust"])
    assert gateway["CPUSchedulingPolicy"] == "batch"


def test_the_core_may_answer_first_within_bounds() -> None:
    """One thread may go before everything else, keep its threads' nice level, and not take the box."""
    core = directives("okng-edge.service")
    assert core["LimitRTPRIO"] == str(precedence.PRIORITY)
    assert int(core["LimitRTTIME"].removesuffix("s")) == precedence.LAST_TURN_S
    assert core["LimitNICE"] == core["Nice"]
    assert not {"RestrictRealtime", "CPUSchedulingPolicy"} & core.keys()
    assert directives("okng-gateway.service")["RestrictRealtime"] == "yes"


def test_the_core_keeps_what_judging_needs() -> None:
    """OpenVINO generates code and reads /proc/cpuinfo; cameras and GPU are devices; port 502 is low."""
    keys, text = directives("okng-edge.service"), (FOLDER / "okng-edge.service").read_text()
    assert not {"MemoryDenyWriteExecute", "PrivateDevices", "ProcSubset"} & keys.keys()
    assert keys["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    for device in ("char-drm", "char-video4linux", "char-usb_device", "char-ttyUSB"):
        assert f"DeviceAllow={device} rw" in text
