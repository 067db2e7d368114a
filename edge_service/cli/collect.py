"""``okng-edge collect``: photographs of good parts from the configured camera, to train from."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.ports import Camera

HELP = say(
    "Take N frames of good parts with the configured camera and keep them as PNG files. The station must not "
    "be running: a camera has one master. Of a running station the PLC collects with command 3.\n\n"
    "Example: `okng-edge collect 5 good/ --config edge.yaml`, then `okng-trainer train good/ --name pcb`",
    "用已配置的相机拍摄 N 张良品图像并存为 PNG。工位须未运行：相机只能由一个程序占用。"
    "工位运行时由 PLC 用命令 3 采集。\n\n"
    "示例：`okng-edge collect 5 good/ --config edge.yaml`，然后 `okng-trainer train good/ --name pcb`",
)
GRAB_S = 10.0

Count = Annotated[int, typer.Argument(metavar="N", min=1, max=1000, help=say("how many frames", "图像数量"))]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help=say("where to keep them", "保存文件夹"))]
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
    folder: Folder,
    config: ConfigFile = DEFAULT_CONFIG,
    recipe: RecipeNumber = 0,
    every: Every = 0.0,
    *,
    enter: Enter = False,
) -> None:
    """Grab and keep, one after the other; say where each went."""
    from edge_service.camera import make_camera
    from edge_service.config import load

    tree = load(config)
    camera = make_camera(tree, lambda: recipe or tree.first_recipe)
    asyncio.run(_collect(camera, count, folder, every_s=every, enter=enter))
    print(
        say(
            f"{count} frames are in {folder}. Next: okng-trainer train {folder} --name NAME",
            f"{count} 张图像已保存在 {folder}。下一步：okng-trainer train {folder} --name 名称",
        )
    )


async def _collect(camera: "Camera", count: int, folder: Path, *, every_s: float, enter: bool) -> None:
    import cv2

    from edge_service.durable import LocalDisk

    began = time.strftime("%Y%m%dT%H%M%S")
    async with camera:
        for number in range(1, count + 1):
            if enter:
                await asyncio.to_thread(input, say(f"part {number}: Enter", f"第 {number} 件：按回车"))
            elif number > 1 and every_s:
                await asyncio.sleep(every_s)
            frame = await camera.grab(time.monotonic(), GRAB_S)
            path = folder / f"{began}-{number:03d}.png"
            data = cv2.imencode(".png", frame.pixels)[1].tobytes()
            await asyncio.to_thread(LocalDisk().write, path, data)
            height, width = frame.pixels.shape[:2]
            print(f"{path}  {width} x {height}")
