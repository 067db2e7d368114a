"""The picture to judge a model by: loss, scores and threshold, how small a defect is seen, heat maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edge_service.contract.manifest import Threshold
from edge_service.inference.heatmap import draw_heat_map
from trainer.domain import Picture
from trainer.evaluation.sensitivity import DIAMETERS, SEEN, Sensitivity, draw_spot

_MOST_PICTURES = 8
_COLUMNS = 4
_LINE, _BARS, _POINTS = "#c0392b", "#7f9fbf", "#1f4e79"
_SHADES = ("#9ecae1", "#4292c6", "#08306b")  # faint, clear, strong


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is drawn. ``maps`` and ``scores`` are of ``photographs``; ``held_out`` of parts not learned."""

    title: str
    losses: Sequence[float]
    photographs: Sequence[Picture]
    maps: Sequence[NDArray[np.float32]]
    scores: Sequence[float]
    held_out: NDArray[np.float64]
    threshold: Threshold
    sensitivity: Sensitivity


def draw_evidence(evidence: Evidence, path: Path) -> None:
    """Write the picture as PNG. Labels are English: matplotlib's own fonts have no Chinese."""
    shown = min(_MOST_PICTURES, len(evidence.photographs))
    rows = -(-shown // _COLUMNS)
    figure = Figure(figsize=(13, 7.6 + 2.9 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(evidence.title, fontweight="bold")
    grid = figure.add_gridspec(2 + rows, _COLUMNS, height_ratios=[1.3, 1.2, *([1.0] * rows)])
    _draw_loss(figure.add_subplot(grid[0, :2]), evidence.losses)
    _draw_scores(figure.add_subplot(grid[0, 2:]), evidence)
    _draw_sensitivity(figure.add_subplot(grid[1, :2]), evidence.sensitivity)
    _draw_spots(figure.add_subplot(grid[1, 2:]), evidence)
    for number in range(shown):
        axes = figure.add_subplot(grid[2 + number // _COLUMNS, number % _COLUMNS])
        _draw_photograph(axes, evidence, number)
    figure.savefig(path, dpi=80)


def _draw_loss(axes: Axes, losses: Sequence[float]) -> None:
    if not losses:
        axes.set(title="nothing was trained: a memory bank of the photographs")
        axes.set_axis_off()
        return
    axes.plot(losses, color=_POINTS, linewidth=1.0)
    axes.set(title="loss of the student", xlabel="step", yscale="log")
    axes.grid(visible=True, alpha=0.3)


def _draw_scores(axes: Axes, evidence: Evidence) -> None:
    threshold = evidence.threshold
    axes.hist(evidence.held_out, bins=24, color=_BARS, label="good parts it had not seen (held out, varied)")
    axes.plot(
        evidence.scores,
        np.zeros(len(evidence.scores)),
        "o",
        color=_POINTS,
        label="the photographs",
        clip_on=False,
    )
    rate = threshold.false_reject_rate or 0.0
    axes.axvline(
        threshold.value, color=_LINE, label=f"threshold {threshold.value:.2f} for {rate:.1%} false rejects"
    )
    if threshold.uncertainty is not None:
        axes.axvspan(threshold.uncertainty.lower, threshold.uncertainty.upper, color=_LINE, alpha=0.12)
    axes.set(title="scores of good parts", xlabel="score (spreads above usual)", ylabel="pictures")
    axes.set_xlim(left=0)
    axes.legend(fontsize=8)


def _draw_sensitivity(axes: Axes, sensitivity: Sensitivity) -> None:
    ticks = [sensitivity.pixels(diameter) for diameter in DIAMETERS]
    for each, colour in zip(sensitivity.contrasts, _SHADES, strict=True):
        sizes = [sensitivity.pixels(diameter) for diameter in each.diameters]
        if each.smallest is None:
            found = "not seen reliably"
        else:
            found = (
                f"from {sensitivity.pixels(each.smallest):.0f} px, "
                f"{sensitivity.area_percent(each.smallest):.2g} % of the frame"
            )
        label = f"contrast {each.contrast:.0%}: {found}"
        axes.plot(sizes, [100 * share for share in each.shares], "o-", color=colour, label=label)
    axes.axhline(100 * SEEN, color=_LINE, linewidth=0.8, linestyle="--")
    axes.set(
        title="drawn spots seen at the threshold",
        xlabel="diameter, pixels of the photographs",
        ylabel="seen, %",
        xscale="log",
        xlim=(0.9 * ticks[-1], 1.1 * ticks[0]),
        ylim=(-4, 104),
    )
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)


def _draw_spots(axes: Axes, evidence: Evidence) -> None:
    """Show the smallest spot of each contrast that is still seen, where the eye can check it."""
    tiles = []
    for number, each in enumerate(evidence.sensitivity.contrasts):
        photograph = evidence.photographs[number % len(evidence.photographs)]
        size = (evidence.sensitivity.width, evidence.sensitivity.height)
        shrunk = np.asarray(cv2.resize(photograph, size, interpolation=cv2.INTER_AREA), np.uint8)
        diameter = each.diameters[0] if each.smallest is None else each.smallest
        random = np.random.default_rng(number)
        tiles.append(draw_spot(shrunk, diameter, each.contrast, random)[:, :, ::-1])
    axes.imshow(np.concatenate(tiles, axis=1))
    named = ", ".join(
        f"{each.contrast:.0%}" + (" (largest tried)" if each.smallest is None else "")
        for each in evidence.sensitivity.contrasts
    )
    axes.set_title(f"the smallest such spot, contrast {named}", fontsize=9)
    axes.set_axis_off()


def _draw_photograph(axes: Axes, evidence: Evidence, number: int) -> None:
    picture = draw_heat_map(evidence.photographs[number], evidence.maps[number], evidence.threshold.value)
    step = max(1, max(picture.shape[:2]) // 512)
    axes.imshow(picture[::step, ::step, ::-1])
    axes.set_title(f"score {evidence.scores[number]:.2f}", fontsize=9)
    axes.set_axis_off()
