"""The step of the aftermath that keeps each inspection for the training server."""

import secrets
from collections.abc import Callable

import structlog

from edge_service.config import EdgeConfig
from edge_service.contract.manifest import is_model_name
from edge_service.domain.codes import Code
from edge_service.domain.inspection import Frame, Inspection
from edge_service.enrolment import EnrolmentFile
from edge_service.errors import OkngError
from edge_service.inference.heatmap import draw_heat_map
from edge_service.outbox import DiskOutbox, ImagePolicy, Quota, Sample
from edge_service.station import Done

log = structlog.get_logger()

MEGABYTE = 1_000_000

FEWEST_SENT = 200  # more than the spool holds: what it recovers must be known to be sent already

Warn = Callable[[int, bool], None]
"""(warning code, whether its cause is there)."""


class Posting:
    """Puts inspections into the outbox, and has the station warn when room runs short.

    Warning 550 shows while quota or disk are nearly used up. What cannot be kept at all raises
    DiskFullError (501) or DiskFailedError, which the aftermath reports; the station judges on.
    """

    def __init__(self, outbox: DiskOutbox, product: Callable[[int], str], warn: Warn) -> None:
        self._outbox, self._product, self._warn = outbox, product, warn

    async def __call__(self, done: Done) -> None:
        """Keep the inspection. Raises DiskFullError, DiskFailedError."""
        try:
            await self._outbox.put(done.inspection, done.frame, done.raw)
        finally:
            self._warn(Code.DISK_NEARLY_FULL, self._outbox.nearly_full)

    def note(self, inspection: Inspection) -> None:
        """Write down at once that this inspection was answered, whatever else is still to be done."""
        self._outbox.note(inspection)

    async def recover(self) -> None:
        """Keep what the process before had answered and not kept any more."""
        try:
            await self._outbox.recover()
        except OkngError as error:
            log.warning("records_not_recovered", error=error.what, remedy=error.remedy)

    async def put_sample(self, station: str, recipe: int, frame: Frame) -> str:
        """Keep a photograph that belongs to no inspection; return its id. Raises DiskFullError."""
        sample_id = f"{station}-s-{secrets.token_hex(8)}"
        sample = Sample(
            sample_id, station, self._product(recipe), recipe, frame.captured_at, simulated=frame.simulated
        )
        await self._outbox.put_sample(sample, frame)
        return sample_id

    def close(self) -> None:
        """Finish what is being written."""
        self._outbox.close()


def product_of(config: EdgeConfig, recipe: int) -> str:
    """Return what a recipe makes, as the server's data sets are called: the name of its model."""
    table = config.recipe_table()
    named = recipe in table and is_model_name(table[recipe].model)
    return table[recipe].model if named else f"recipe-{recipe}"


def results_wanted(config: EdgeConfig) -> Callable[[], bool]:
    """Return a function (it looks at the disk) that tells whether results are kept for a server now."""
    fixed = {"always": True, "never": False}.get(config.outbox.keep)
    enrolled = EnrolmentFile(config.enrolment_file).exists
    return enrolled if fixed is None else lambda: bool(fixed)


def outbox(config: EdgeConfig, product: Callable[[int], str]) -> DiskOutbox:
    """Return the outbox as the configuration has it. ``product``: recipe number -> the product it makes."""
    section, images = config.outbox, config.outbox.images
    keep = max(section.keep_sent, FEWEST_SENT)
    return DiskOutbox(
        config.outbox_dir,
        product,
        policy=ImagePolicy(images.not_ok, images.spot_check_every, images.heat_maps),
        quota=Quota(section.quota_mb * MEGABYTE, section.spare_mb * MEGABYTE, keep),
        draw_heat_map=draw_heat_map,
        wanted=results_wanted(config),
    )
