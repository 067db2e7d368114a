"""Good samples that travel to the training server: from a running station, or with the camera opened here."""

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from edge_service.camera import make_camera, set_up_for
from edge_service.config import EdgeConfig
from edge_service.core.posting import product_of, results_wanted
from edge_service.domain.codes import Code
from edge_service.domain.inspection import Frame
from edge_service.errors import ConfigurationError, LinkError, RefusedError
from edge_service.language import say
from edge_service.link import Answer, LinkClient, Role, Snapshot
from edge_service.outbox import Purpose, Queue, Sample, encode, sample_letter

GRAB_S = 10.0
CONNECT_S = 5.0

Wait = Callable[[int], Awaitable[None]]


def collect_for_server(tree: EdgeConfig, count: int, recipe: int, wait: Wait) -> None:
    """Take ``count`` samples of ``recipe`` (0: the first, or the active one); say where they are."""
    if not results_wanted(tree)():
        raise ConfigurationError(
            say("this box has no training server", "本机尚未注册训练服务器"),
            remedy=say(
                "okng-edge enrol SERVER_URL CODE; or give a FOLDER to keep the photographs in",
                "请执行 okng-edge enrol SERVER_URL CODE；或指定保存照片的 FOLDER",
            ),
        )
    if recipe and recipe not in tree.recipe_table():
        raise ConfigurationError(say(f"there is no recipe {recipe}", f"没有配方 {recipe}"))
    if _station_runs(tree):
        asyncio.run(_from_the_station(tree, count, recipe, wait))
    else:
        asyncio.run(_from_the_camera(tree, count, recipe or tree.first_recipe, wait))


def _station_runs(tree: EdgeConfig) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(tree.link_socket))
        except OSError:
            return False
    return True


async def _from_the_camera(tree: EdgeConfig, count: int, recipe: int, wait: Wait) -> None:
    async with make_camera(tree, lambda: recipe) as camera:
        await set_up_for(camera, tree, recipe)
        for number in range(1, count + 1):
            await wait(number)
            frame = await camera.grab(time.monotonic(), GRAB_S)
            sample_id = await asyncio.to_thread(_put, tree, recipe, frame)
            height, width = frame.pixels.shape[:2]
            print(f"{sample_id}  {width} x {height}")
    print(
        say(
            f"{count} samples of {product_of(tree, recipe)} wait for the server; the gateway sends them",
            f"{count} 张 {product_of(tree, recipe)} 样本等待上传，由网关发送",
        )
    )


def _put(tree: EdgeConfig, recipe: int, frame: Frame) -> str:
    sample_id = f"{tree.station.id}-s-{secrets.token_hex(8)}"
    product = product_of(tree, recipe)
    sample = Sample(sample_id, tree.station.id, product, recipe, frame.captured_at, frame.simulated)
    with Queue(tree.outbox_dir) as queue:
        queue.put([sample_letter(sample, encode(frame.pixels, Purpose.SAMPLE))])
    return sample_id


async def _from_the_station(tree: EdgeConfig, count: int, recipe: int, wait: Wait) -> None:
    heard: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()

    def hear(message: object) -> None:
        if isinstance(message, Snapshot) and not heard.done():
            heard.set_result(message.state)

    async with LinkClient(tree.link_socket, hear) as link:
        try:
            state = await asyncio.wait_for(heard, CONNECT_S)
        except TimeoutError as error:
            raise LinkError(say("the station does not answer", "工位没有应答")) from error
        active = int(state["signals"]["Station.ActiveRecipe"])
        if not active:
            await _photographs(link, count, recipe, wait)
        elif recipe in {0, active}:
            _done(await link.command("collect", {"n": count}, Role.OPERATOR))
            print(
                say(
                    f"the next {count} parts that are triggered become good samples",
                    f"接下来触发的 {count} 件将作为良品样本",
                )
            )
        else:
            raise RefusedError(
                Code.RECIPE_DIFFERS,
                say(f"recipe {active} is active", f"当前配方为 {active}"),
                remedy=say("select the recipe first, or leave --recipe out", "请先切换配方，或省略 --recipe"),
            )


async def _photographs(link: LinkClient, count: int, recipe: int, wait: Wait) -> None:
    for number in range(1, count + 1):
        await wait(number)
        answer = _done(await link.command("photograph", {"recipe": recipe}, Role.OPERATOR, GRAB_S))
        print(answer.data["sample_id"])


def _done(answer: Answer) -> Answer:
    if answer.code:
        raise RefusedError(answer.code, answer.what, remedy=answer.remedy)
    return answer
