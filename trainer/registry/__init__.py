"""The models this server vouches for, and which box shall use which of them on which recipe."""

from trainer.registry.assignments import Assignment, Assignments
from trainer.registry.packages import Packages, StoredPackage

__all__ = ["Assignment", "Assignments", "Packages", "StoredPackage"]
