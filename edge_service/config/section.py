"""The mould of every section of the configuration: frozen, no unknown keys, texts in two languages."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A group of keys in the YAML file; an unknown key is an error, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def about(en: str, zh: str) -> str:
    """Return the description of a key as editors show it: both languages, one a line."""
    return f"{en}\n{zh}"


def form(en: str, zh: str) -> dict[str, Any]:
    """Return schema extras that say in words what a pattern allows."""
    return {"x-allowed": {"en": en, "zh": zh}}


@dataclass(frozen=True, slots=True)
class Clash:
    """Values that are right alone and wrong together; ``at`` is the path below the section that saw it."""

    at: tuple[str | int, ...]
    reason: str


def clash(*clashes: Clash) -> PydanticCustomError:
    """Return what a validator raises for one or more clashes."""
    return PydanticCustomError(
        "clash", "{reasons}", {"reasons": "; ".join(each.reason for each in clashes), "clashes": clashes}
    )
