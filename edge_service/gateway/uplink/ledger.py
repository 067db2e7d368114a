"""What became of the model that the server wants on a recipe: one small file, written whole.

It keeps a refused package from being tried again and again, and a model that somebody rolled back on the
box from being activated once more by itself.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from edge_service.contract.messages import ModelAssignment
from edge_service.durable import Disk, LocalDisk

FILE = "deliveries.json"


class Settled(BaseModel):
    """How one assignment ended. ``boot_id``: of the core that decided; the next looks at a refusal anew."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    assignment: ModelAssignment
    state: Literal["activated", "installed", "refused"]
    boot_id: int = 0
    code: int = 0
    reason: str = ""

    def stands(self, assignment: ModelAssignment, boot_id: int) -> bool:
        """Whether nothing is left to do for ``assignment``."""
        same = self.assignment.package_sha256 == assignment.package_sha256
        return same and (self.state != "refused" or self.boot_id == boot_id)


class _File(BaseModel):
    settled: dict[int, Settled] = {}


class Deliveries:
    """The last settled assignment of each recipe, in ``folder``."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._path, self._disk = folder / FILE, disk or LocalDisk()
        self._file: _File | None = None

    def of(self, recipe: int) -> Settled | None:
        """Return how the recipe's last assignment ended, None before the first."""
        return self._read().settled.get(recipe)

    def all(self) -> list[Settled]:
        """Return every recipe's last one."""
        return list(self._read().settled.values())

    def settle(self, settled: Settled) -> None:
        """Note it. Raises DiskFullError, ConfigurationError."""
        file = _File(settled={**self._read().settled, settled.assignment.recipe: settled})
        self._disk.write(self._path, file.model_dump_json().encode())
        self._file = file

    def _read(self) -> _File:
        """Return the file; a damaged one counts as empty: then a package is looked at once more."""
        if self._file is None:
            try:
                self._file = _File.model_validate_json(self._path.read_bytes())
            except (OSError, ValidationError):
                self._file = _File()
        return self._file
