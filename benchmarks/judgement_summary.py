"""Runs of the judgement benchmark summed up: a row a run, and means a set and method over shots and seeds.

Latency is taken here, of all methods' graphs in turns, so that one table's times are of one hour and machine:
OpenVINO on the CPU as it comes, the median of ``_ROUNDS`` calls.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from benchmarks import figures
from benchmarks.judgement_runs import Run, Task

_ROUNDS = 40
_WARM_UP = 5


def header() -> str:
    """Return the table's first line."""
    return (
        f"{'set':15}{'method':12}{'shots':>5}{'seed':>5}{'AUROC':>8}{'pixels':>8}{'AUPRO':>8}"
        f"{'rejects':>9}{'misses':>8}{'train s':>9}"
    )


def row(task: Task, run: Run) -> str:
    """Return a run's line. Rejects and misses are at the threshold that the method ships."""
    found = _figures(run)
    return (
        f"{task.set_name:15}{task.method:12}{task.shots:5}{task.seed:5}{_number(found['image_auroc'], 8)}"
        f"{_number(found['pixel_auroc'], 8)}{_number(found['aupro'], 8)}"
        f"{_number(found['false_reject_rate'], 9)}{_number(found['miss_rate'], 8)}{run.train_s:9.0f}"
    )


def summarise(done: Mapping[Task, Run], cache: Path) -> dict[str, Any]:
    """Return ``{"sets": {set: {method: figures}}}``, means over all shots and seeds that were run."""
    groups: dict[tuple[str, str], list[tuple[Task, Run]]] = defaultdict(list)
    for task, run in done.items():
        groups[task.set_name, task.method].append((task, run))
    sets: dict[str, dict[str, Any]] = defaultdict(dict)
    for (name, method), runs in groups.items():
        found = [_figures(run) for _, run in runs]
        sets[name][method] = {key: _mean([each[key] for each in found]) for key in found[0]}
        sets[name][method] |= {
            "shots": sorted({task.shots for task, _ in runs}),
            "seeds": sorted({task.seed for task, _ in runs}),
        }
    for name, methods in sets.items():
        first = {method: groups[name, method][0][0].folder(cache) / "graph.xml" for method in methods}
        for method, milliseconds in _latencies(first).items():
            methods[method]["latency_ms"] = milliseconds
    return {"sets": dict(sets)}


def _figures(run: Run) -> dict[str, float | None]:
    good, bad = np.array(run.good), np.array(run.bad)
    shipped = next(iter(run.thresholds.values()), None)
    rejects, misses = figures.rates(good, bad, shipped) if shipped is not None else (None, None)
    return {
        "image_auroc": figures.auroc(good, bad),
        "pixel_auroc": run.pixel_auroc,
        "aupro": run.aupro,
        "false_reject_rate": rejects,
        "miss_rate": misses,
    }


def _latencies(paths: Mapping[str, Path]) -> dict[str, float]:
    core = ov.Core()
    requests = {}
    for method, path in paths.items():
        compiled = core.compile_model(core.read_model(path), "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        requests[method] = (compiled.create_infer_request(), _picture(compiled.input(0)))
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(_WARM_UP + _ROUNDS):
        for method, (request, picture) in requests.items():
            began = time.perf_counter()
            request.infer([picture])
            if number >= _WARM_UP:
                times[method].append((time.perf_counter() - began) * 1000)
    return {method: float(np.median(each)) for method, each in times.items()}


def _picture(port: Any) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(0)
    shape = list(port.get_shape())
    if port.get_element_type().to_string() == "u8":
        return random.integers(0, 256, shape, np.uint8)
    return random.random(shape, np.float32)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _number(value: float | None, width: int) -> str:
    return f"{'':{width}}" if value is None else f"{value:{width}.3f}"
