"""What the box says of itself every half minute or so."""

import platform
import shutil
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import edge_service
from edge_service.contract.messages import (
    Backlog,
    Device,
    Disk,
    HealthReport,
    InstalledModel,
    Software,
)
from edge_service.gateway.view import CoreView
from edge_service.outbox import Counter, Counts

_DROPPED = (Counter.SPOT_CHECKS_DROPPED, Counter.PICTURES_DROPPED, Counter.PICTURES_NOT_KEPT)


def software() -> Software:
    """Return what runs on this box."""
    try:
        openvino = version("openvino")
    except PackageNotFoundError:
        openvino = ""
    return Software(
        okng=edge_service.__version__,
        python=platform.python_version(),
        openvino=openvino,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
    )


def report(
    station: str,
    view: CoreView,
    counts: Counts,
    models: tuple[InstalledModel, ...],
    *,
    disk: tuple[Path, int],
) -> HealthReport:
    """Return the report of this moment. While the core is away its numbers are 0 and its state says so.

    ``disk``: the data folder, and the outbox's quota in bytes.
    """
    state: Mapping[str, Any] = {} if view.away else view.state
    signals: Mapping[str, Any] = state.get("signals", {})
    device = state.get("device")
    data_dir, quota_bytes = disk
    usage = shutil.disk_usage(data_dir)
    return HealthReport(
        station=station,
        boot_id=int(state.get("boot_id", 0)),
        sent_at=max(0.0, time.time()),
        uptime_s=time.monotonic(),
        state=_word(signals) if state else "core away",
        software=software(),
        configuration_checksum=int(signals.get("Station.ConfigurationChecksum", 0)),
        device=Device(kind=str(device)) if device else None,
        disk=Disk(
            free_bytes=usage.free,
            total_bytes=usage.total,
            outbox_bytes=counts.used_bytes,
            outbox_quota_bytes=quota_bytes,
        ),
        backlog=Backlog(
            records=counts.inspections_waiting,
            samples=counts.samples_waiting,
            images=counts.pictures_waiting,
            images_dropped=sum(counts.missing[counter] for counter in _DROPPED),
        ),
        models=models,
        inspected=int(signals.get("Statistics.Total", 0)),
        missed_triggers=int(signals.get("Statistics.Missed", 0)),
        error_code=int(signals.get("Status.ErrorCode", 0)),
    )


def _word(signals: Mapping[str, Any]) -> str:
    if signals.get("Status.OfflineReason"):
        return f"offline {signals['Status.OfflineReason']}"
    if signals.get("Status.Error"):
        return "fault"
    return "busy" if signals.get("Status.SystemBusy") else "ready"
