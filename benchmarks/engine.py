"""The engine beside anomalib's own inferencer and beside OpenVINO's bare loop, in one run.

Teacher and student are trained here on rendered boards, so that all contenders share their weights; frames
are 1920 x 1200 pixels, uint8, in memory. Every round gives every contender the same frames, in turn::

    python benchmarks/engine.py --json engine.json

- anomalib: ``OpenVINOInferencer`` on anomalib's export of the STFPM model, as it comes (OpenVINO chooses the
  precision) and held to FP32; and that export, made static, in a plain call, fed with a resized picture;
- lean STFPM: the same mathematics in our export (``trainer.pipeline.lean_stfpm``), in our engine at FP32;
- ours: the graph that ``okng-trainer train`` packages (nine maps and place statistics) in the edge's engine,
  in every variant. The fastest one that passes the gate against FP32 is what a box would choose;
- bare: that same graph in OpenVINO's own loop, fed with the same frames by the same resize; and once more
  without any resize, on a picture that has the model's size already.

The arithmetic bound is the convolutions' operations over this machine's measured peak: a large matrix product
in FP32 and BF16 through OpenVINO; INT8's peak is taken as four times FP32's, which is what VNNI multiplies.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
import openvino.opset15 as ops
from numpy.typing import NDArray

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge_service.inference.engine import OpenVinoEngine
from edge_service.inference.graph import openvino_core
from edge_service.inference.preprocess import keep_processors_for_the_model, to_model_input
from edge_service.simulation import render, samples
from trainer.domain import Photograph, PhotographSet
from trainer.export.agreement import compare
from trainer.export.openvino_ir import IntermediateRepresentation, to_openvino
from trainer.export.spoilt import spoil
from trainer.pipeline.acceptance import export
from trainer.pipeline.lean_stfpm import lean_stfpm
from trainer.pipeline.learning import LearnedModel, learn
from trainer.pipeline.settings import TrainingSettings
from trainer.teacher.weights import load_weights

ROOT = Path(__file__).parents[1]
FRAME = (1200, 1920)
SIDE = 256
ROUNDS, RUNS = 20, 3  # every contender gets RUNS frames a round
PHOTOGRAPHS, EPOCHS = 3, 60
LATENCY = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
VARIANTS = ("f32", "bf16", "int8")

Pixels = NDArray[np.uint8]
Run = Callable[[Pixels], object]


@dataclass(frozen=True, slots=True)
class Graphs:
    """The trained model as every contender's graph."""

    model: LearnedModel
    ours: IntermediateRepresentation
    int8: IntermediateRepresentation
    lean: IntermediateRepresentation
    anomalib: Path


def frames(count: int) -> list[Pixels]:
    """Return boards photographed at 1920 x 1200."""
    found = [render("pcb", seed=seed).pixels for seed in range(count)]
    return [np.ascontiguousarray(cv2.resize(each, FRAME[::-1])) for each in found]


def prepare(folder: Path) -> Graphs:
    """Train briefly and export for everybody."""
    from tests.support.anomalib_exports import around  # noqa: PLC0415 - anomalib: seconds
    from tests.support.anomalib_exports import export as export_as_anomalib_does  # noqa: PLC0415
    from trainer.export.int8 import to_int8  # noqa: PLC0415

    squares = [
        cv2.resize(part.render().pixels, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_AREA)
        for part in samples("pcb", seed=1, count=PHOTOGRAPHS)
    ]
    photographs = tuple(Photograph(Path(f"{n}.png"), each, str(n)) for n, each in enumerate(squares))
    settings = TrainingSettings(algorithm="stfpm", size=SIDE, epochs=EPOCHS)
    model = learn(PhotographSet(photographs, "0" * 64, ()), load_weights("bundled"), settings, lambda _: None)
    ours = export(model, lambda _: None)
    pair = model.network.pair
    return Graphs(
        model=model,
        ours=ours,
        int8=to_int8(ours, model.variations),
        lean=to_openvino(lean_stfpm(pair, SIDE, SIDE), SIDE, SIDE),
        anomalib=export_as_anomalib_does(around(pair), folder),
    )


def engine(graphs: Graphs, variant: str) -> OpenVinoEngine:
    """Return the edge's engine with one variant."""
    return OpenVinoEngine.load(
        graphs.ours.xml,
        graphs.ours.weights,
        int8=(graphs.int8.xml, graphs.int8.weights),
        allowed=(variant,),
        devices=("CPU",),
    )


def anomalib_inferencer(path: Path, config: dict[str, Any] | None) -> Run:
    """Return anomalib's inferencer, given a frame as its documentation has it: RGB."""
    from anomalib.deploy import OpenVINOInferencer  # noqa: PLC0415 - seconds

    return OpenVINOInferencer(path, device="CPU", config=config).predict


