"""Sections ``link``, ``gateway`` and ``log``: how processes and people reach the station."""

from typing import Literal

from pydantic import Field

from edge_service.config.opcua import OpcUa
from edge_service.config.plc import Port
from edge_service.config.section import Section, about


class LinkSection(Section):
    """How core and gateway find each other on this box."""

    socket: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "Unix socket (default: DATA_DIR/core.sock)", "Unix 套接字（默认：DATA_DIR/core.sock）"
        ),
    )
    timeout_ms: int = Field(
        default=2_000,
        ge=100,
        le=60_000,
        description=about("silent for so long: the other side is away", "超过此时间无通信视为对方离线"),
    )


class Http(Section):
    """Status and last frame for a browser."""

    enabled: bool = Field(default=True, description=about("serve HTTP", "启用 HTTP"))
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description=about("address to listen on; by default this box only", "监听地址；默认仅本机"),
    )
    port: Port = Field(
        default=8080, description=about("TCP port; 0 lets the system choose", "TCP 端口；0 由系统选择")
    )


class GatewaySection(Section):
    """What others look at or fetch."""

    http: Http = Field(default_factory=Http, description=about("status page", "状态页面"))
    opcua: OpcUa = Field(default_factory=OpcUa, description=about("OPC UA server", "OPC UA 服务器"))


class LogSection(Section):
    """What is written to the log."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description=about("least severity written", "记录的最低级别")
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto",
        description=about("auto: colours on a terminal, else JSON", "auto：终端彩色，否则 JSON"),
    )
