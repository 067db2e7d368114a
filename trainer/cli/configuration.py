"""``okng-trainer config``: a commented configuration file to begin with, its JSON Schema, and a check."""

import typer

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, AsJson, ConfigFile

app = typer.Typer(help=say("The server's configuration file.", "服务器的配置文件。"), no_args_is_help=True)


@app.command(
    help=say(
        "Print a commented configuration with every key and its default.\n\n"
        "Example: `okng-trainer config example > trainer.yaml`",
        "打印带注释的配置，包含所有键及默认值。\n\n示例：`okng-trainer config example > trainer.yaml`",
    )
)
def example() -> None:
    """Print the commented file in the language in force."""
    from trainer.config import example as commented

    print(commented(), end="")


@app.command(
    help=say(
        "Print the JSON Schema by which an editor checks trainer.yaml and completes its keys.",
        "打印 JSON Schema，编辑器据此检查 trainer.yaml 并补全键名。",
    )
)
def schema() -> None:
    """Print the schema."""
    from trainer.config import schema_text

    print(schema_text(), end="")


@app.command(
    help=say(
        "Tell every mistake of the file at once; nothing is started.",
        "一次列出文件中的所有错误；不启动任何程序。",
    )
)
def check(config: ConfigFile = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Read the file; raise ConfigurationError with its mistakes."""
    from trainer.cli.table import tell_done
    from trainer.config import load

    whole = load(config)
    told = say(f"{config} is good; data in {whole.data_dir}", f"{config} 正确；数据目录 {whole.data_dir}")
    tell_done({"file": str(config), "data_dir": str(whole.data_dir)}, told, as_json=as_json)