def plain_call(path: Path) -> Run:
    """Return a plain call of anomalib's export at a fixed shape, fed with a picture resized before."""
    model = openvino_core().read_model(path)
    model.reshape([1, 3, SIDE, SIDE])
    compiled = openvino_core().compile_model(model, "CPU", LATENCY)

    def run(frame: Pixels) -> object:
        small = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        return compiled(np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32) / 255.0)

    return run


def bare(graph: IntermediateRepresentation, precision: str, *, resize: bool) -> Run:
    """Return OpenVINO's own loop on our graph."""
    core = openvino_core()
    model = core.read_model(model=graph.xml, weights=graph.weights)
    compiled = core.compile_model(model, "CPU", {**LATENCY, "INFERENCE_PRECISION_HINT": precision})
    request = compiled.create_infer_request()
    ready = np.full((1, SIDE, SIDE, 3), 127, np.uint8)

    def run(frame: Pixels) -> object:
        image = to_model_input(frame, SIDE, SIDE) if resize else ready
        request.infer({"image": image}, share_inputs=True)
        return request.get_tensor("score").data[0]

    return run


def operations(graph: IntermediateRepresentation) -> float:
    """Return the convolutions' operations in one picture: two a multiplication."""
    model = openvino_core().read_model(model=graph.xml, weights=graph.weights)
    total = 0
    for node in model.get_ops():
        if node.get_type_name() == "Convolution":
            _, _, height, width = node.get_output_shape(0)
            total += 2 * height * width * int(np.prod(node.get_input_shape(1)))
    return float(total)


def peak(precision: str, side: int = 2048) -> float:
    """Return operations a second of a large matrix product at ``precision``: the best of a few."""
    random = np.random.default_rng(0)
    given = ops.parameter([side, side], np.float32)
    weights = ops.constant(random.random((side, side), np.float32))
    model = ov.Model([ops.matmul(given, weights, False, False)], [given])
    compiled = openvino_core().compile_model(model, "CPU", {**LATENCY, "INFERENCE_PRECISION_HINT": precision})
    request, image = compiled.create_infer_request(), random.random((side, side), np.float32)
    times = []
    for _ in range(8):
        began = time.perf_counter()
        request.infer([image], share_inputs=True)
        times.append(time.perf_counter() - began)
    return 2.0 * side**3 / min(times)


