"""Section ``modbus``: the roles in which the station speaks Modbus; any of them beside the others."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from edge_service.config.plc import PRIVATE_NETWORKS, Network, Port
from edge_service.config.section import Clash, Section, about, clash
from edge_service.language import say

_COMMAND_WORDS = 36


class TcpLimits(Section):
    """What one Modbus client can cost us at most."""

    connections: int = Field(
        default=16, ge=1, le=256, description=about("open connections at once", "同时连接数上限")
    )
    idle_s: float = Field(
        default=60.0,
        ge=1.0,
        le=86_400.0,
        description=about("a silent connection is closed, not the owner's", "空闲连接关闭（占用者除外）"),
    )
    partial_frame_s: float = Field(
        default=5.0,
        ge=0.1,
        le=60.0,
        description=about("half a request is waited for so long", "等待不完整请求的时间"),
    )


WordOrder = Annotated[
    Literal["ABCD", "CDAB", "BADC", "DCBA"],
    Field(description=about("bytes of 32-bit values", "32 位数值的字节顺序")),
]
TextOrder = Annotated[
    Literal["high_first", "low_first"],
    Field(description=about("two characters in a register", "寄存器中两个字符的顺序")),
]
SwapAll = Annotated[
    bool, Field(description=about("swap the bytes of every register", "交换每个寄存器的两个字节"))
]


class Listener(Section):
    """What the servers on TCP have in common."""

    enabled: bool = Field(default=True, description=about("serve", "启用"))
    host: str = Field(
        default="0.0.0.0",  # noqa: S104 - a PLC is another machine; `allow` keeps strangers out
        min_length=1,
        description=about(
            "address to listen on; 0.0.0.0 is every port of the box", "监听地址；0.0.0.0 为所有网口"
        ),
    )
    port: Port = Field(
        default=502, description=about("TCP port; 0 lets the system choose", "TCP 端口；0 由系统选择")
    )
    allow: tuple[Network, ...] = Field(
        default=PRIVATE_NETWORKS,
        min_length=1,
        description=about(
            "who may connect; by default private networks only", "允许连接的地址；默认仅限私有网段"
        ),
    )
    unit_id: int = Field(
        default=1,
        ge=0,
        le=255,
        description=about("own unit id, with unit_id_strict", "站号，配合 unit_id_strict"),
    )
    unit_id_strict: bool = Field(
        default=False, description=about("answer only unit_id (else any)", "只应答 unit_id（否则全部应答）")
    )
    word_order: WordOrder = "ABCD"
    text_order: TextOrder = "high_first"
    swap_all: SwapAll = False
    limits: TcpLimits = Field(
        default_factory=TcpLimits, description=about("limits of the server", "服务器限制")
    )


class ModbusTcp(Listener):
    """The Modbus TCP server that the PLC talks to."""

    enabled: bool = Field(default=True, description=about("serve Modbus TCP", "启用 Modbus TCP 服务器"))


class ModbusTls(Listener):
    """Modbus/TCP Security: the same registers behind TLS, for masters that show a certificate."""

    enabled: bool = Field(
        default=False, description=about("serve Modbus/TCP Security (TLS)", "启用 Modbus/TCP Security（TLS）")
    )
    port: Port = Field(
        default=802, description=about("TCP port; 0 lets the system choose", "TCP 端口；0 由系统选择")
    )
    certificate: str | None = Field(
        default=None,
        min_length=1,
        description=about("the station's certificate, a PEM file", "本站证书，PEM 文件"),
    )
    key: str | None = Field(
        default=None, min_length=1, description=about("its private key, a PEM file", "证书私钥，PEM 文件")
    )
    client_ca: str | None = Field(
        default=None,
        min_length=1,
        description=about("who signs the masters' certificates, a PEM file", "签发主站证书的 CA，PEM 文件"),
    )
    write_roles: tuple[str, ...] = Field(
        default=("operator", "engineer"),
        description=about("roles in a certificate that may read and write", "可读写的证书角色"),
    )
    read_roles: tuple[str, ...] = Field(
        default=("observer",), description=about("roles that may only read", "只读的证书角色")
    )
    without_role: Literal["nothing", "read", "write"] = Field(
        default="nothing",
        description=about("what a certificate without a role may do", "证书无角色时的权限"),
    )

    @model_validator(mode="after")
    def _files_are_named(self) -> Self:
        return _needed(self, "certificate", "key", "client_ca")


class ModbusRtu(Section):
    """A Modbus RTU server (slave) on a serial line."""

    enabled: bool = Field(
        default=False, description=about("serve Modbus RTU on a serial line", "在串口上启用 Modbus RTU 从站")
    )
    device: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "serial port; names under /dev/serial/by-id stay the same", "串口；/dev/serial/by-id 下的名称不变"
        ),
    )
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400] = Field(
        default=19200, description=about("bits a second", "波特率")
    )
    parity: Literal["even", "odd", "none"] = Field(default="even", description=about("parity", "校验"))
    stop_bits: Literal[1, 2] = Field(
        default=1, description=about("stop bits; 2 with parity none", "停止位；无校验时为 2")
    )
    unit_id: int = Field(default=1, ge=1, le=247, description=about("own unit id on the line", "本站站号"))
    broadcast: Literal["ignore", "accept"] = Field(
        default="ignore", description=about("writes to everybody (unit 0)", "广播写入（站号 0）")
    )
    word_order: WordOrder = "ABCD"
    text_order: TextOrder = "high_first"
    swap_all: SwapAll = False
    rs485: bool = Field(
        default=False,
        description=about("let the port's driver switch RTS for RS-485", "由串口驱动切换 RTS（RS-485）"),
    )
    local_echo: bool = Field(
        default=False,
        description=about("the adapter hears what it sends itself", "转换器会收到自己发送的数据"),
    )

    @model_validator(mode="after")
    def _device_is_named(self) -> Self:
        return _needed(self, "device")


class ModbusClient(Section):
    """The station as Modbus TCP client, for a PLC that can only be a server."""

    enabled: bool = Field(
        default=False, description=about("poll a PLC's registers", "轮询 PLC 的寄存器（客户端模式）")
    )
    host: str | None = Field(default=None, min_length=1, description=about("the PLC's address", "PLC 地址"))
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=502, description=about("its TCP port", "PLC 的 TCP 端口")
    )
    unit_id: int = Field(default=1, ge=0, le=255, description=about("its unit id", "PLC 的站号"))
    command_at: Annotated[int, Field(ge=0, le=65_500)] = Field(
        default=0,
        description=about(
            "holding register in the PLC where the 36 words PLC to station begin",
            "PLC 中 36 个命令字（PLC 到工位）的起始保持寄存器",
        ),
    )
    station_at: Annotated[int, Field(ge=0, le=65_416)] = Field(
        default=1000,
        description=about(
            "holding register in the PLC where the 120 words station to PLC begin",
            "PLC 中 120 个状态字（工位到 PLC）的起始保持寄存器",
        ),
    )
    station_words: Literal[16, 64, 120] = Field(
        default=120,
        description=about(
            "how many of them are written: 16 compact, 64 production", "写入的字数：16 精简，64 生产"
        ),
    )
    word_order: WordOrder = "ABCD"
    text_order: TextOrder = "high_first"
    swap_all: SwapAll = False
    poll_ms: int = Field(default=20, ge=5, le=10_000, description=about("from poll to poll", "轮询周期"))
    reply_ms: int = Field(
        default=500, ge=50, le=10_000, description=about("a reply is waited for so long", "应答等待时间")
    )
    tries: int = Field(
        default=3,
        ge=1,
        le=10,
        description=about("tries until the link counts as lost", "判定断线前的尝试次数"),
    )

    @model_validator(mode="after")
    def _plc_is_named(self) -> Self:
        _needed(self, "host")
        command, station = self.command_at, self.station_at
        if command < station + self.station_words and station < command + _COMMAND_WORDS:
            reason = say(
                f"overlaps the 36 registers from command_at ({command}) on",
                f"与从 command_at（{command}）开始的 36 个寄存器重叠",
            )
            raise clash(Clash(("station_at",), reason))
        return self


_Enabled = TypeVar("_Enabled", bound=Section)


def _needed(section: _Enabled, *names: str) -> _Enabled:
    """Return the section if it is off or names all of these."""
    missing = [name for name in names if getattr(section, name) is None]
    if getattr(section, "enabled", False) and missing:
        reason = say("is needed when enabled is true", "enabled 为 true 时必需")
        raise clash(*(Clash((name,), reason) for name in missing))
    return section


class Modbus(Section):
    """Modbus in its roles; several may be enabled at once, over the same registers."""

    tcp: ModbusTcp = Field(
        default_factory=ModbusTcp, description=about("Modbus TCP server", "Modbus TCP 服务器")
    )
    tls: ModbusTls = Field(
        default_factory=ModbusTls, description=about("Modbus/TCP Security", "Modbus/TCP Security")
    )
    rtu: ModbusRtu = Field(
        default_factory=ModbusRtu, description=about("Modbus RTU server", "Modbus RTU 从站")
    )
    client: ModbusClient = Field(
        default_factory=ModbusClient, description=about("Modbus client mode", "Modbus 客户端模式")
    )

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.tcp.enabled and self.tls.enabled and self.tcp.port == self.tls.port != 0:
            reason = say(
                f"port {self.tls.port} is taken by modbus.tcp", f"端口 {self.tls.port} 已被 modbus.tcp 使用"
            )
            raise clash(Clash(("tls", "port"), reason))
        return self
