"""What ``okng-edge doctor`` says of the training server."""

import asyncio
from collections.abc import Iterator

from edge_service.config import EdgeConfig
from edge_service.enrolment import Enrolment, EnrolmentFile
from edge_service.errors import LinkError


def server_faults(config: EdgeConfig) -> Iterator[tuple[str, LinkError | None]]:
    """Yield the server's address and why it cannot be used; nothing where this box has no server.

    Raises ConfigurationError when the enrolment cannot be read.
    """
    enrolment = EnrolmentFile(config.enrolment_file).read()
    if enrolment is None or not config.uplink.enabled:
        return
    try:
        asyncio.run(_ask(config, enrolment))
    except LinkError as error:
        yield enrolment.url, error
    else:
        yield enrolment.url, None


async def _ask(config: EdgeConfig, enrolment: Enrolment) -> None:
    from edge_service.gateway.uplink.server import Server

    section = config.uplink
    ca_file = config.resolve(section.ca_file) if section.ca_file else None
    async with Server(enrolment.url, enrolment.token, section.timeout_s, ca_file) as server:
        await server.models("")
