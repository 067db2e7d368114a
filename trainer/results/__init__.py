"""What the boxes found: every inspection once, whatever arrives in whatever order."""

from trainer.results.inspections import Filter, Inspections, StoredInspection

__all__ = ["Filter", "Inspections", "StoredInspection"]
