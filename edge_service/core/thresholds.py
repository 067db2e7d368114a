"""Thresholds changed at run time, by recipe, with who changed them and why.

``DATA_DIR/thresholds.json`` holds the changes in force, ``thresholds.jsonl`` every change ever made. A change
survives restarts and reloads; it ends when it is reset, or when the configuration file gives the recipe
another threshold than it had at the time: the file was then edited by someone who knew better.

Thresholds are on the normalised scale: 0.5 is the model's own, larger passes more.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from edge_service.domain.inspection import Recipe
from edge_service.durable import Disk, LocalDisk
from edge_service.model_store.history import note_in, read_from

FILE = "thresholds.json"
HISTORY = "thresholds.jsonl"
LEAST, MOST = 0.0001, 6.5535  # what PARAM 1 of command 7 can say


class _Change(BaseModel):
    """A threshold in force instead of the configuration's, which was ``configured`` then."""

    share: float
    configured: float | None = None


class Thresholds:
    """The changes of one station, in its data folder. Methods that change block, and raise DiskFullError."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder, self._disk = folder, disk or LocalDisk()
        self._changes = self._read()

    def in_force(self, recipe: Recipe) -> float | None:
        """Return the recipe's threshold now: the change if there is one that holds, else the file's."""
        change = self._changes.get(recipe.number)
        return change.share if change and change.configured == recipe.threshold else recipe.threshold

    def changed(self, recipe: Recipe) -> bool:
        """Whether a change holds for the recipe."""
        change = self._changes.get(recipe.number)
        return change is not None and change.configured == recipe.threshold

    def set(self, recipe: Recipe, share: float, *, by: str, reason: str = "") -> None:
        """Put a threshold in force for ``recipe`` (as it stands in the configuration)."""
        before = self.in_force(recipe)
        self._write({**self._changes, recipe.number: _Change(share=share, configured=recipe.threshold)})
        facts = {"recipe": recipe.number, "before": before, "after": share, "by": by, "reason": reason}
        note_in(self._folder / HISTORY, "changed", **facts)

    def reset(self, recipe: Recipe, *, by: str, reason: str = "") -> None:
        """Go back to the configuration's threshold."""
        before = self.in_force(recipe)
        rest = {number: each for number, each in self._changes.items() if number != recipe.number}
        self._write(rest)
        facts = {"recipe": recipe.number, "before": before, "after": recipe.threshold}
        note_in(self._folder / HISTORY, "reset", **facts, by=by, reason=reason)

    def history(self, recipe: int = 0) -> list[Mapping[str, Any]]:
        """Return every change, oldest first; of one recipe, or of all (0)."""
        return [each for each in read_from(self._folder / HISTORY) if recipe in (0, each.get("recipe"))]

    def _read(self) -> dict[int, _Change]:
        try:
            document = json.loads((self._folder / FILE).read_bytes())
            return {int(number): _Change.model_validate(each) for number, each in document.items()}
        except (OSError, ValueError, AttributeError, ValidationError):
            return {}

    def _write(self, changes: dict[int, _Change]) -> None:
        document = {str(number): each.model_dump() for number, each in changes.items()}
        self._disk.write(self._folder / FILE, json.dumps(document).encode())
        self._changes = changes
