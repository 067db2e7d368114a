"""What the demo saw, counted: a closing table for people and ``summary.json`` for programs."""

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from edge_service.domain.inspection import Verdict
from edge_service.language import say
from trainer.demo.headquarters import Arrived

P99 = 0.99


@dataclass(frozen=True, slots=True)
class Sorted:
    """One part as the PLC saw it, beside what it really was."""

    product: str
    defect: str | None  # None: a good part
    part_seed: int
    verdict: Verdict
    score: float  # normalised: 0.5 is the threshold
    latency_ms: float  # trigger written to result read, measured by the PLC

    @property
    def right(self) -> bool:
        """A good part passed as OK, or a defective one did not."""
        return (self.verdict is Verdict.OK) == (self.defect is None)


@dataclass(slots=True)
class ProductReport:
    """The figures of one product."""

    product: str
    train_s: float
    missed_triggers: int = 0
    parts: list[Sorted] = field(default_factory=list)

    def good(self) -> list[Sorted]:
        """The parts without a defect."""
        return [part for part in self.parts if part.defect is None]

    def defective(self) -> list[Sorted]:
        """The parts with a defect."""
        return [part for part in self.parts if part.defect is not None]

    def latency_ms(self) -> dict[str, float]:
        """Median and 99th percentile (nearest rank) of trigger to result, in milliseconds."""
        ordered = sorted(part.latency_ms for part in self.parts)
        if not ordered:
            return {"median": 0.0, "p99": 0.0}
        rank = min(len(ordered) - 1, round(P99 * len(ordered)))
        return {"median": round(statistics.median(ordered), 2), "p99": round(ordered[rank], 2)}

    def as_json(self) -> dict[str, object]:
        """The product's part of summary.json."""
        return {
            "good": len(self.good()),
            "good_ok": sum(part.right for part in self.good()),
            "defective": len(self.defective()),
            "defective_ng": sum(part.right for part in self.defective()),
            "train_s": round(self.train_s, 1),
            "missed_triggers": self.missed_triggers,
            "latency_ms": self.latency_ms(),
        }


def write_summary(path: Path, seed: int, reports: list[ProductReport], extra: dict[str, object]) -> None:
    """Write ``summary.json``: seed, a section a product, and what else was counted."""
    summary = {"seed": seed, "products": {report.product: report.as_json() for report in reports}, **extra}
    path.write_text(json.dumps(summary, indent=2) + "\n")


def closing_table(reports: list[ProductReport]) -> Table:
    """The table at the end of the demo."""
    table = Table(title=say("Result", "结果"), title_justify="left")
    for heading in (
        say("product", "产品"),
        say("right", "判对"),
        say("false reject", "误判"),
        say("missed defect", "漏检"),
        say("missed trigger", "丢失触发"),
        say("median ms", "中位数 ms"),
        "p99 ms",
        say("training s", "训练 s"),
    ):
        table.add_column(heading, justify="right")
    for report in reports:
        good, defective = report.good(), report.defective()
        latency = report.latency_ms()
        table.add_row(
            report.product,
            f"{sum(part.right for part in report.parts)}/{len(report.parts)}",
            f"{sum(not part.right for part in good)}/{len(good)}",
            f"{sum(not part.right for part in defective)}/{len(defective)}",
            str(report.missed_triggers),
            f"{latency['median']:.1f}",
            f"{latency['p99']:.1f}",
            f"{report.train_s:.0f}",
        )
    return table


def arrival_table(arrived: Arrived, parts: int) -> Table:
    """What of it the training server has: the second table at the end."""
    table = Table(title=say("On the training server", "训练服务器上"), title_justify="left")
    rows = {
        say("results", "结果"): f"{arrived.records}/{parts}",
        say("good samples", "良品样本"): str(arrived.samples),
        say("pictures", "图像"): str(arrived.images),
    }
    for heading in rows:
        table.add_column(heading, justify="right")
    table.add_row(*rows.values())
    return table
