"""``okng-trainer teacher pretrain DATA``: teacher weights of one's own."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from edge_service.language import say
from trainer.cli.place import AsJson
from trainer.errors import SettingError

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
        "Stop it with Ctrl-C; the same command goes on from the last checkpoint. Use what comes out with "
        "`okng-trainer train --weights file:teacher.safetensors`.\n\n"
        "Example: `okng-trainer teacher pretrain photographs.tar --reference file:resnet18.pth`",
        "在自然照片上逐层蒸馏 ResNet-18。\n\n"
        "按 Ctrl-C 停止；再次运行同一命令即从最近的检查点继续。结果用于 "
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
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total}  {task.fields[loss]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=steps, completed=run.step, loss="")

        def on_step(step: int, loss: float) -> bool:
            bar.update(task, completed=step, loss=f"{loss:.3f}")
            if step % every == 0:
                run.save(checkpoint)
            return True

        run.run(on_step)
    run.write(out, reference=weights, data=f"{data.name}, {len(pictures)} pictures")
    checkpoint.unlink(missing_ok=True)
    tell_done({"weights": str(out), "steps": run.step}, str(out), as_json=as_json)
