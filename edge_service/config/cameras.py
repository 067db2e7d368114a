"""The ``camera`` section: one kind each, with the keys of that kind alone."""

from typing import Annotated, Literal

from pydantic import Field

from edge_service.config.section import Section, about

ProductName = Literal["pcb", "crate"]


class SimulatedCamera(Section):
    """Rendered parts, no hardware: to try the station and its PLC interface."""

    kind: Literal["simulated"] = Field(
        description=about("rendered parts, no hardware", "渲染的工件，无需硬件")
    )
    product: ProductName = Field(
        default="pcb",
        description=about("product shown when the recipe names none", "配方未指定时显示的产品"),
    )
    products: dict[Annotated[int, Field(ge=1, le=999)], ProductName] = Field(
        default_factory=dict,
        description=about("recipe number -> product that it shows", "配方编号 -> 显示的产品"),
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=2**32 - 1,
        description=about("same seed, same parts", "种子相同，工件相同"),
    )
    defect_share: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description=about("share of defective parts, 0 to 1", "缺陷件比例，0 到 1"),
    )
    plan: str | None = Field(
        default=None,
        min_length=1,
        description=about(
            "JSON file that says which part each trigger shows", "JSON 文件，规定每次触发显示哪个工件"
        ),
    )
    record: str | None = Field(
        default=None,
        min_length=1,
        description=about("JSON Lines file that keeps what was shown", "记录所显示工件的 JSON Lines 文件"),
    )
    pre_rendered: int = Field(
        default=0,
        ge=0,
        le=1000,
        description=about(
            "parts rendered at start and shown in turn at no cost (0: render each when triggered)",
            "启动时预先渲染并轮流显示的工件数（0：触发时渲染）",
        ),
    )
    exposure_ms: float = Field(
        default=0.0,
        ge=0.0,
        le=1000.0,
        description=about("length of the simulated exposure", "模拟曝光时间"),
    )
    exposure_us: float | None = Field(
        default=None,
        gt=0.0,
        le=10_000_000.0,
        description=about(
            "exposure of recipes that name none; 10000 shows a part as rendered, half of it half as bright",
            "配方未指定时的曝光；10000 按渲染亮度显示，减半则亮度减半",
        ),
    )
    gain: float | None = Field(
        default=None,
        ge=0.0,
        le=10_000.0,
        description=about("gain of recipes that name none, in dB", "配方未指定时的增益（dB）"),
    )


class FolderCamera(Section):
    """Replays the images of a folder in the order of their names."""

    kind: Literal["folder"] = Field(description=about("images of a folder", "文件夹中的图像"))
    path: str = Field(
        min_length=1,
        description=about("folder of png, jpg, bmp or tif images", "存放 png、jpg、bmp 或 tif 图像的文件夹"),
    )
    loop: bool = Field(
        default=True,
        description=about(
            "start again after the last image (false: then no frame)",
            "最后一张之后重新开始（false：不再出图）",
        ),
    )


class VideoCamera(Section):
    """Anything OpenCV can open: a V4L2/UVC camera, an RTSP stream, a video file."""

    kind: Literal["video"] = Field(description=about("OpenCV: V4L2, RTSP, file", "OpenCV：V4L2、RTSP、文件"))
    source: Annotated[int, Field(ge=0, le=255)] | Annotated[str, Field(min_length=1)] = Field(
        repr=False,
        description=about(
            "camera number, /dev/videoN, rtsp://... or a video file",
            "相机编号、/dev/videoN、rtsp://... 或视频文件",
        ),
    )
    latency_ms: float = Field(
        default=100.0,
        ge=0.0,
        le=10_000.0,
        description=about(
            "longest time from light to the frame being readable; a frame read sooner after the trigger is "
            "not judged. Too large costs time, too small risks a frame of the part before",
            "从曝光到可读取该帧的最长时间；触发后更早读到的帧不参与判定。偏大只费时间，偏小可能取到上一个工件",
        ),
    )
    loop: bool = Field(
        default=True, description=about("video file: start again at its end", "视频文件：播完后重新开始")
    )
    width_px: int | None = Field(
        default=None, ge=16, le=16_384, description=about("asked of the camera", "向相机请求的宽度")
    )
    height_px: int | None = Field(
        default=None, ge=16, le=16_384, description=about("asked of the camera", "向相机请求的高度")
    )
    rate_hz: float | None = Field(
        default=None,
        gt=0.0,
        le=1000.0,
        description=about(
            "frame rate asked of the camera, or at which a file plays", "请求的帧率，或文件播放帧率"
        ),
    )
    stamps: Literal["auto", "off"] = Field(
        default="auto",
        description=about(
            "auto: use the times that V4L2 and RTSP give their frames; off: the camera's times are wrong",
            "auto：使用 V4L2 和 RTSP 的帧时间戳；off：相机时间戳不可靠",
        ),
    )
    stalled_after_s: float = Field(
        default=5.0,
        ge=0.5,
        le=60.0,
        description=about(
            "no frame for so long: the camera counts as lost", "超过此时间无图像即视为相机丢失"
        ),
    )
    exposure_us: float | None = Field(
        default=None,
        gt=0.0,
        le=10_000_000.0,
        description=about(
            "V4L2: exposure of recipes that name none; the camera's automatic goes off then",
            "V4L2：配方未指定时的曝光；设置后关闭相机自动曝光",
        ),
    )
    gain: float | None = Field(
        default=None,
        ge=0.0,
        le=10_000.0,
        description=about(
            "V4L2: gain of recipes that name none, in the driver's units",
            "V4L2：配方未指定时的增益（驱动单位）",
        ),
    )

    @property
    def is_v4l2(self) -> bool:
        """Whether the source is a camera of this box, whose exposure and gain can be set."""
        return isinstance(self.source, int) or self.source.startswith("/dev/")


AdjustableCamera = SimulatedCamera | VideoCamera
"""The kinds whose exposure and gain a recipe may set."""

CameraSection = Annotated[SimulatedCamera | FolderCamera | VideoCamera, Field(discriminator="kind")]
