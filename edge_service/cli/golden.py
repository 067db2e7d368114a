"""``okng-edge golden``: take the golden-sample test, look at it, override its interlock."""

import json
from typing import Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, who
from edge_service.language import say

app = typer.Typer(
    help=say(
        "The golden-sample test of a running station: does it still tell good from bad? Its stored samples "
        "are the model's own images and pictures in DATA_DIR/golden/RECIPE/good and .../bad.",
        "运行中工位的标准样件测试：能否区分好坏。存储样件为模型自带图像，以及 "
        "DATA_DIR/golden/配方号/good 和 .../bad 中的图片。",
    ),
    no_args_is_help=True,
)

Reason = Annotated[str, typer.Option("--reason", help=say("why; it is kept", "原因（会记录）"))]


@app.command("test", help=say("Judge the stored samples now (command 2).", "立即测试存储样件（命令 2）。"))
def take(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Order the test; a failed one exits with 2 and says what was judged wrongly."""
    from edge_service.cli.asking import ask
    from edge_service.config import load
    from edge_service.link import Role

    ask(load(config), "golden_test", {}, role=Role.OPERATOR)
    print(say("golden test passed", "标准样件测试通过"))


@app.command(
    "status", help=say("Tell when it was passed and what blocks parts.", "显示上次通过时间和阻塞原因。")
)
def status(config: ConfigFile = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Print the record."""
    from datetime import UTC, datetime

    from edge_service.cli.asking import ask
    from edge_service.config import load
    from edge_service.link import Role

    state = ask(load(config), "golden_state", {}, role=Role.OBSERVER)
    if as_json:
        print(json.dumps(state, ensure_ascii=False))
        return
    passed = datetime.fromtimestamp(state["passed_at"], UTC).isoformat() if state["passed_at"] else "-"
    print(say(f"passed: {passed}", f"上次通过：{passed}"))
    print(say(f"due: {'yes' if state['due'] else 'no'}", f"到期：{'是' if state['due'] else '否'}"))
    if state["blocks"]:
        print(say(f"no part is taken: {state['blocks']}", f"停止接件：{state['blocks']}"))
    if state["overridden_by"]:
        print(say(f"overridden by {state['overridden_by']}", f"强制解除：{state['overridden_by']}"))


@app.command(
    "override",
    help=say(
        "Let parts come although the test stands failed. An engineer answers for it; who and why is kept.\n\n"
        "Example: `okng-edge golden override --reason 'sample scratched, new one ordered'`",
        "测试未通过仍允许接件，由工程师负责；记录人员和原因。\n\n"
        "示例：`okng-edge golden override --reason '样件划伤，已订购'`",
    ),
)
def override(reason: Reason, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Lift the interlock."""
    from edge_service.cli.asking import ask
    from edge_service.config import load

    ask(load(config), "override_golden", {"by": who(), "reason": reason})
    print(say("overridden: parts are taken again after ClearError", "已解除：执行 ClearError 后恢复接件"))
