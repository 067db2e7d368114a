"""The page of docs/reference that the judgement benchmark writes, with its plot: nothing typed by hand."""

import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks import figures
from benchmarks.judgement_runs import METHODS, OURS, Run, Task

Summary = Mapping[str, Mapping[str, Mapping[str, Any]]]
_HIDDEN = {"--data", "--cache", "--page", "--json"}  # folders of the machine that it ran on


def write_page(done: Mapping[Task, Run], summary: dict[str, Any], page: Path) -> None:
    """Write ``page`` (Markdown) and ``page`` with .png."""
    sets: Summary = summary["sets"]
    picture = page.with_suffix(".png")
    _plot(sets, picture)
    lines = [
        "# Judgement from a few good photographs: measured",
        "",
        f"Written by `{_command()}`",
        f"on {datetime.now(UTC):%Y-%m-%d}. Figures are means over the shots and seeds of the last column.",
        "`ours` is `okng-trainer train` with no options; rejects and misses are at the threshold that it",
        "ships. Latency is OpenVINO on the CPU of the machine that wrote this page, in turns, with",
        "whatever else it had to do: compare, do not quote.",
        "",
        *_table(sets),
        "",
        f"![image AUROC by set and method]({picture.name})",
        "",
        "## Mean image AUROC over the sets where all methods ran",
        "",
        *_means(sets),
        "",
        "## Misses where the stock method rejects as many good parts",
        "",
        *_misses(done),
        "",
        "## Good test parts rejected, by stated false-reject rate",
        "",
        *_stated(done),
        "",
    ]
    page.write_text("\n".join(lines), "utf-8")


def _table(sets: Summary) -> list[str]:
    head = (
        "| set | method | image AUROC | pixel AUROC | AUPRO | false rejects | misses | ms | shots; seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    rows = []
    for name, methods in sets.items():
        for method in (each for each in METHODS if each in methods):
            found = methods[method]
            cells = [_cell(found[key]) for key in ("image_auroc", "pixel_auroc", "aupro")]
            cells += [_cell(found[key]) for key in ("false_reject_rate", "miss_rate")]
            cells.append(f"{found['latency_ms']:.0f}")
            cells.append(f"{_list(found['shots'])}; {_list(found['seeds'])}")
            rows.append(f"| {name} | {method} | {' | '.join(cells)} |")
    return [*head, *rows]


def _means(sets: Summary) -> list[str]:
    present = [method for method in METHODS if any(method in methods for methods in sets.values())]
    common = [name for name, methods in sets.items() if all(method in methods for method in present)]
    if not common:
        return ["No set was measured with all methods."]
    means = {method: np.mean([sets[name][method]["image_auroc"] for name in common]) for method in present}
    return [
        f"Sets: {', '.join(common)}.",
        "",
        "| method | mean image AUROC |",
        "|---|---|",
        *(f"| {method} | {mean:.3f} |" for method, mean in means.items()),
    ]


def _misses(done: Mapping[Task, Run]) -> list[str]:
    rows = []
    for task, run in done.items():
        stock = done.get(Task(task.set_name, "stfpm", task.shots, task.seed, task.weights, task.epochs))
        if task.method not in OURS or stock is None:
            continue
        good, bad = np.array(run.good), np.array(run.bad)
        rejects, misses = figures.rates(good, bad, next(iter(run.thresholds.values())))
        theirs = figures.misses_at(np.array(stock.good), np.array(stock.bad), rejects)
        rows.append(
            f"| {task.set_name} | {task.method} | {task.shots} | {task.seed} | {rejects:.3f} "
            f"| {misses:.3f} | {theirs:.3f} |"
        )
    return [
        "| set | method | shots | seed | rejects | its misses | stock STFPM's, threshold set by looking |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def _stated(done: Mapping[Task, Run]) -> list[str]:
    found: dict[tuple[str, str, int, str], list[float]] = {}
    for task, run in done.items():
        for rate, threshold in sorted(run.thresholds.items(), key=lambda each: float(each[0])):
            measured = float(np.mean(np.array(run.good) >= threshold))
            found.setdefault((task.set_name, task.method, task.shots, rate), []).append(measured)
    rows = [
        f"| {name} | {method} | {shots} | {float(rate):.1%} | {np.mean(values):.1%} | {len(values)} |"
        for (name, method, shots, rate), values in found.items()
    ]
    return ["| set | method | shots | stated | measured | seeds |", "|---|---|---|---|---|---|", *rows]


def _plot(sets: Summary, path: Path) -> None:
    figure = Figure(figsize=(11, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    width = 0.8 / len(METHODS)
    for number, method in enumerate(METHODS):
        values = [methods.get(method, {}).get("image_auroc") or np.nan for methods in sets.values()]
        axes.bar(np.arange(len(sets)) + (number - 2) * width, values, width, label=method)
    axes.set(ylim=(0.5, 1.0), ylabel="image AUROC", xticks=range(len(sets)), xticklabels=list(sets))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(ncols=len(METHODS), fontsize=8, loc="lower center")
    figure.savefig(path, dpi=80)


def _command() -> str:
    """Return the command line without the folders of this machine."""
    given = sys.argv[1:]
    kept = ["--data DIR"] if "--data" in given else []
    skip = False
    for word in given:
        if skip or word in _HIDDEN:
            skip = not skip
            continue
        kept.append(shlex.quote(word))
    return " ".join(["python benchmarks/judgement.py", *kept])


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _list(values: Any) -> str:
    return ", ".join(str(value) for value in values)
