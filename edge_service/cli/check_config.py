"""``okng-edge check-config``: would the station run with this YAML file."""

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile
from edge_service.language import say

HELP = say(
    "Check a configuration file without starting anything.\n\n"
    "An error names the file, the line, the key, what was found and what is allowed.\n\n"
    "Example: `okng-edge check-config --config edge.yaml`",
    "只检查配置文件，不启动任何东西。\n\n"
    "出错时给出文件、行号、键名、实际值和允许值。\n\n"
    "示例：`okng-edge check-config --config edge.yaml`",
)


def check_config(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Read the file; raise ConfigurationError when it would not do."""
    from edge_service.config import load  # pydantic and YAML only when asked for

    load(config)
    print(say(f"{config}: good", f"{config}：配置正确"))
