"""``okng-edge collect``: photographs of good parts from the configured camera, to train from."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.config import EdgeConfig

HELP = say(
    "Photograph N good parts to train from.\n\n"
    "With FOLDER they are kept there as PNG files; the station must not be running, for a camera has one "
    "master. Without FOLDER they travel to the training server through the outbox: a running station makes "
    "samples of the next N parts that are triggered (while it has no model yet, N photographs are taken at "
    "once); where none is running, the camera is opened here. A PLC collects with command 3.\n\n"
    "Examples: `okng-edge collect 5 --recipe 1`, `okng-edge collect 5 good/`, then "
    "`okng-trainer train good/ --name pcb`",
    "拍摄 N 张良品图像用于训练。\n\n"
    "给出 FOLDER 时存为 PNG 文件；此时工位须未运行，因为相机只能由一个程序占用。"
    "省略 FOLDER 时经发件箱上传到训练服务器："
    "运行中的工位把接下来触发的 N 件作为样本（尚无模型时立即拍摄 N 张）；"
    "工位未运行则在此打开相机。PLC 用命令 3 采集。\n\n"
    "示例：`okng-edge collect 5 --recipe 1`，`okng-edge collect 5 good/`，然后 "
    "`okng-trainer train good/ --name pcb`",
)
GRAB_S = 10.0

Count = Annotated[int, typer.Argument(metavar="N", min=1, max=1000, help=say("how many frames", "图像数量"))]
Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FOLDER]",
        help=say("where to keep them; left out: the server", "保存文件夹；省略则上传服务器"),
    ),
]
Every = Annotated[
    float,
    typer.Option(
        "--every", min=0.0, help=say("seconds between frames; 0 = at once", "图像间隔秒数；0 = 立即")
    ),
]
Enter = Annotated[
    bool, typer.Option("--enter", help=say("wait for Enter before each frame", "每张前等待回车"))
]
RecipeNumber = Annotated[
    int,
    typer.Option(
        "--recipe", min=0, max=999, help=say("of this recipe (default: the first)", "配方（默认：第一个）")
    ),
]


def collect(
    count: Count,
    folder: Folder = None,
    config: ConfigFile = DEFAULT_CONFIG,
    recipe: RecipeNumber = 0,
    every: Every = 0.0,
    *,
    enter: Enter = False,
) -> None:
    """Grab and keep, one after the other; say where each went."""
    from edge_service.config import load

    tree = load(config)
    if folder is None:
        from edge_service.cli.collect_for_server import collect_for_server

        collect_for_server(tree, count, recipe, lambda number: _wait(number, every, enter=enter))
        return
    asyncio.run(_collect(tree, count, recipe, folder, lambda number: _wait(number, every, enter=enter)))
    print(
        say(
            f"{count} frames are in {folder}. Next: okng-trainer train {folder} --name NAME",
            f"{count} 张图像已保存在 {folder}。下一步：okng-trainer train {folder} --name 名称",
        )
    )


async def _wait(number: int, every_s: float, *, enter: bool) -> None:
    """Return when frame ``number`` shall be taken."""
    if enter:
        await asyncio.to_thread(input, say(f"part {number}: Enter", f"第 {number} 件：按回车"))
    elif number > 1 and every_s:
        await asyncio.sleep(every_s)


async def _collect(
    tree: "EdgeConfig", count: int, recipe: int, folder: Path, wait: Callable[[int], Awaitable[None]]
) -> None:
    import cv2

    from edge_service.camera import make_camera, set_up_for
    from edge_service.durable import LocalDisk

    began = time.strftime("%Y%m%dT%H%M%S")
    async with make_camera(tree, lambda: recipe or tree.first_recipe) as camera:
        await set_up_for(camera, tree, recipe or tree.first_recipe)
        for number in range(1, count + 1):
            await wait(number)
            frame = await camera.grab(time.monotonic(), GRAB_S)
            path = folder / f"{began}-{number:03d}.png"
            data = cv2.imencode(".png", frame.pixels)[1].tobytes()
            await asyncio.to_thread(LocalDisk().write, path, data)
            height, width = frame.pixels.shape[:2]
            print(f"{path}  {width} x {height}")