def gate(graphs: Graphs, available: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Hold every variant against FP32 on good and spoilt pictures."""
    good = graphs.model.variations[:12]
    pictures = np.concatenate([good, spoil(good, seed=0)])
    threshold = graphs.model.threshold.value
    with engine(graphs, "f32") as reference_engine:
        reference = [reference_engine.score(picture) for picture in pictures]
    found = {}
    for variant in available:
        with engine(graphs, variant) as candidate:
            result = compare(variant, candidate, pictures, reference, threshold)
        found[variant] = {
            "rank_correlation": round(result.rank_correlation, 4),
            "score_difference": round(result.score_difference, 4),
            "changed_verdicts": result.changed_verdicts,
            "passes": result.passes,
        }
    return found


def memory_mb(kind: str, folder: Path) -> float:
    """Return the largest resident memory of a process that loads one contender and judges five frames."""
    done = subprocess.run(
        [sys.executable, "-c", f"{_LOADS[kind]}\n{_REMEMBER}", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return float(done.stdout.splitlines()[-1])


_LOADS = {
    "anomalib": """
from anomalib.deploy import OpenVINOInferencer
run = OpenVINOInferencer("weights/openvino/model.xml", device="CPU").predict
""",
    "ours": """
from edge_service.inference.engine import OpenVinoEngine
xml, weights = open("ours.xml", "rb").read(), open("ours.bin", "rb").read()
run = OpenVinoEngine.load(xml, weights, devices=("CPU",)).score
""",
}
_REMEMBER = f"""
import numpy as np
for _ in range(5):
    run(np.full({(*FRAME, 3)}, 90, np.uint8))
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(int(status["VmHWM"].split()[0]) / 1024)
"""


def measure(rounds: int, folder: Path) -> dict[str, Any]:
    """Run every contender in turns; return the figures."""
    graphs = prepare(folder)
    keep_processors_for_the_model()  # as the core does
    (folder / "ours.xml").write_bytes(graphs.ours.xml)
    (folder / "ours.bin").write_bytes(graphs.ours.weights)
    able = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    available = tuple(v for v in VARIANTS if v != "bf16" or "BF16" in able)
    agreement = gate(graphs, available)
    engines = {variant: engine(graphs, variant) for variant in available}
    lean = OpenVinoEngine.load(graphs.lean.xml, graphs.lean.weights, devices=("CPU",), precision="f32")
    twins = {variant: graphs.int8 if variant == "int8" else graphs.ours for variant in available}
    hints = {"f32": "f32", "bf16": "bf16", "int8": "f32"}
    contenders: dict[str, Run] = {
        "anomalib_default": anomalib_inferencer(graphs.anomalib, None),
        "anomalib_fp32": anomalib_inferencer(graphs.anomalib, {"INFERENCE_PRECISION_HINT": "f32"}),
        "anomalib_plain_call": plain_call(graphs.anomalib),
        "lean_stfpm_fp32": lean.score,
        **{f"ours_{variant}": each.score for variant, each in engines.items()},
        **{f"bare_{variant}": bare(twins[variant], hints[variant], resize=True) for variant in available},
        **{f"graph_{variant}": bare(twins[variant], hints[variant], resize=False) for variant in available},
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    pictures = frames(RUNS)
    for number in range(rounds + 1):
        for name, run in contenders.items():
            for frame in pictures:
                began = time.perf_counter()
                run(frame)
                if number:  # the first round only warms up
                    times[name].append((time.perf_counter() - began) * 1000.0)
    resize = [_timed(lambda frame=frame: to_model_input(frame, SIDE, SIDE)) for frame in pictures * rounds]
    for each in (lean, *engines.values()):
        each.close()
    bound = operations(graphs.ours)
    return figures(times, agreement, bound, float(np.median(resize)))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000.0


def figures(
    times: dict[str, list[float]], agreement: dict[str, dict[str, Any]], work: float, resize_ms: float
) -> dict[str, Any]:
    """Return every figure of the report."""
    medians = {name: round(float(np.median(taken)), 3) for name, taken in times.items()}
    passing = [variant for variant, found in agreement.items() if found["passes"]]
    fastest = min(passing, key=lambda variant: medians[f"ours_{variant}"])
    peaks = {variant: peak(variant) for variant in agreement if variant != "int8"}
    peaks["int8"] = 4.0 * peaks["f32"]
    bounds = {variant: round(work / peaks[variant] * 1000.0, 3) for variant in agreement}
    return {
        "rounds": len(times["ours_f32"]) // RUNS,
        "anomalib_default_ms": medians["anomalib_default"],
        "anomalib_fp32_ms": medians["anomalib_fp32"],
        "ours_fp32_ms": medians["ours_f32"],
        "ours_bf16_ms": medians.get("ours_bf16"),
        "ours_fastest_ms": medians[f"ours_{fastest}"],
        "ours_fastest_variant": fastest,
        "bare_fastest_ms": medians[f"bare_{fastest}"],
        "resize_ms": round(resize_ms, 3),
        "operations": work,
        "bound_ms": bounds,
        "ratios": {
            "engine over bare loop": round(medians[f"ours_{fastest}"] / medians[f"bare_{fastest}"], 3),
            "anomalib FP32 over ours FP32": round(medians["anomalib_fp32"] / medians["ours_f32"], 2),
            "anomalib default over ours, fastest": round(
                medians["anomalib_default"] / medians[f"ours_{fastest}"], 2
            ),
        },
        "agreement": agreement,
        "median_ms": medians,
        "p95_ms": {name: round(float(np.percentile(taken, 95)), 3) for name, taken in times.items()},
    }


def table(found: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"\n1920 x 1200 frames, model input {SIDE} x {SIDE}, {found['rounds']} rounds of {RUNS}")
    print(f"{'':26}{'median ms':>11}{'p95 ms':>9}{'bound ms':>10}")
    for name, median in found["median_ms"].items():
        variant = name.rsplit("_", 1)[-1]
        bound = f"{found['bound_ms'][variant]:10.1f}" if variant in found["bound_ms"] else ""
        print(f"{name:26}{median:11.2f}{found['p95_ms'][name]:9.2f}{bound}")
    print(f"{'resize alone':26}{found['resize_ms']:11.2f}")
    print(f"\n{found['operations'] / 1e9:.2f} G operations a picture")
    for name, ratio in found["ratios"].items():
        print(f"{name:36}{ratio:8.2f}")
    for variant, result in found["agreement"].items():
        print(f"{variant:6} against FP32: {result}")
    for name, value in found.get("memory_mb", {}).items():
        print(f"largest resident memory, {name}: {value:.0f} MB")


def main() -> None:
    """Measure, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-memory", action="store_true", help="leave the two extra processes away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        with contextlib.chdir(scratch):  # anomalib's inferencer leaves a cache where it stands
            found = measure(options.rounds, Path(scratch))
        if not options.no_memory:
            found["memory_mb"] = {kind: memory_mb(kind, Path(scratch)) for kind in ("anomalib", "ours")}
    table(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
