"""Heat maps for the contact sheet, by the edge's own engine and the very package that judged."""

from pathlib import Path
from types import TracebackType
from typing import Self

from edge_service.contract.model_package import load_bytes, read_package
from edge_service.contract.trust import TrustStore
from edge_service.inference.engine import OpenVinoEngine
from edge_service.inference.heatmap import draw_heat_map
from edge_service.simulation import render
from trainer.demo.contact_sheet import Cell
from trainer.demo.report import Sorted


class HeatMaps:
    """Draws parts of one product again, after the station has judged them."""

    def __init__(self, data_folder: Path, product: str) -> None:
        store = data_folder / "models" / product / "1"
        package = read_package(
            load_bytes(next(store.glob("*.okng"))), TrustStore(data_folder / "trust").load()
        )
        self._threshold = package.manifest.threshold.value
        graph = package.graph()
        self._engine = OpenVinoEngine.load(graph.xml, graph.weights, devices=("CPU",))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()

    def cell(self, part: Sorted) -> Cell:
        """Render the part once more (the same seed gives the same pixels) and lay its map over it."""
        pixels = render(part.product, seed=part.part_seed, defect=part.defect).pixels
        raw = self._engine.score(pixels)
        return Cell(part, pixels, draw_heat_map(pixels, raw.anomaly_map, self._threshold))
