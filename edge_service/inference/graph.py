"""One OpenVINO graph on one device: the only file of the edge that knows OpenVINO.

A package may hold two graphs: ``model``, whose weights any precision runs, and ``model_int8``, quantised. A
*variant* is one way to run one of them: "f32", "f16" and "bf16" run the first at that precision, "int8" the
second; "auto" is the first as OpenVINO likes it. Its plugin says which ones a device is worth trying with.

The graph's contract: input ``image``, uint8 [1, H, W, 3], BGR; outputs ``score``, float32 [1], and
``anomaly_map``, float32 [1, 1, h, w]; both raw. Static shapes.
"""

import functools
import os
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import openvino as ov
import structlog
from numpy.typing import NDArray

from edge_service.errors import InferenceError, PackageError
from edge_service.language import say

log = structlog.get_logger()

Precision = Literal["auto", "f32", "f16", "bf16"]
VARIANTS = ("int8", "bf16", "f16", "f32")
"""Every variant, the one that is usually fastest first."""

_CAPABILITIES = {"f32": "FP32", "f16": "FP16", "bf16": "BF16", "int8": "INT8"}
_MAP_AXES = 4


class CompiledGraph(Protocol):
    """A graph that is ready to run on a device. One call at a time."""

    precision: str  # what it is executed in: "f32", "f16", "bf16", "int8"

    def __call__(self, image: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
        """Return score and map (h, w) of ``image`` (uint8 [1, H, W, 3]). Raises InferenceError."""
        ...


class Runtime(Protocol):
    """What compiles a graph for a device."""

    height: int  # pixels the graph takes
    width: int

    def variants(self, device: str) -> tuple[str, ...]:
        """Return the variants worth trying on ``device``, at least one."""
        ...

    def compile(self, device: str, variant: str) -> CompiledGraph:
        """Return a variant on ``device`` ("GPU", "CPU"). Raises InferenceError saying why it cannot."""
        ...


class OpenVinoRuntime:
    """The graphs of a package, read by OpenVINO.

    ``int8``: the quantised graph (xml, weights). ``allowed``: the variants to choose from; none: only
    ``precision``. ``cache_folder``: where compiled kernels are kept between starts. Raises PackageError when
    a graph cannot be read or breaks the contract above.
    """

    def __init__(
        self,
        xml: bytes,
        weights: bytes,
        *,
        int8: tuple[bytes, bytes] | None = None,
        allowed: tuple[str, ...] = (),
        cache_folder: Path | None = None,
        precision: Precision = "auto",
        threads: int = 0,
    ) -> None:
        self._core = openvino_core()
        self._model, (self.height, self.width) = self._read(xml, weights)
        self._int8: Any = None
        if int8 is not None and "int8" in allowed:
            self._int8, size = self._read(*int8)
            if size != (self.height, self.width):
                raise _unreadable(f"its two graphs take pictures of two sizes: {size}")
        self._allowed, self._precision = allowed, precision
        self._properties: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        if cache_folder is not None and _can_hold_files(cache_folder):
            self._properties["CACHE_DIR"] = str(cache_folder)
        self._threads = threads

    def variants(self, device: str) -> tuple[str, ...]:
        """Return what the device's plugin says it computes in, as far as allowed and at hand."""
        if not self._allowed:
            return (self._precision,)
        try:
            able = self._core.get_property(device, "OPTIMIZATION_CAPABILITIES")
        except RuntimeError:  # no such device: ``compile`` says so
            return (self._precision,)
        found = [
            variant
            for variant in VARIANTS
            if variant in self._allowed
            and _CAPABILITIES[variant] in able
            and (variant != "int8" or self._int8 is not None)
        ]
        return tuple(found) or (self._precision,)

    def compile(self, device: str, variant: str) -> CompiledGraph:
        """Compile for ``device``; on a GPU without cache this takes up to a minute."""
        found = self._core.available_devices
        if not any(name == device or name.startswith(f"{device}.") for name in found):
            raise InferenceError(
                say(
                    f"there is no {device} here that OpenVINO can use (found: {', '.join(found)})",
                    f"没有 OpenVINO 可用的 {device}（已找到：{', '.join(found)}）",
                ),
                remedy=say("okng-edge doctor tells what is missing", "okng-edge doctor 会指出缺少什么"),
            )
        try:
            model = self._int8 if variant == "int8" else self._model
            return OpenVinoGraph(
                self._core.compile_model(model, device, self._properties_for(device, variant)),
                "int8" if variant == "int8" else "",
            )
        except RuntimeError as error:
            raise InferenceError(
                say(
                    f"the model cannot be compiled for {device}: {_reason(error)}",
                    f"无法为 {device} 编译模型：{_reason(error)}",
                ),
                remedy=say("okng-edge doctor tells what is missing", "okng-edge doctor 会指出缺少什么"),
            ) from error

    def _properties_for(self, device: str, variant: str) -> dict[str, Any]:
        properties = dict(self._properties)
        if variant in ("f32", "f16", "bf16"):
            properties["INFERENCE_PRECISION_HINT"] = variant
        elif variant == "int8" and device == "CPU":
            properties["INFERENCE_PRECISION_HINT"] = "f32"  # what is not quantised gains nothing from BF16
        if device == "CPU" and self._threads:
            properties["INFERENCE_NUM_THREADS"] = self._threads
        return properties

    def _read(self, xml: bytes, weights: bytes) -> tuple[Any, tuple[int, int]]:
        leave_a_closed_folder()
        try:
            model = self._core.read_model(model=xml, weights=weights)
            return model, _checked(model)
        except RuntimeError as error:
            raise _unreadable(_reason(error)) from error


class OpenVinoGraph:
    """One compiled model with its one inference request."""

    def __init__(self, compiled: Any, precision: str = "") -> None:
        self.precision = precision or str(compiled.get_property("INFERENCE_PRECISION_HINT").to_string())
        self._request = compiled.create_infer_request()
        self._score = compiled.output("score")
        self._map = compiled.output("anomaly_map")

    def __call__(self, image: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
        """Run the graph; the map is a copy."""
        try:
            self._request.infer({"image": image}, share_inputs=True)
            score = float(self._request.get_tensor(self._score).data[0])
            anomaly_map = np.array(self._request.get_tensor(self._map).data[0, 0], dtype=np.float32)
        except RuntimeError as error:
            raise InferenceError(
                say(f"the model failed on a frame: {_reason(error)}", f"模型推理失败：{_reason(error)}"),
                remedy=say(
                    "if it happens again, restart the station and run okng-edge doctor",
                    "若再次出现，请重启本站并运行 okng-edge doctor",
                ),
            ) from error
        return score, anomaly_map


@functools.cache
def openvino_core() -> ov.Core:
    """Return this process's one ``ov.Core``, which lives as long as the process.

    OpenVINO's CPU plugin (2026.4.1) gives the thread that compiles an alternate signal stack and takes it
    back when its Core goes. Two Cores that do not go in the reverse order of their coming leave the thread
    with a stack that is freed, and the next signal (SIGTERM) kills the process with SIGSEGV.
    """
    return ov.Core()


def leave_a_closed_folder() -> None:
    """Go to / from a working folder that this user may not enter (root's, after ``su``).

    OpenVINO (2026.4.1) looks for weights beside a model that it is given in memory, and aborts the process
    where it may not even look. No relative path works in such a folder, so leaving it changes nothing else.
    """
    if not os.access(".", os.X_OK):
        os.chdir("/")


def available_devices() -> list[str]:
    """Name the devices that OpenVINO finds on this box: ["CPU", "GPU"]."""
    return list(openvino_core().available_devices)


def box_fingerprint(devices: tuple[str, ...], threads: int = 0) -> str:
    """Return what a measurement of variants holds for: software, processors, order of devices, threads."""
    core = openvino_core()
    names = []
    for device in devices:
        try:
            names.append(f"{device}={core.get_property(device, 'FULL_DEVICE_NAME')}")
        except RuntimeError:
            names.append(f"{device}=-")
    return "; ".join((f"openvino={ov.get_version()}", *names, f"threads={threads}"))


def _can_hold_files(folder: Path) -> bool:
    """Make the cache folder; a disk that refuses costs a slower start, not the station."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.warning("model_cache_unusable", folder=str(folder), reason=error.strerror)
        return False
    return os.access(folder, os.W_OK)


def _checked(model: Any) -> tuple[int, int]:
    """Return height and width of the graph's input, or raise PackageError when it breaks the contract."""
    inputs = {port.get_any_name(): port for port in model.inputs}
    outputs = {port.get_any_name(): port for port in model.outputs}
    if set(inputs) != {"image"} or not {"score", "anomaly_map"} <= set(outputs):
        raise _unreadable(f"inputs {sorted(inputs)}, outputs {sorted(outputs)}")
    ports = (inputs["image"], outputs["score"], outputs["anomaly_map"])
    if any(port.get_partial_shape().is_dynamic for port in ports):
        raise _unreadable("its shapes are not fixed")
    image, score, anomaly_map = (list(port.get_shape()) for port in ports)
    types = [port.get_element_type().to_string() for port in ports]
    if types != ["u8", "f32", "f32"]:
        raise _unreadable(f"types {types}")
    if (
        image[0] != 1
        or image[3:] != [3]
        or score != [1]
        or anomaly_map[:2] != [1, 1]
        or len(anomaly_map) != _MAP_AXES
    ):
        raise _unreadable(f"shapes {image}, {score}, {anomaly_map}")
    return image[1], image[2]


def _reason(error: RuntimeError) -> str:
    """Return the last line of OpenVINO's message: the first ones name its source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__


def _unreadable(reason: str) -> PackageError:
    return PackageError(
        say(
            f"the model in the package is not one this edge can load: {reason}",
            f"模型包中的模型无法加载：{reason}",
        ),
        remedy=say("export it again with okng-trainer", "请用 okng-trainer 重新导出"),
    )
