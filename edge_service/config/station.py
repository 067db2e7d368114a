"""Sections ``station``, ``recipes``, ``inference`` and ``models``: who judges what, and with which model."""

from typing import Annotated, Literal

from pydantic import Field

from edge_service.config.section import Section, about, form
from edge_service.domain.inspection import CameraSettings, Recipe


class StationSection(Section):
    """Who this station is and where it keeps its things."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$",
        json_schema_extra=form(
            "1 to 40 of A-Z a-z 0-9 _ . -, starting with a letter or digit",
            "1 至 40 个字符：A-Z a-z 0-9 _ . -，以字母或数字开头",
        ),
        description=about("name of the station, unique in the plant", "工位名称，全厂唯一"),
    )
    number: int = Field(
        default=1, ge=0, le=65_535, description=about("number that the PLC reads", "PLC 读取的工位号")
    )
    data_dir: str = Field(
        default="/var/lib/okng",
        min_length=1,
        description=about("folder for models, queue and state", "存放模型、队列和状态的文件夹"),
    )
    clock: Literal["flag", "warn"] = Field(
        default="flag",
        description=about(
            "a clock that nobody keeps: flag it in each record; warn: 750 stands, too",
            "时钟无人校准时：flag 在记录中标记；warn 另报警告 750",
        ),
    )


class RecipeSection(Section):
    """What a product number means on this station."""

    number: int = Field(ge=1, le=999, description=about("number that the PLC sends", "PLC 发送的编号"))
    name: str = Field(min_length=1, max_length=80, description=about("for people", "供人阅读的名称"))
    model: str = Field(
        min_length=1, max_length=80, description=about("name of an installed model", "已安装模型的名称")
    )
    threshold: float | None = Field(
        default=None,
        gt=0.0,
        le=6.5,
        description=about(
            "overrides the model's threshold; 0.5 is the model's own, larger passes more",
            "覆盖模型阈值；0.5 为模型自身阈值，越大放行越多",
        ),
    )

    mask: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "grey picture of the part, white where it is judged", "工件的灰度图像，白色为检测区域"
        ),
    )

    exposure_us: float | None = Field(
        default=None,
        gt=0.0,
        le=10_000_000.0,
        description=about(
            "set in the camera before a part of this recipe is taken; for all recipes or none",
            "检测此配方前在相机中设置的曝光；须所有配方都有或都没有",
        ),
    )
    gain: float | None = Field(
        default=None,
        ge=0.0,
        le=10_000.0,
        description=about("likewise, in the camera's units", "同上，相机自身单位的增益"),
    )

    def recipe(self) -> Recipe:
        """Return the recipe as the station knows it."""
        camera = CameraSettings(self.exposure_us, self.gain)
        return Recipe(self.number, self.name, self.model, self.threshold, self.mask, camera)


Device = Annotated[
    str,
    Field(
        pattern=r"^(CPU|GPU(\.\d+)?|NPU)$",
        json_schema_extra=form("CPU, GPU, GPU.0, GPU.1 ... or NPU", "CPU、GPU、GPU.0、GPU.1 …… 或 NPU"),
    ),
]


class InferenceSection(Section):
    """Where the model runs."""

    devices: tuple[Device, ...] = Field(
        default=("GPU", "CPU"),
        min_length=1,
        description=about(
            "tried in this order; the first that works is used", "按此顺序尝试，使用第一个可用设备"
        ),
    )
    variants: tuple[Literal["int8", "bf16", "f16", "f32"], ...] = Field(
        default=("int8", "bf16", "f16", "f32"),
        min_length=1,
        description=about(
            "precisions to choose from; the fastest that passes the model's self-test here is used",
            "可选精度；采用在本机通过模型自检的最快者",
        ),
    )
    cache: bool = Field(
        default=True,
        description=about(
            "keep compiled models under data_dir: faster starts", "在 data_dir 缓存编译结果，加快启动"
        ),
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description=about("CPU threads (default: OpenVINO's choice)", "CPU 线程数"),
    )


class ModelsSection(Section):
    """Where models lie and whose signatures count."""

    store_dir: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "installed models (default: DATA_DIR/models)", "已安装的模型（默认：DATA_DIR/models）"
        ),
    )
    trust_dir: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "trusted public keys (default: DATA_DIR/trust)", "受信任的公钥（默认：DATA_DIR/trust）"
        ),
    )
