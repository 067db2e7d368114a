"""What concerns the PLC, whatever it speaks: sections ``handshake`` and ``trigger``."""

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from edge_service.config.section import Clash, Section, about, clash, form
from edge_service.language import say

PRIVATE_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise PydanticCustomError("network", "{reason}", {"reason": str(error)}) from error


Network = Annotated[
    str,
    AfterValidator(_network),
    Field(
        json_schema_extra=form(
            "an IP address or network such as 192.168.1.20 or 192.168.1.0/24",
            "IP 地址或网段，例如 192.168.1.20 或 192.168.1.0/24",
        )
    ),
]
Port = Annotated[int, Field(ge=0, le=65_535)]


class Timeouts(Section):
    """Every time-out of the PLC conversation, in milliseconds."""

    exposure_ms: int = Field(
        default=1_000,
        ge=10,
        le=60_000,
        description=about(
            "accept to exposed; then verdict ERROR, code 301", "接受到曝光完成；超时判 ERROR，代码 301"
        ),
    )
    inspection_ms: int = Field(
        default=2_000,
        ge=20,
        le=120_000,
        description=about(
            "accept to result; then verdict TIMEOUT, code 402", "接受到结果；超时判 TIMEOUT，代码 402"
        ),
    )
    ack_warn_ms: int = Field(
        default=5_000,
        ge=100,
        le=3_600_000,
        description=about("result not acknowledged: warning 251", "结果未确认：警告 251"),
    )
    held_bit_ms: int = Field(
        default=5_000,
        ge=100,
        le=3_600_000,
        description=about("bit not released: warning 252", "信号位未复位：警告 252"),
    )
    pulse_ms: int = Field(
        default=300,
        ge=10,
        le=60_000,
        description=about("profile pulse: ResultsValid stays", "pulse：结果有效时间"),
    )
    pulse_gap_ms: int = Field(
        default=100, ge=10, le=60_000, description=about("profile pulse: pause between", "pulse：间隔时间")
    )
    recipe_command_ms: int = Field(
        default=10_000, ge=100, le=3_600_000, description=about("command select recipe", "命令：选择配方")
    )
    golden_command_ms: int = Field(
        default=60_000, ge=100, le=3_600_000, description=about("command golden test", "命令：标准件测试")
    )
    model_command_ms: int = Field(
        default=120_000, ge=100, le=3_600_000, description=about("command activate model", "命令：启用模型")
    )
    other_command_ms: int = Field(
        default=5_000, ge=100, le=3_600_000, description=about("any other command", "其他命令")
    )
    plc_heartbeat_ms: int = Field(
        default=3_000, ge=100, le=3_600_000, description=about("PLC silent: PlcLost", "PLC 无心跳：PlcLost")
    )
    station_heartbeat_ms: int = Field(
        default=250, ge=20, le=10_000, description=about("turn of the station's heartbeat", "本站心跳周期")
    )
    owner_ms: int = Field(
        default=10_000,
        ge=500,
        le=3_600_000,
        description=about("silent writer: registers are free again", "写入者无通信：寄存器释放"),
    )

    @model_validator(mode="after")
    def _inspection_outlasts_exposure(self) -> Self:
        if self.inspection_ms <= self.exposure_ms:
            reason = say(
                f"must be longer than exposure_ms ({self.exposure_ms})",
                f"必须大于 exposure_ms（{self.exposure_ms}）",
            )
            raise clash(Clash(("inspection_ms",), reason))
        return self


class TriggerSection(Section):
    """Who else may trigger."""

    sources: tuple[Literal["opcua", "hmi", "interval", "camera_line"], ...] = Field(
        default=(),
        description=about(
            "sources allowed beside the PLC while it owns the station", "PLC 占用期间仍允许的其他触发来源"
        ),
    )
    interval_ms: int | None = Field(
        default=None,
        ge=50,
        le=3_600_000,
        description=about("take a part each so often, unasked", "按此周期自动触发"),
    )


class Handshake(Section):
    """How station and PLC agree on each part."""

    profile: Literal["plc", "buffered", "unbuffered", "pulse"] = Field(
        default="plc",
        description=about(
            "plc: the PLC chooses by BufferResultsEnable; else fixed here",
            "plc：由 PLC 的 BufferResultsEnable 决定；否则在此固定",
        ),
    )
    heartbeat: Literal["auto", "required", "off"] = Field(
        default="auto",
        description=about(
            "auto: watched from the PLC's first change on; required: before any trigger; off",
            "auto：PLC 首次变化后监视；required：触发前必须有；off：不监视",
        ),
    )
    consecutive_ng: int = Field(
        default=3,
        ge=0,
        le=65_535,
        description=about(
            "not-OK parts in a row that raise the alarm (0: never)", "连续不良报警件数（0：不报警）"
        ),
    )
    require_part_present: bool = Field(
        default=False,
        description=about("a trigger counts only with PartPresent", "仅当 PartPresent 为 1 时触发有效"),
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description=about("time-outs", "超时"))
