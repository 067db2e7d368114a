"""A child that must not outlive its supervisor asks the kernel to be told of the parent's death."""

import ctypes
import os
import signal

PARENT = "OKNG_PARENT"
"""Environment variable in which a supervisor leaves its process id for its children."""

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent() -> None:
    """Get SIGTERM when the supervisor named in ``OKNG_PARENT`` dies; without one do nothing."""
    parent = os.environ.pop(PARENT, "")
    if not parent:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)
