"""The inspection station: PLC trigger in, OK or NG out."""

import sys

__version__ = "0.1.0"

# Importing OpenVINO (and NNCF) reports to its maker's web analytics wherever this package can be imported.
# Nothing leaves a plant unasked: here it cannot be, and both fall back to their silent stand-in.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: "cannot be imported"
