"""The quantised twin of a graph: NNCF's post-training quantisation, calibrated on good pictures.

Good photographs and variations of them show every activation the range it has on the line. Convolutions
become INT8; what follows the last one (distances, place statistics, score) stays as it is. So do a memory
bank's matrix product and the convolutions that make its descriptions: a distance is the small difference of
large numbers. NNCF's correction of biases is off: it made maps less like FP32's.

There are three ways, the fast ones first (``RUNGS``), for which one is close depends on the product:

- ``whole_range``: an activation goes from the smallest to the largest value of all good pictures;
- ``usual_range``: the mean of the pictures' own ranges, NNCF's default. Finer steps, but the strongest
  answers of some good pictures and of defects are cut off: scores of some products move by a third of
  the threshold;
- ``exact_teacher``: the whole range, and the student alone. What remains of the others' error is scatter,
  nearly all of it the teacher's.
"""

import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Literal, get_args

import openvino as ov

from edge_service.inference.graph import openvino_core
from edge_service.language import say
from trainer.domain import Picture
from trainer.errors import ExportError
from trainer.export.early_rounding import round_early
from trainer.export.openvino_ir import IntermediateRepresentation
from trainer.quiet import importing_quietly

Rung = Literal["whole_range", "usual_range", "exact_teacher"]
RUNGS: tuple[Rung, ...] = get_args(Rung)


def to_int8(
    exported: IntermediateRepresentation, pictures: Picture, rung: Rung = "whole_range"
) -> IntermediateRepresentation:
    """Quantise by what the graph computes from good ``pictures``, uint8 (n, H, W, 3). Raises ExportError."""
    with importing_quietly(), _quiet():
        import nncf  # noqa: PLC0415 - seconds of import that only this function needs
        from nncf.quantization.range_estimator import (  # noqa: PLC0415 - likewise
            RangeEstimatorParameters,
            RangeEstimatorParametersSet,
        )
    try:
        with _quiet():
            model = openvino_core().read_model(model=exported.xml, weights=exported.weights)
            whole = RangeEstimatorParametersSet.MINMAX
            ranges = RangeEstimatorParameters() if rung == "usual_range" else whole
            exact = measuring(model) + (teaching(model) if rung == "exact_teacher" else [])
            data = nncf.Dataset([picture[None] for picture in pictures], lambda image: {"image": image})
            quantised = nncf.quantize(
                model,
                data,
                subset_size=len(pictures),
                preset=nncf.QuantizationPreset.PERFORMANCE,
                ignored_scope=nncf.IgnoredScope(names=exact, validate=False),
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    activations_range_estimator_params=ranges,
                    disable_bias_correction=True,
                ),
            )
            round_early(quantised)
        with tempfile.TemporaryDirectory(prefix="okng-int8-") as folder:
            path = Path(folder) / "model.xml"
            ov.save_model(quantised, path, compress_to_fp16=True)
            return IntermediateRepresentation(path.read_bytes(), path.with_suffix(".bin").read_bytes())
    except (RuntimeError, nncf.ValidationError) as error:
        raise ExportError(
            say(f"NNCF cannot quantise the network: {error}", f"NNCF 无法量化该网络：{error}"),
            remedy=say("Train with --no-int8.", "请使用 --no-int8 训练。"),
        ) from error


def measuring(model: ov.Model) -> list[str]:
    """Return the names of the matrix products of ``model`` and of the convolutions that feed them alone."""
    names = []
    waiting = [node for node in model.get_ordered_ops() if node.get_type_name() == "MatMul"]
    while waiting:
        node = waiting.pop()
        if node.get_type_name() in {"MatMul", "Convolution"}:
            names.append(node.get_friendly_name())
        if node.get_type_name() != "Convolution":
            waiting += [value.get_node() for value in node.input_values()]
    return names


def teaching(model: ov.Model) -> list[str]:
    """Return the names of the teacher's convolutions: a norm that has the teacher's name follows each."""
    return [
        before.get_friendly_name()
        for node in model.get_ordered_ops()
        if "teacher" in node.get_friendly_name()
        for before in (value.get_node() for value in node.input_values())
        if before.get_type_name() == "Convolution"
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep NNCF's progress bars and advice to itself."""
    logger = logging.getLogger("nncf")
    level, disabled = logger.level, logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # stdout is for answers, JSON too
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        logging.disable(disabled)
