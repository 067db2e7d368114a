"""The whole configuration of server and worker, as one frozen tree. Every key has a default."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, StringConstraints

from edge_service.config.plc import Port
from edge_service.config.section import Section, about, form
from edge_service.config.services import LogSection

DEFAULT_PORT = 8090
ServerName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"),
    Field(
        json_schema_extra=form(
            "1 to 63 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
            "1 至 63 个字母、数字、点、连字符或下划线，以字母或数字开头",
        )
    ),
]


class HttpSection(Section):
    """Where boxes and people reach the server."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description=about(
            "address to listen on; by default this machine only, 0.0.0.0 for the plant's network",
            "监听地址；默认仅本机，0.0.0.0 表示工厂网络",
        ),
    )
    port: Port = Field(
        default=DEFAULT_PORT,
        description=about("TCP port; 0 lets the system choose", "TCP 端口；0 由系统选择"),
    )
    at_once: int = Field(
        default=200,
        ge=8,
        le=10_000,
        description=about(
            "requests in hand; who comes beyond it is asked to come again",
            "同时处理的请求数；超出者稍后重试",
        ),
    )


class ServerSection(Section):
    """Who this server is."""

    name: ServerName = Field(
        default="okng-trainer", description=about("what boxes call it", "边缘机看到的服务器名称")
    )
    data_dir: str = Field(
        default="okng-trainer-data",
        min_length=1,
        description=about("folder for everything it keeps", "所有数据的目录"),
    )
    http: HttpSection = Field(default_factory=HttpSection, description=about("HTTP", "HTTP"))


class DatabaseSection(Section):
    """Where the tables are."""

    url: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "PostgreSQL instead of SQLite: postgresql://USER:PASSWORD@HOST/DATABASE (default: "
            "DATA_DIR/trainer.db)",
            "使用 PostgreSQL 代替 SQLite：postgresql://用户:密码@主机/数据库（默认：DATA_DIR/trainer.db）",
        ),
    )


class StorageSection(Section):
    """Where pictures and packages are."""

    blobs_dir: str | None = Field(
        default=None,
        min_length=1,
        description=about("folder (default: DATA_DIR/blobs)", "目录（默认：DATA_DIR/blobs）"),
    )
    keep_free_mb: int = Field(
        default=1_000,
        ge=0,
        le=10_000_000,
        description=about(
            "take no picture when less of its disk is free; boxes keep theirs and try again",
            "磁盘剩余低于此值时不再接收图像；边缘机保留数据并稍后重试",
        ),
    )


class UploadsSection(Section):
    """The largest things that are taken."""

    image_mb: int = Field(default=32, ge=1, le=1_000, description=about("a picture's file", "图像文件大小"))
    image_megapixels: int = Field(
        default=100, ge=1, le=1_000, description=about("a picture, unpacked", "图像像素数")
    )
    package_mb: int = Field(default=512, ge=1, le=1_024, description=about("a model package", "模型包大小"))
    at_once: int = Field(
        default=16,
        ge=1,
        le=1_000,
        description=about("uploads of more than 1 MB in hand", "同时接收的 1 MB 以上的上传数"),
    )
    silence_s: float = Field(
        default=30.0,
        ge=1.0,
        le=600.0,
        description=about(
            "a sender that is silent in the middle for so long is cut off", "发送中断超过此时间则断开"
        ),
    )


class SigningSection(Section):
    """With what models are signed."""

    key: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "private key, made at the first start (default: DATA_DIR/keys/signing.pem)",
            "私钥，首次启动时生成（默认：DATA_DIR/keys/signing.pem）",
        ),
    )


class JobsSection(Section):
    """How work is handed out."""

    lost_after_s: float = Field(
        default=30.0,
        ge=1.0,
        le=3_600.0,
        description=about(
            "a worker without a sign of life for so long is lost, and its job goes back",
            "工作进程超过此时间无响应视为丢失，任务退回队列",
        ),
    )
    most_tries: int = Field(
        default=3,
        ge=1,
        le=20,
        description=about("a job that lost so many workers fails", "任务丢失工作进程达此次数即失败"),
    )


class TrainerConfig(Section):
    """The configuration of one training server."""

    server: ServerSection = Field(default_factory=ServerSection, description=about("the server", "服务器"))
    database: DatabaseSection = Field(default_factory=DatabaseSection, description=about("tables", "数据库"))
    storage: StorageSection = Field(
        default_factory=StorageSection, description=about("pictures and packages", "图像和模型包")
    )
    uploads: UploadsSection = Field(
        default_factory=UploadsSection, description=about("bounds for what comes in", "上传限制")
    )
    signing: SigningSection = Field(default_factory=SigningSection, description=about("signing", "签名"))
    jobs: JobsSection = Field(default_factory=JobsSection, description=about("training jobs", "训练任务"))
    log: LogSection = Field(default_factory=LogSection, description=about("log", "日志"))

    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    def beside(self, folder: Path) -> Self:
        """Return the same configuration with its relative paths counted from ``folder``."""
        copy = self.model_copy()
        copy._folder = folder.absolute()  # noqa: SLF001 - our own copy
        return copy

    def resolve(self, path: str) -> Path:
        """Return ``path`` absolute: as it is, or counted from the folder of the configuration file."""
        return self._folder / Path(path).expanduser()

    @property
    def data_dir(self) -> Path:
        """The folder for everything, absolute."""
        return self.resolve(self.server.data_dir)

    @property
    def database_url(self) -> str:
        """The database in force."""
        return self.database.url or f"sqlite:///{self.data_dir / 'trainer.db'}"

    @property
    def blobs_dir(self) -> Path:
        """Where pictures and packages lie."""
        return self.resolve(self.storage.blobs_dir) if self.storage.blobs_dir else self.data_dir / "blobs"

    @property
    def signing_key(self) -> Path:
        """The private key's file."""
        return self.resolve(self.signing.key) if self.signing.key else self.data_dir / "keys" / "signing.pem"

    @property
    def admin_token(self) -> Path:
        """The file with the local admin's token, for commands on this machine."""
        return self.data_dir / "admin.token"

    @property
    def address_file(self) -> Path:
        """The file in which a running server says where it listens."""
        return self.data_dir / "address"
