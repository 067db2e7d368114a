"""``python -m trainer.worker.child ERRAND.json``: one training run, reported line by line.

Whatever libraries print goes to stderr, which the worker keeps as the job's log; the reports have stdout's
pipe to themselves.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import TextIO

from pydantic import TypeAdapter

from edge_service.contract.keys import load_signing_key
from edge_service.errors import OkngError
from edge_service.lifecycle import end_with_parent
from trainer.domain import Phase, Progress
from trainer.worker.errand import Advance, Errand, Made, Report

_POLITE = 10  # beside the server on the same machine, answering comes first
_FAILED = 3


def main(errand_file: Path) -> int:
    """Run the errand; return 0, or 3 when it failed in a way that is told."""
    end_with_parent()
    os.nice(_POLITE)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as reports:
        os.dup2(2, 1)
        try:
            _train(Errand.model_validate_json(errand_file.read_bytes()), reports)
        except OkngError as error:
            print(f"failed: {error}", file=sys.stderr, flush=True)
            _say(reports, Report(failed=str(error)))
            return _FAILED
        except Exception as error:  # noqa: BLE001 - the worker must learn of it, the log has the rest
            traceback.print_exc()
            _say(reports, Report(failed=f"{type(error).__name__}: {error}"))
            return _FAILED
    return 0


def _train(errand: Errand, reports: TextIO) -> None:
    from trainer.pipeline.run import PackageLabel, train_package  # noqa: PLC0415 - torch takes seconds
    from trainer.pipeline.settings import TrainingSettings  # noqa: PLC0415

    def watch(now: Progress) -> None:
        if now.phase is not Phase.TRAIN or now.done == now.total:
            print(f"{now.phase} {now.done}/{now.total}", file=sys.stderr, flush=True)
        _say(
            reports,
            Report(progress=Advance(phase=now.phase, done=now.done, total=now.total, loss=now.loss)),
        )

    result = train_package(
        Path(errand.photographs),
        PackageLabel(errand.product, errand.version),
        TypeAdapter(TrainingSettings).validate_python(errand.settings),
        Path(errand.out),
        key=load_signing_key(Path(errand.key)),
        watch=watch,
    )
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr, flush=True)
    made = Made(package=str(result.package), picture=str(result.picture), warnings=result.warnings)
    _say(reports, Report(made=made))


def _say(reports: TextIO, report: Report) -> None:
    reports.write(report.model_dump_json(exclude_none=True) + "\n")
    reports.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
