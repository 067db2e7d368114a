"""What a training run shows: a bar while it works, a summary at the end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)
from rich.table import Table

from edge_service.contract.keys import fingerprint
from edge_service.language import say
from trainer.datasets.symmetry import Symmetry
from trainer.domain import Phase, Progress, Watcher
from trainer.evaluation.sensitivity import Sensitivity
from trainer.pipeline.run import TrainingResult
from trainer.pipeline.signing import Signer


def _phase_name(phase: Phase) -> str:
    return {
        Phase.READ: say("reading the photographs", "读取照片"),
        Phase.VARY: say("varying them, teacher looks", "生成变化并提取特征"),
        Phase.TRAIN: say("student learns", "训练学生网络"),
        Phase.CALIBRATE: say("finding the threshold", "计算阈值"),
        Phase.EXPORT: say("exporting to OpenVINO", "导出到 OpenVINO"),
        Phase.VERIFY: say("checking with the edge's engine", "用边缘引擎校验"),
        Phase.QUANTISE: say("a quantised twin", "量化副本"),
        Phase.PACKAGE: say("packaging", "打包"),
    }[phase]


@contextmanager
def progress(*, quiet: bool) -> Iterator[Watcher]:
    """Show a bar a phase on stderr, with the loss and the time left while training."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
    )
    with Bar(*columns, console=Console(stderr=True), disable=quiet) as bar:
        tasks: dict[Phase, TaskID] = {}

        def watch(now: Progress) -> None:
            if now.phase not in tasks:
                tasks[now.phase] = bar.add_task(_phase_name(now.phase), loss="")
            loss = "" if now.loss is None else say(f"loss {now.loss:.3f}", f"损失 {now.loss:.3f}")
            bar.update(tasks[now.phase], completed=now.done, total=now.total, loss=loss)

        yield watch


def tell(result: TrainingResult, signer: Signer, *, as_json: bool) -> None:
    """Print the summary on stdout, as a table or as one JSON object."""
    if as_json:
        print(json.dumps(_facts(result, signer), ensure_ascii=False, indent=2))
        return
    console = Console()
    for warning in result.warnings:
        console.print(f"[yellow]![/] {escape(warning)}")
    console.print(_table(result))
    _tell_of_key(console, result, signer)


def _table(result: TrainingResult) -> Table:
    threshold = result.manifest.threshold
    rate = threshold.false_reject_rate or 0.0
    table = Table(show_header=False, box=None)
    table.add_row(say("package", "模型包"), f"{result.package}  ({result.bytes / 1e6:.1f} MB)")
    table.add_row(say("picture", "图片"), str(result.picture))
    table.add_row(say("photographs", "照片"), str(result.manifest.training_set.size))
    interval = threshold.uncertainty
    spread = f"  ({interval.level:.0%}: {interval.lower:.2f} .. {interval.upper:.2f})" if interval else ""
    table.add_row(say("threshold", "阈值"), f"{threshold.value:.2f}{spread}")
    table.add_row(
        say("expected false rejects", "预计误判"),
        say(f"{rate:.1%} of good parts", f"良品的 {rate:.1%}"),
    )
    if result.symmetries:
        names = ", ".join(_symmetry_name(symmetry) for symmetry in result.symmetries)
        table.add_row(say("may also lie", "也可放成"), names)
    for each in result.sensitivity.contrasts:
        table.add_row(
            say(
                f"smallest spot seen, contrast {each.contrast:.0%}",
                f"可见最小斑点，对比度 {each.contrast:.0%}",
            ),
            _smallest(result.sensitivity, each.smallest),
        )
    table.add_row(
        say("one judgement", "单次判定"),
        f"{result.agreement.latency_ms:.1f} ms ({result.agreement.device}, {result.agreement.precision})",
    )
    table.add_row(say("took", "用时"), f"{result.seconds:.0f} s")
    return table


def _symmetry_name(symmetry: Symmetry) -> str:
    return {
        Symmetry.MIRRORED: say("mirrored", "左右镜像"),
        Symmetry.UPSIDE_DOWN: say("upside down", "上下镜像"),
        Symmetry.HALF_TURN: say("half-turned", "旋转半圈"),
        Symmetry.QUARTER_TURN: say("quarter-turned left", "左转四分之一圈"),
        Symmetry.BACK_QUARTER_TURN: say("quarter-turned right", "右转四分之一圈"),
        Symmetry.TRANSPOSED: say("mirrored along the falling diagonal", "沿主对角线镜像"),
        Symmetry.TRANSPOSED_HALF_TURN: say("mirrored along the rising diagonal", "沿副对角线镜像"),
    }[symmetry]


def _smallest(sensitivity: Sensitivity, diameter: float | None) -> str:
    if diameter is None:
        return say("not even the largest tried, reliably", "所试最大者也不能可靠发现")
    pixels, area = sensitivity.pixels(diameter), sensitivity.area_percent(diameter)
    return say(
        f"{pixels:.0f} px across, {area:.2g} % of the frame (9 in 10)",
        f"直径 {pixels:.0f} 像素，占画面 {area:.2g} %（十个中发现九个）",
    )


def _tell_of_key(console: Console, result: TrainingResult, signer: Signer) -> None:
    key_id = signer.key.public.key_id
    if signer.made_now:
        console.print(say(f"A signing key was made: {signer.path}", f"已生成签名密钥：{signer.path}"))
    console.print(say(f"signed by {fingerprint(key_id)}", f"签名者 {fingerprint(key_id)}"), soft_wrap=True)
    console.print(say("On the edge:", "在边缘机上："))
    console.print(f"  okng-edge trust add {signer.public_path}", soft_wrap=True, highlight=False)
    console.print(f"  okng-edge model install {result.package}", soft_wrap=True, highlight=False)


def _facts(result: TrainingResult, signer: Signer) -> dict[str, object]:
    manifest = result.manifest
    return {
        "package": str(result.package),
        "picture": str(result.picture),
        "name": manifest.name,
        "version": manifest.version,
        "photographs": manifest.training_set.size,
        "threshold": manifest.threshold.model_dump(mode="json"),
        "score_difference": result.agreement.score_difference,
        "map_difference": result.agreement.map_difference,
        "latency_ms": result.agreement.latency_ms,
        "train_s": result.seconds,
        "bytes": result.bytes,
        "warnings": list(result.warnings),
        "sensitivity": result.sensitivity.figures(),
        "key_id": signer.key.public.key_id,
        "public_key": str(signer.public_path),
    }
