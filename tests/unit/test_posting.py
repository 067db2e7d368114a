"""The aftermath's step that keeps inspections for the server."""

from pathlib import Path

import pytest

from edge_service.config import EdgeConfig, parse
from edge_service.core.posting import Posting, outbox, product_of, results_wanted
from edge_service.domain.inspection import Verdict
from edge_service.outbox import DiskOutbox, Queue, Quota
from edge_service.station import Done
from tests.support.inspected import frame, inspected, raw


def config(folder: Path, more: str = "") -> EdgeConfig:
    """Return a configuration in ``folder``."""
    recipes = "recipes: [{number: 1, name: A, model: pcb}, {number: 2, name: B, model: 'a b'}]\n"
    text = "station: {id: line-1, data_dir: data}\ncamera: {kind: simulated}\n" + recipes + more
    return parse(text.encode(), "edge.yaml", folder)


def kept(folder: Path) -> int:
    """Return how many inspections lie in the outbox."""
    with Queue(folder) as queue:
        return queue.ledger.counts().inspections_waiting


async def test_nothing_is_kept_before_the_box_is_enrolled(tmp_path: Path) -> None:
    """From the enrolment on, without a restart, results are kept; ``always`` and ``never`` have their way."""
    tree = config(tmp_path)
    step = Posting(outbox(tree, str), str, lambda _code, _there: None)
    await step(Done(inspected(1)))
    assert not tree.outbox_dir.exists()
    tree.enrolment_file.parent.mkdir(parents=True)
    tree.enrolment_file.write_text("{}")
    await step(Done(inspected(2)))
    step.close()
    assert kept(tree.outbox_dir) == 1
    assert results_wanted(config(tmp_path, "outbox: {keep: always}"))()
    assert not results_wanted(config(tmp_path, "outbox: {keep: never}"))()


async def test_a_quota_nearly_used_up_is_warned_of(tmp_path: Path) -> None:
    """550 while it is, and no longer than that."""
    warned: list[tuple[int, bool]] = []
    box = DiskOutbox(tmp_path, str, quota=Quota(bytes=60_000, spare_bytes=0))
    step = Posting(box, str, lambda code, there: warned.append((code, there)))
    await step(Done(inspected(1)))
    for counter in range(2, 8):
        await step(Done(inspected(counter, Verdict.NG), frame(counter), raw()))
    step.close()
    assert warned[0] == (550, False)
    assert warned[-1] == (550, True)


@pytest.mark.parametrize(("recipe", "product"), [(1, "pcb"), (2, "recipe-2"), (9, "recipe-9")])
def test_a_product_is_called_as_the_server_can_call_it(tmp_path: Path, recipe: int, product: str) -> None:
    """By its model's name where that is a name; a sample must not be lost for a blank in it."""
    assert product_of(config(tmp_path), recipe) == product
