"""A folder with everything a small real station needs: configuration, key, model, pictures of parts."""

from pathlib import Path
from typing import Any

import cv2
import yaml

from edge_service.contract.keys import SigningKey, new_signing_key
from edge_service.contract.model_package import build_package
from edge_service.contract.trust import TrustStore
from edge_service.model_store.store import ModelStore
from tests.support.tiny_model import THRESHOLD, defective_picture, good_picture, tiny_package


class StationFolder:
    """``edge.yaml`` in ``path``; two parts in ``parts/``: a good one, then a defective one."""

    def __init__(self, path: Path, *, model: bool = True) -> None:
        self.path, self.config = path, path / "edge.yaml"
        self.key: SigningKey = new_signing_key()
        self.tree: dict[str, Any] = {
            "station": {"id": "line-1", "data_dir": "data"},
            "camera": {"kind": "folder", "path": "parts"},
            "recipes": [{"number": 1, "name": "PCB", "model": "pcb"}],
            "inference": {"devices": ["CPU"], "threads": 1, "cache": False},
            "modbus": {"tcp": {"host": "127.0.0.1", "port": 0}},
            "gateway": {"http": {"port": 0}, "opcua": {"enabled": False}},
        }
        (path / "parts").mkdir()
        cv2.imwrite(str(path / "parts" / "1-good.png"), good_picture())
        cv2.imwrite(str(path / "parts" / "2-defective.png"), defective_picture())
        TrustStore(path / "data" / "trust").add(self.key.public)
        if model:
            self.install("1", activate=True)
        self.write()

    def write(self) -> None:
        """Write the configuration as the tree says."""
        self.config.write_text(yaml.safe_dump(self.tree))

    def install(self, version: str, *, activate: bool = False, threshold: float = THRESHOLD) -> None:
        """Install a version of the model."""
        manifest, contents = tiny_package("pcb", version, threshold=threshold)
        dated = manifest.model_copy(
            update={"created_at": manifest.created_at.replace(hour=min(23, int(float(version))))}
        )
        store = ModelStore(self.path / "data" / "models", TrustStore(self.path / "data" / "trust").load)
        store.install(build_package(dated, contents, self.key))
        if activate:
            store.activate("pcb", version, lambda _: None)
