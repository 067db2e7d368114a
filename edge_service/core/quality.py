"""What an engineer may ask of a running station: thresholds with a look ahead, the golden test."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_service.config import EdgeConfig
from edge_service.core.desk import word
from edge_service.core.golden import GoldenTest
from edge_service.core.golden_record import GoldenRecord, Schedule
from edge_service.core.line_desk import Handler
from edge_service.core.outfitter import StoreOutfitter
from edge_service.core.score_book import last_scores, what_would_change
from edge_service.core.thresholds import LEAST, MOST
from edge_service.domain.codes import Code, refusal
from edge_service.errors import OkngError, RefusedError
from edge_service.handshake.command import DONE, CommandCode
from edge_service.link import Role
from edge_service.station import Station

_LAST = 500
_MOST_LISTED = 50  # parts of each sort; a message over the link stays small


def golden_test(config: EdgeConfig, outfitter: StoreOutfitter) -> GoldenTest:
    """Return the golden test as the configuration has it."""
    section = config.golden
    schedule = Schedule(
        at=section.at,
        every_s=(section.every_h or 0.0) * 3600.0,
        started_at=time.time() if section.at_start else 0.0,
        grace_s=section.grace_min * 60.0,
    )
    record = GoldenRecord(config.data_dir, schedule)
    return GoldenTest(record, outfitter, by_itself=section.source == "images")


def quality_services(
    station: Station, outfitter: StoreOutfitter, golden: GoldenTest, data_dir: Path
) -> dict[str, tuple[Role, Handler]]:
    """Return the table of services, for the desk."""

    async def preview_threshold(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Tell what ``share`` would have made of the last parts of ``recipe``."""
        recipe, share = word(arguments, "recipe"), _share(arguments)
        count = word(arguments, "last") if "last" in arguments else _LAST
        past = await asyncio.to_thread(last_scores, data_dir, recipe, count)
        found = what_would_change(past, share).plain()
        return {key: each[:_MOST_LISTED] if isinstance(each, list) else each for key, each in found.items()}

    async def set_threshold(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Put ``share`` in force for ``recipe``, or the configuration's (no share); who and why is kept."""
        recipe = word(arguments, "recipe")
        share = _share(arguments) if arguments.get("share") is not None else None
        by, reason = str(arguments.get("by", "link"))[:80], str(arguments.get("reason", ""))[:500]
        before = outfitter.in_force(recipe)
        await outfitter.change_threshold(recipe, share, by=by, reason=reason)
        try:
            await _equip_again(station, recipe)
        except OkngError:
            await outfitter.change_threshold(recipe, before, by=by, reason="not taken: undone")
            raise
        return {"before": before, "after": outfitter.in_force(recipe)}

    async def threshold_history(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Tell every change of ``recipe`` (0: of all)."""
        history = await asyncio.to_thread(outfitter.thresholds.history, word(arguments, "recipe"))
        return {"history": history[-_LAST:]}

    async def golden_state(_: Mapping[str, Any]) -> dict[str, Any]:
        """Tell when the golden test was passed, whether it is due, and why no part may come."""
        return golden.state()

    async def override_golden(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Let parts come although the golden test stands failed."""
        reason = str(arguments.get("reason", "")).strip()
        if not reason:
            raise refusal(Code.COMMAND_PARAMETER)
        golden.override(str(arguments.get("by", "link"))[:80], reason[:500])
        return golden.state()

    return {
        "preview_threshold": (Role.OBSERVER, preview_threshold),
        "set_threshold": (Role.ENGINEER, set_threshold),
        "threshold_history": (Role.OBSERVER, threshold_history),
        "golden_state": (Role.OBSERVER, golden_state),
        "override_golden": (Role.ENGINEER, override_golden),
    }


async def _equip_again(station: Station, recipe: int) -> None:
    """Have the station judge by the threshold in force, where it judges this recipe."""
    if station.equipment is None or station.equipment.recipe.number != recipe:
        return
    code = await station.command(CommandCode.SELECT_RECIPE, (recipe, 0, 0, 0))
    if code != DONE:
        raise RefusedError(code, refusal(code).what)


def _share(arguments: Mapping[str, Any]) -> float:
    share = arguments.get("share")
    if not isinstance(share, (int, float)) or isinstance(share, bool) or not LEAST <= share <= MOST:
        raise refusal(Code.COMMAND_PARAMETER)
    return float(share)
