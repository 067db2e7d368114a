"""Section ``golden``: when the station proves with known samples that it still tells good from bad."""

from typing import Annotated, Literal

from pydantic import Field

from edge_service.config.section import Section, about, form

TimeOfDay = Annotated[
    str,
    Field(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        json_schema_extra=form("a time of day such as 06:00", "时刻，例如 06:00"),
    ),
]


class GoldenSection(Section):
    """The golden-sample test: a known good and a known bad part, or their stored images."""

    source: Literal["images", "parts"] = Field(
        default="images",
        description=about(
            "images: stored ones, by itself when due; parts: a person puts them in (command 2)",
            "images：到期自动用存储图像测试；parts：由人员放入样件（命令 2）",
        ),
    )
    at: tuple[TimeOfDay, ...] = Field(
        default=(),
        max_length=24,
        description=about("due at these local times: the starts of shifts", "在这些本地时刻到期：班次开始"),
    )
    every_h: float | None = Field(
        default=None,
        gt=0.0,
        le=8_760.0,
        description=about("due so many hours after the last one passed", "上次通过后经过此小时数到期"),
    )
    at_start: bool = Field(default=False, description=about("due when the station starts", "工位启动时到期"))
    grace_min: float = Field(
        default=15.0,
        ge=0.0,
        le=1_440.0,
        description=about(
            "not passed so many minutes after it fell due: no part until it is",
            "到期后此分钟数内未通过则停止接件",
        ),
    )
