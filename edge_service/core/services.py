"""What the core does for the gateway and the command line beside the interface's own commands."""

import time
from collections.abc import Mapping
from typing import Any

from edge_service.config import EdgeConfig
from edge_service.core.delivery import Delivery
from edge_service.core.desk import word
from edge_service.core.line_desk import Handler
from edge_service.core.posting import Posting
from edge_service.domain.codes import Code, refusal
from edge_service.link import Role
from edge_service.station import Station

_NOTHING_TO_JUDGE_WITH = (Code.NO_MODEL, Code.NO_RECIPE)


def services(
    station: Station, delivery: Delivery, posting: Posting, config: EdgeConfig
) -> dict[str, tuple[Role, Handler]]:
    """Return the table of services, for the desk."""

    async def server_away(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Warn (651) while the gateway cannot reach the training server, or is not let in."""
        station.warn(Code.SERVER_AWAY, there=bool(arguments.get("away")))
        return {}

    async def take_model(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Verify, test and put to work a package that the gateway has staged."""
        return await delivery.take(
            str(arguments.get("sha256", "")),
            word(arguments, "recipe"),
            activate=bool(arguments.get("activate")),
        )

    async def photograph(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Take a good sample for the server while there is no model yet, so that no part can come."""
        obstacle = station.machine.obstacle(from_plc=False)
        if obstacle not in _NOTHING_TO_JUDGE_WITH:
            raise refusal(obstacle or Code.COMMAND_STATE)
        timeout_s = station.machine.settings.exposure_timeout_s
        frame = await station.camera.grab(time.monotonic(), timeout_s)
        recipe = word(arguments, "recipe") or config.first_recipe
        return {"sample_id": await posting.put_sample(config.station.id, recipe, frame)}

    return {
        "server_away": (Role.ENGINEER, server_away),
        "take_model": (Role.ENGINEER, take_model),
        "photograph": (Role.OPERATOR, photograph),
    }
