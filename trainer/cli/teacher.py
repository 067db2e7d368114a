"""``okng-trainer teacher pretrain DATA``: teacher weights of one's own."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from edge_service.language import say
from trainer.cli.place import AsJson
from trainer.cli.table import ago
from trainer.errors import SettingError

if TYPE_CHECKING:
    from trainer.teacher.pretraining import Pretraining

app = typer.Typer(
    help=say("Make teacher weights of your own.", "制作您自己的教师权重。"), no_args_is_help=True
)

Data = Annotated[Path, typer.Argument(help=say("folder or tar of photographs", "照片文件夹或 tar"))]
Reference = Annotated[str, typer.Option(help="timm:resnet18.tv_in1k | file:PATH | bundled")]
Out = Annotated[Path, typer.Option("--out", "-o", help=say("weights to write", "输出的权重文件"))]
Steps = Annotated[int, typer.Option(min=1, help=say("batches to learn", "训练步数"))]
Batch = Annotated[int, typer.Option(min=2, help=say("crops a step", "每步裁剪数"))]
Side = Annotated[int, typer.Option(min=32, help=say("side of a crop, pixels", "裁剪边长（像素）"))]
Rate = Annotated[float, typer.Option(min=0.0, help=say("highest learning rate", "最高学习率"))]
Seed = Annotated[int, typer.Option(min=0)]
Every = Annotated[int, typer.Option(min=1, help=say("steps between checkpoints", "检查点间隔步数"))]
Device = Annotated[str, typer.Option(help="auto | cpu | cuda")]
Mixed = Annotated[
    bool, typer.Option("--mixed/--fp32", help=say("BF16 autocast, or FP32", "BF16 混合或 FP32"))
]


@app.callback()
def teacher() -> None:
    """Keep ``pretrain`` a verb of its own."""


@app.command(
    "pretrain",
    help=say(
        "Distil a ResNet-18 layer by layer from a reference, on natural photographs.\n\n"
        "Stop it with Ctrl-C: it keeps where it stands, and the same command goes on there. Use what comes "
        "out with `okng-trainer train --weights file:teacher.safetensors`.\n\n"
        "Example: `okng-trainer teacher pretrain photographs.tar --reference file:resnet18.pth`",
        "在自然照片上逐层蒸馏 ResNet-18。\n\n"
        "按 Ctrl-C 停止并保存进度；再次运行同一命令即从该处继续。结果用于 "
        "`okng-trainer train --weights file:teacher.safetensors`。\n\n"
        "示例：`okng-trainer teacher pretrain photographs.tar --reference file:resnet18.pth`",
    ),
)
def pretrain(
    data: Data,
    reference: Reference = "timm:resnet18.tv_in1k",
    out: Out = Path("teacher.safetensors"),
    steps: Steps = 8000,
    batch: Batch = 32,
    side: Side = 128,
    rate: Rate = 3e-3,
    seed: Seed = 0,
    every: Every = 200,
    device: Device = "auto",
    mixed: Mixed = True,  # noqa: FBT002 - a flag of the command line
    *,
    as_json: AsJson = False,
) -> None:
    """Learn, keep checkpoints, and write weights and card at the end."""
    import torch

    from trainer.cli.table import tell_done
    from trainer.teacher.natural import NaturalPictures
    from trainer.teacher.pretraining import Course, Pretraining
    from trainer.teacher.weights import load_weights

    pictures = NaturalPictures(data)
    weights = load_weights(reference)
    used = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if used not in {"cpu", "cuda"} or (used == "cuda" and not torch.cuda.is_available()):
        raise SettingError(
            say(f'There is no device "{used}" here', f"本机没有设备“{used}”"),
            remedy=say("Say auto, cpu or cuda.", "请使用 auto、cpu 或 cuda。"),
        )
    course = Course(steps, batch, side, seed, rate, mixed=mixed)
    run = Pretraining(course, weights, pictures, used)
    checkpoint = out.with_name(out.name + ".checkpoint")
    if checkpoint.exists():
        run.resume(checkpoint)
        print(say(f"going on at step {run.step}", f"从第 {run.step} 步继续"), file=sys.stderr)
    with _stop_asked() as signals, _progress(run) as show:

        def on_step(step: int, loss: float) -> bool:
            kept = step % every == 0 and step < steps
            if kept or signals:
                run.save(checkpoint)
            show(loss, kept=kept)
            return not signals

        finished = run.run(on_step)
    for name in sorted(pictures.unreadable):
        print(say(f"passed over: {name} cannot be read", f"已跳过：{name} 无法读取"), file=sys.stderr)
    if not finished:
        _tell_stopped(run.step, checkpoint, signals[0], as_json=as_json)
    cosines = run.write(out, reference=weights, data=f"{data.name}, {len(pictures)} pictures")
    checkpoint.unlink(missing_ok=True)
    near = ", ".join(f"{cosine:.3f}" for cosine in cosines)
    told = say(
        f"{out}\ncosine to the reference, layer1 to layer3: {near} (on crops that were not learned from)",
        f"{out}\n与参考网络的余弦相似度（layer1 至 layer3，未参与训练的裁剪）：{near}",
    )
    tell_done({"weights": str(out), "steps": run.step, "cosines": cosines}, told, as_json=as_json)


@contextmanager
def _stop_asked() -> Iterator[list[int]]:
    """Give a list that the first SIGINT or SIGTERM is put into; a second one ends the process at once."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(run: "Pretraining") -> Iterator[Callable[..., None]]:
    """Show a bar with the time left on a terminal; elsewhere a line a checkpoint."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total}  {task.fields[loss]}"))
    began, first, total = time.monotonic(), run.step, run.course.steps
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total, completed=first, loss="")

        def show(loss: float, *, kept: bool) -> None:
            bar.update(task, completed=run.step, loss=f"{loss:.3f}")
            if kept and not console.is_terminal:
                left = ago((time.monotonic() - began) / (run.step - first) * (total - run.step))
                what = say(
                    f"step {run.step} of {total}, loss {loss:.3f}, {left} left",
                    f"第 {run.step} / {total} 步，损失 {loss:.3f}，剩余 {left}",
                )
                print(what, file=sys.stderr, flush=True)

        yield show


def _tell_stopped(step: int, checkpoint: Path, number: int, *, as_json: bool) -> None:
    """Say how to go on, and exit as a process does that a signal ended."""
    if as_json:
        print(json.dumps({"weights": None, "steps": step, "checkpoint": str(checkpoint)}, indent=2))
    print(
        say(
            f"stopped after step {step}; the same command goes on there ({checkpoint})",
            f"已在第 {step} 步后停止；再次运行同一命令即从该处继续（{checkpoint}）",
        ),
        file=sys.stderr,
    )
    raise typer.Exit(128 + number)
