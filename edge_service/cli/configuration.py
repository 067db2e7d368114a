"""``okng-edge config``: a commented configuration file to begin with, and its JSON Schema."""

import typer

from edge_service.language import say

app = typer.Typer(
    help=say("Print a configuration file to begin with.", "打印配置文件模板。"), no_args_is_help=True
)


@app.command(
    help=say(
        "Print a commented configuration with every key and its default.\n\n"
        "Example: `okng-edge config example > edge.yaml`",
        "打印带注释的配置，包含所有键及默认值。\n\n示例：`okng-edge config example > edge.yaml`",
    )
)
def example() -> None:
    """Print the commented file in the language in force."""
    from edge_service.config import example as commented

    print(commented(), end="")


@app.command(
    help=say(
        "Print the JSON Schema by which an editor checks edge.yaml and completes its keys.",
        "打印 JSON Schema，编辑器据此检查 edge.yaml 并补全键名。",
    )
)
def schema() -> None:
    """Print the schema."""
    from edge_service.config import schema_text

    print(schema_text(), end="")
