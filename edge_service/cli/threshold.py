"""``okng-edge threshold``: what is in force, what another one would change, changing it, who changed it."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_service.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, who
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.config import EdgeConfig
    from edge_service.domain.inspection import Recipe

app = typer.Typer(
    help=say(
        "Thresholds of recipes: 0.5 is the model's own, larger passes more. A change holds until it is "
        "reset, or the configuration file gives the recipe another threshold.",
        "配方阈值：0.5 为模型自身阈值，越大放行越多。更改一直有效，直至重置，或配置文件修改了该配方的阈值。",
    ),
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(metavar="RECIPE", min=1, max=999, help=say("recipe", "配方编号"))]
Share = Annotated[
    float, typer.Argument(metavar="VALUE", min=0.0001, max=6.5535, help=say("threshold", "阈值"))
]
Last = Annotated[int, typer.Option("--last", min=1, max=20_000, help=say("parts to look at", "查看件数"))]
Reason = Annotated[str, typer.Option("--reason", help=say("kept in the history", "记录在历史中"))]
Yes = Annotated[bool, typer.Option("--yes", help=say("do not ask back", "不再询问"))]


@app.command("list", help=say("Show the threshold in force of every recipe.", "显示各配方当前阈值。"))
def list_thresholds(config: ConfigFile = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Print number, name, threshold and where it comes from."""
    from edge_service.config import load
    from edge_service.core.thresholds import Thresholds

    tree = load(config)
    book = Thresholds(tree.data_dir)
    found = [
        {
            "recipe": recipe.number,
            "name": recipe.name,
            "threshold": book.in_force(recipe),
            "changed": book.changed(recipe),
        }
        for recipe in tree.recipe_table().values()
    ]
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for each in found:
        value = say("the model's", "模型自身") if each["threshold"] is None else each["threshold"]
        mark = say("  changed at run time", "  运行时更改") if each["changed"] else ""
        print(f"{each['recipe']:>4}  {each['name']}  {value}{mark}")


@app.command(
    "preview",
    help=say(
        "Tell which of the last parts another threshold would have judged otherwise; nothing is changed.\n\n"
        "Example: `okng-edge threshold preview 1 0.55 --last 500`",
        "列出最近工件中换用该阈值后判定会改变的；不做任何更改。\n\n"
        "示例：`okng-edge threshold preview 1 0.55 --last 500`",
    ),
)
def preview(
    recipe: Number,
    value: Share,
    config: ConfigFile = DEFAULT_CONFIG,
    last: Last = 500,
    *,
    as_json: AsJson = False,
) -> None:
    """Replay stored scores."""
    from edge_service.config import load

    found = _preview(load(config), recipe, value, last)
    print(json.dumps(found, ensure_ascii=False) if as_json else _told(found, value))


@app.command(
    "set",
    help=say(
        "Change a recipe's threshold, in a running station from the next part on. What it would have changed "
        "of the last 500 parts is shown first.\n\n"
        "Example: `okng-edge threshold set 1 0.55 --reason 'new light'`",
        "更改配方阈值；运行中的工位从下一件起生效。先显示最近 500 件会有何变化。\n\n"
        "示例：`okng-edge threshold set 1 0.55 --reason '更换光源'`",
    ),
)
def set_threshold(
    recipe: Number,
    value: Share,
    config: ConfigFile = DEFAULT_CONFIG,
    reason: Reason = "",
    *,
    yes: Yes = False,
) -> None:
    """Show, ask, change."""
    from edge_service.config import load

    tree = load(config)
    _known(tree, recipe)
    print(_told(_preview(tree, recipe, value, 500), value))
    if not yes:
        typer.confirm(say("change it?", "确认更改？"), abort=True)
    _change(tree, recipe, value, reason)
    print(say(f"recipe {recipe}: threshold {value:g}", f"配方 {recipe}：阈值 {value:g}"))


@app.command("reset", help=say("Go back to the configuration's threshold.", "恢复配置文件中的阈值。"))
def reset(recipe: Number, config: ConfigFile = DEFAULT_CONFIG, reason: Reason = "") -> None:
    """Undo what was changed at run time."""
    from edge_service.config import load

    tree = load(config)
    _known(tree, recipe)
    _change(tree, recipe, None, reason)
    print(say(f"recipe {recipe}: as configured", f"配方 {recipe}：已恢复为配置值"))


@app.command("history", help=say("Tell who changed which threshold, and why.", "显示阈值更改历史。"))
def history(config: ConfigFile = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Print every change, oldest first."""
    from edge_service.config import load
    from edge_service.core.thresholds import Thresholds

    for each in Thresholds(load(config).data_dir).history():
        print(json.dumps(each, ensure_ascii=False) if as_json else _line(each))


def _line(change: Any) -> str:
    before, after = (
        say("own", "自身") if change.get(key) is None else change[key] for key in ("before", "after")
    )
    text = f"{change['at']}  {change.get('recipe')}: {before} -> {after}  {change.get('by', '')}"
    return f"{text}  {change.get('reason', '')}".rstrip()


def _preview(tree: "EdgeConfig", recipe: int, value: float, last: int) -> dict[str, Any]:
    from edge_service.core.score_book import last_scores, what_would_change

    return what_would_change(last_scores(tree.data_dir, recipe, last), value).plain()


def _told(found: dict[str, Any], value: float) -> str:
    if not found["parts"]:
        return say("no part of this recipe is remembered yet", "尚无该配方的历史结果")
    lines = [
        say(
            f"of the last {found['parts']} parts {found['ok_now']} were OK; at {value:g} it would be "
            f"{found['ok_then']}: {len(found['become_ok'])} NG become OK, "
            f"{len(found['become_ng'])} OK become NG",
            f"最近 {found['parts']} 件中 {found['ok_now']} 件 OK；阈值 {value:g} 时为 {found['ok_then']} 件："
            f"{len(found['become_ok'])} 件由 NG 变 OK，{len(found['become_ng'])} 件由 OK 变 NG",
        )
    ]
    for key, arrow in (("become_ok", "NG -> OK"), ("become_ng", "OK -> NG")):
        lines += [
            f"  {arrow}  {each['id']}  {each['score']:.3f}  ({each['model']})" for each in found[key][:20]
        ]
    return "\n".join(lines)


def _known(tree: "EdgeConfig", recipe: int) -> "Recipe":
    from edge_service.errors import RecipeError

    table = tree.recipe_table()
    if recipe not in table:
        numbers = ", ".join(map(str, table)) or "-"
        raise RecipeError(
            say(f"there is no recipe {recipe}; recipes: {numbers}", f"没有配方 {recipe}；现有：{numbers}")
        )
    return table[recipe]


def _change(tree: "EdgeConfig", recipe: int, value: float | None, reason: str) -> None:
    from edge_service.cli.asking import ask, station_runs
    from edge_service.core.thresholds import Thresholds

    if station_runs(tree):
        ask(tree, "set_threshold", {"recipe": recipe, "share": value, "by": who(), "reason": reason})
    elif value is None:
        Thresholds(tree.data_dir).reset(_known(tree, recipe), by=who(), reason=reason)
    else:
        Thresholds(tree.data_dir).set(_known(tree, recipe), value, by=who(), reason=reason)
