"""``okng-edge outbox``: what waits for the training server, what it refused, and trying that again."""

import json
import time
from typing import TYPE_CHECKING

import typer

from edge_service.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.outbox import Counter, Counts, Queue, SetAside

app = typer.Typer(
    help=say(
        "What waits for the training server, and what it refused.\n\nExample: `okng-edge outbox show`",
        "等待发往训练服务器的内容，以及被其拒绝的内容。\n\n示例：`okng-edge outbox show`",
    ),
    no_args_is_help=True,
)


@app.command(
    "show",
    help=say(
        "Show what waits, what was refused and why, and what ever went missing. The station may run.",
        "显示等待的、被拒绝的（及原因）和曾丢失的内容。工位运行时也可使用。",
    ),
)
def show(config: ConfigFile = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Print counts and set-aside items."""
    with _open(config) as queue:
        counts, aside = queue.ledger.counts(), queue.ledger.set_aside()
    if as_json:
        print(json.dumps(_plain(counts, aside), ensure_ascii=False))
        return
    for name, value in _lines(counts):
        print(f"{name:24} {value}")
    for item in aside:
        print(
            say(
                f"refused: {item.what} {item.id}: {item.reason}",
                f"被拒绝：{item.what} {item.id}：{item.reason}",
            )
        )
    if aside:
        print(
            say(
                "once the reason is mended: okng-edge outbox retry",
                "排除原因后：okng-edge outbox retry",
            )
        )


@app.command(
    "retry",
    help=say(
        "Send once more what the server refused, after its reason was mended.",
        "排除原因后，重新发送被服务器拒绝的内容。",
    ),
)
def retry(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let everything that was set aside wait again."""
    with _open(config) as queue:
        number = queue.ledger.retry_set_aside()
    print(say(f"{number} items wait again", f"{number} 项重新等待发送"))


def _open(config: "ConfigFile") -> "Queue":
    from edge_service.config import load
    from edge_service.outbox import Queue

    return Queue(load(config).outbox_dir)


def _lines(counts: "Counts") -> list[tuple[str, str]]:
    oldest = counts.oldest_waiting_at
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(oldest)) if oldest else "-"
    return [
        (say("results waiting", "等待的结果"), str(counts.inspections_waiting)),
        (say("samples waiting", "等待的样本"), str(counts.samples_waiting)),
        (say("pictures waiting", "等待的图像"), str(counts.pictures_waiting)),
        (say("oldest waits since", "最早等待自"), since),
        (say("refused by the server", "被服务器拒绝"), str(counts.set_aside)),
        (say("room used", "占用空间"), f"{counts.used_bytes / 1e6:.1f} MB"),
        *((_missing(counter), str(number)) for counter, number in counts.missing.items() if number),
    ]


def _missing(counter: "Counter") -> str:
    from edge_service.outbox import Counter

    return {
        Counter.RECORDS_LOST: say("results never written", "未能写入的结果"),
        Counter.RECORDS_DROPPED: say("results dropped", "丢弃的结果"),
        Counter.SPOT_CHECKS_DROPPED: say("pictures of OK dropped", "丢弃的 OK 图像"),
        Counter.PICTURES_DROPPED: say("other pictures dropped", "丢弃的其他图像"),
        Counter.PICTURES_NOT_KEPT: say("pictures never written", "未能写入的图像"),
    }[counter]


def _plain(counts: "Counts", aside: "list[SetAside]") -> dict[str, object]:
    return {
        "records_waiting": counts.inspections_waiting,
        "samples_waiting": counts.samples_waiting,
        "images_waiting": counts.pictures_waiting,
        "oldest_waiting_at": counts.oldest_waiting_at,
        "used_bytes": counts.used_bytes,
        "missing": {str(counter): number for counter, number in counts.missing.items()},
        "refused": [{"id": item.id, "what": item.what, "reason": item.reason} for item in aside],
    }
