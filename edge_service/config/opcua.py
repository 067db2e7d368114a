"""Section ``gateway.opcua``: the OPC UA server for SCADA, MES and PLCs that read tags."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edge_service.config.plc import Port
from edge_service.config.section import Clash, Section, about, clash
from edge_service.language import say

Policy = Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]


class OpcUaLimits(Section):
    """What OPC UA clients can cost this box at most."""

    connections: int = Field(
        default=60, ge=1, le=1_000, description=about("open connections at once", "同时连接数上限")
    )
    connections_per_address: int = Field(
        default=20, ge=1, le=1_000, description=about("of them from one address", "其中同一地址的连接数")
    )
    sessions: int = Field(default=30, ge=1, le=1_000, description=about("sessions at once", "同时会话数上限"))
    subscriptions: int = Field(
        default=10, ge=1, le=1_000, description=about("subscriptions of one session", "每个会话的订阅数")
    )
    monitored_items: int = Field(
        default=2_000,
        ge=1,
        le=100_000,
        description=about("monitored items of one session", "每个会话的监视项数"),
    )
    publishing_ms: int = Field(
        default=50, ge=10, le=10_000, description=about("shortest publishing interval", "最短发布周期")
    )
    operations_per_request: int = Field(
        default=1_000,
        ge=10,
        le=10_000,
        description=about("nodes or methods in one request", "一个请求中的节点或方法数"),
    )
    calls_per_request: int = Field(
        default=50, ge=1, le=1_000, description=about("method calls in one request", "一个请求中的方法调用数")
    )
    operations_per_s: int = Field(
        default=5_000,
        ge=50,
        le=1_000_000,
        description=about(
            "operations of one connection in a second; more is slowed down",
            "每个连接每秒的操作数；超出则减速",
        ),
    )
    message_kib: int = Field(
        default=512, ge=64, le=16_384, description=about("largest message taken", "可接收的最大报文")
    )


class OpcUa(Section):
    """The OPC UA server. Without a trusted certificate nobody gets in, unless ``allow_none``."""

    enabled: bool = Field(default=True, description=about("serve OPC UA", "启用 OPC UA 服务器"))
    host: str = Field(
        default="0.0.0.0",  # noqa: S104 - SCADA is another machine; certificates keep strangers out
        min_length=1,
        description=about(
            "address to listen on; 0.0.0.0 is every port of the box", "监听地址；0.0.0.0 为所有网口"
        ),
    )
    port: Port = Field(
        default=4840, description=about("TCP port; 0 lets the system choose", "TCP 端口；0 由系统选择")
    )
    names: tuple[str, ...] = Field(
        default=(),
        description=about(
            "further host names or addresses for a new certificate",
            "新证书中另外写入的主机名或地址",
        ),
    )
    policies: tuple[Policy, ...] = Field(
        default=("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"),
        description=about(
            "security policies on offer, each as Sign and SignAndEncrypt",
            "提供的安全策略，均含 Sign 与 SignAndEncrypt",
        ),
    )
    allow_none: bool = Field(
        default=False,
        description=about(
            "also an endpoint without security: anonymous only, nothing is checked or hidden",
            "另提供无安全端点：仅匿名，不校验也不加密",
        ),
    )
    anonymous: Literal["off", "observer", "operator"] = Field(
        default="observer",
        description=about("what a client without a user may do", "未登录客户端的权限"),
    )
    pki_dir: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "certificates, trusted peers, users (default: DATA_DIR/opcua)",
            "证书、受信任客户端、用户（默认：DATA_DIR/opcua）",
        ),
    )
    results: int = Field(
        default=100, ge=1, le=10_000, description=about("results kept for queries", "供查询的结果数")
    )
    shown_results: int = Field(
        default=10, ge=0, le=100, description=about("of them shown as nodes", "其中以节点显示的数量")
    )
    limits: OpcUaLimits = Field(
        default_factory=OpcUaLimits, description=about("limits of the server", "服务器限制")
    )

    @model_validator(mode="after")
    def _some_endpoint(self) -> Self:
        if self.enabled and not self.policies and not self.allow_none:
            reason = say(
                "nobody could connect: name a policy, or set allow_none or enabled: false",
                "将无人可以连接：请列出策略，或设置 allow_none 或 enabled: false",
            )
            raise clash(Clash(("policies",), reason))
        return self
