"""Sections ``outbox`` and ``uplink``: what is kept for the training server, and how it travels there."""

from typing import Literal

from pydantic import Field

from edge_service.config.section import Section, about


class Images(Section):
    """Which pictures go with the results. A good sample's picture always does."""

    not_ok: bool = Field(
        default=True,
        description=about("of every part that is not OK", "保存每个非 OK 工件的图像"),
    )
    spot_check_every: int = Field(
        default=100,
        ge=0,
        le=1_000_000,
        description=about("of one in N of the OK parts; 0 = of none", "每 N 个 OK 工件保存一张；0 = 不保存"),
    )
    heat_maps: bool = Field(
        default=True,
        description=about("with the heat map of parts that are NG", "同时保存 NG 工件的热力图"),
    )


class OutboxSection(Section):
    """Results and pictures wait here until the training server has them."""

    keep: Literal["enrolled", "always", "never"] = Field(
        default="enrolled",
        description=about(
            "enrolled: from `okng-edge enrol` on; always: also without a server",
            "enrolled：执行 `okng-edge enrol` 之后；always：没有服务器也保存",
        ),
    )
    images: Images = Field(default_factory=Images, description=about("which pictures", "保存哪些图像"))
    quota_mb: int = Field(
        default=2_000,
        ge=10,
        le=10_000_000,
        description=about(
            "room it may take; beyond it the oldest pictures of OK parts go first",
            "可占用的空间；超出后先删除最旧的 OK 图像",
        ),
    )
    spare_mb: int = Field(
        default=200,
        ge=0,
        le=1_000_000,
        description=about("room of the disk that it never takes", "始终为磁盘保留的空间"),
    )
    keep_sent: int = Field(
        default=10_000,
        ge=0,
        le=1_000_000,
        description=about(
            "results kept on the box after the server has them", "服务器收到后仍留在本机的结果数"
        ),
    )


class UplinkSection(Section):
    """The way to the training server that `okng-edge enrol` has made known."""

    enabled: bool = Field(default=True, description=about("talk to the server", "与服务器通信"))
    ca_file: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "certificate of the plant's own authority, for https", "https 使用的厂内 CA 证书文件"
        ),
    )
    timeout_s: float = Field(
        default=10.0,
        ge=0.5,
        le=120.0,
        description=about("a server silent for so long is away", "服务器超过此时间无应答视为离线"),
    )
    health_s: float = Field(
        default=30.0, ge=0.2, le=3_600.0, description=about("between two health reports", "健康报告间隔")
    )
    models_s: float = Field(
        default=30.0, ge=0.2, le=3_600.0, description=about("between two looks for models", "查询模型间隔")
    )
    retry_most_s: float = Field(
        default=60.0,
        ge=0.2,
        le=3_600.0,
        description=about(
            "longest wait between two tries while the server is away", "服务器离线时两次重试的最长间隔"
        ),
    )
    models: Literal["activate", "fetch", "off"] = Field(
        default="activate",
        description=about(
            "what to do with a model that the server assigns; fetch: a person activates it",
            "如何处理服务器指派的模型；fetch：由人激活",
        ),
    )
