"""One part's way: Trigger -> Frame -> RawScore -> Judgement -> Inspection.

Times named ``*_at`` or ``*_began`` are seconds of the monotonic clock (comparable only within one
run); ``captured_at`` is seconds since 1970 UTC.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from edge_service.domain.pixels import BGR8, to_bgr


class Verdict(IntEnum):
    """What the PLC reads. Anything but OK means: this part is not OK."""

    NONE = 0
    OK = 1
    NG = 2
    UNDECIDED = 3
    ERROR = 4
    TIMEOUT = 5
    SAMPLE = 6  # a frame taken as a good sample, not judged


class TriggerSource(IntEnum):
    """Who asked for the inspection."""

    BIT = 1
    SEQUENCE = 2
    OPC_UA = 3
    HMI = 4
    INTERVAL = 5
    CAMERA_LINE = 6
    CLIENT_MODE = 7


@dataclass(frozen=True, slots=True)
class Trigger:
    """An accepted request to inspect one part; everything it carries was latched at accept."""

    acquisition_id: int  # u16, 1..65535 then 1
    source: TriggerSource
    accepted_at: float  # monotonic seconds
    sequence: int = 0  # u16, 0 = none
    serial: bytes = b""  # 40 raw bytes at most, echoed whatever it holds
    encoder: int = 0  # u32
    expected_recipe: int = 0  # 0 = any
    recipe: int = 0  # the active recipe at accept
    collect: bool = False  # take a sample instead of judging


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture. ``pixels``: uint8, BGR, shape (height, width, 3), never written to.

    ``pixel_format``: one of ``domain.pixels.FORMATS``; another than BGR8 has the shape that goes with it.
    """

    pixels: NDArray[np.uint8]
    exposure_began: float  # monotonic seconds; the light that made the pixels fell then or later
    exposure_ended: float
    captured_at: float  # Unix seconds UTC
    camera: str
    simulated: bool = False
    pixel_format: str = BGR8

    def in_bgr(self) -> "Frame":
        """Return the same frame with pixels that anyone can show. Raises ValueError."""
        if self.pixel_format == BGR8:
            return self
        return replace(self, pixels=to_bgr(self.pixels, self.pixel_format), pixel_format=BGR8)


@dataclass(frozen=True, slots=True)
class RawScore:
    """What the model says of a frame, before any threshold.

    ``anomaly_map``: float32, shape (map height, map width), larger = stranger, in the units of ``score``.
    """

    score: float
    anomaly_map: NDArray[np.float32]
    inference_ms: float
    device: str  # "GPU", "CPU"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its grounds. ``code`` is 0 for OK, NG, UNDECIDED by design and SAMPLE, else why."""

    verdict: Verdict
    code: int = 0
    score: float = 0.0  # raw
    threshold: float = 0.0  # raw
    defect_class: int = 0
    defect_x: int | None = None  # pixels of the frame; None when there is no defect
    defect_y: int | None = None
    defect_area_px: int = 0  # pixels of the frame above the threshold

    @property
    def normalised_score(self) -> float:
        """The score on the scale people and PLCs see: 0.5 is the threshold, 1.0 twice the threshold."""
        return self.score / (2.0 * self.threshold) if self.threshold > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model judged: name, version and the SHA-256 of its manifest."""

    name: str
    version: str
    digest: str  # hex

    @property
    def hash32(self) -> int:
        """The first 32 bits of the digest: the model hash that the PLC reads."""
        return int(self.digest[:8] or "0", 16)


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How the camera is to take a recipe's frames; what is None is left as it is."""

    exposure_us: float | None = None
    gain: float | None = None  # in the camera's own units


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a product number means on this station."""

    number: int  # 1..999
    name: str
    model: str  # name of an installed model
    threshold: float | None = None  # overrides the package's; normalised, 0.5 = the package's threshold
    mask: str | None = None  # path of a picture, white where the part is judged
    camera: CameraSettings = CameraSettings()


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that is known of one inspected part; what the outbox stores."""

    station: str
    boot_id: int
    counter: int  # 64-bit, never reused: station, boot and counter are the global id
    trigger: Trigger
    judgement: Judgement
    recipe: int
    model: ModelIdentity | None
    captured_at: float | None
    trigger_to_exposure_ms: float
    inference_ms: float
    trigger_to_publish_ms: float
    configuration_checksum: int
    simulated: bool = False
    on_cpu: bool = False

    @property
    def global_id(self) -> str:
        """Station id, boot id and 64-bit counter: unique for ever."""
        return f"{self.station}-{self.boot_id}-{self.counter}"
