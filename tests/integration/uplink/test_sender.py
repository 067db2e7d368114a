"""What leaves the outbox, over real HTTP, to a server that is well or not well."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from edge_service.domain.inspection import Verdict
from edge_service.gateway.uplink.mailbox import Mailbox
from edge_service.gateway.uplink.sender import Sender
from edge_service.gateway.uplink.server import Server
from edge_service.gateway.uplink.trouble import AwayError, NonsenseError, TokenError
from edge_service.outbox import Counts, Purpose, Queue, encode
from edge_service.outbox.letters import inspection_letter, letters_of
from tests.support.fake_server import TOKEN, FakeServer, Mood
from tests.support.inspected import frame, inspected

pytestmark = pytest.mark.timeout(60)


class Post:
    """An outbox with some letters, and the way to a server."""

    def __init__(self, folder: Path, url: Callable[[], str]) -> None:
        self.folder, self._url = folder, url
        self.mailbox = Mailbox(folder)
        self.sender = Sender(self.mailbox)
        self.token = TOKEN

    def put(self, *counters: int, verdict: Verdict = Verdict.OK) -> None:
        """Put inspections, with a picture where the verdict is not OK."""
        with Queue(self.folder) as queue:
            for counter in counters:
                purpose = Purpose.SAMPLE if verdict is Verdict.SAMPLE else Purpose.NOT_OK
                pictures = () if verdict is Verdict.OK else (encode(frame(counter).pixels, purpose),)
                queue.put(letters_of(inspected(counter, verdict), pictures, "pcb"))

    async def send(self, timeout_s: float = 5.0) -> None:
        """Send until nothing more moves."""
        async with Server(self._url(), self.token, timeout_s) as server:
            while await self.sender.turn(server):
                pass

    async def counts(self) -> Counts:
        """Return what lies in the outbox."""
        return await self.mailbox.counts()


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    """A training server on loopback."""
    async with FakeServer() as running:
        yield running


@pytest.fixture
def post(tmp_path: Path, server: FakeServer) -> AsyncIterator[Post]:
    """An empty outbox."""
    made = Post(tmp_path / "outbox", lambda: server.url)
    yield made
    made.mailbox.close()


def ids(*counters: int) -> list[str]:
    """Return the global ids of these inspections."""
    return [inspected(counter).global_id for counter in counters]


async def test_everything_arrives_once_and_in_order(post: Post, server: FakeServer) -> None:
    """Records in the order of the station, over several batches; pictures and samples with them."""
    post.put(*range(1, 421))
    post.put(421, verdict=Verdict.NG)
    post.put(422, verdict=Verdict.SAMPLE)
    await post.send()
    assert server.order == ids(*range(1, 423))
    assert len(server.images) == 2
    assert [sample.product for sample in server.samples.values()] == ["pcb"]
    counts = await post.counts()
    assert (counts.inspections_waiting, counts.samples_waiting, counts.pictures_waiting) == (0, 0, 0)
    assert not server.twice
    assert not list((post.folder / "pictures").iterdir())


async def test_what_was_sent_but_not_marked_is_sent_again_as_the_same(post: Post, server: FakeServer) -> None:
    """A kill between the server's answer and the mark: a duplicate there, nothing lost, nothing doubled."""
    post.put(1, 2, verdict=Verdict.NG)
    with Queue(post.folder) as queue:
        letters = [letter.body for letter in queue.waiting(inspection_letter(inspected(1)).kind, 10)]
    async with Server(server.url, TOKEN) as one:
        await one.inspections(letters)
    await post.send()
    assert server.order == ids(1, 2)
    assert server.twice.total() == 2
    assert len(server.images) == 2


async def test_a_clock_that_jumps_changes_nothing(post: Post, server: FakeServer) -> None:
    """Set back by years and forward again between two parts: the order is that of the station."""
    for counter, now in enumerate((1.7e9, 0.0, 4e9, 1.7e9), 1):
        with Queue(post.folder, clock=lambda now=now: now) as queue:  # type: ignore[misc]
            queue.put(letters_of(inspected(counter), (), "pcb"))
    await post.send()
    assert server.order == ids(1, 2, 3, 4)


async def test_one_record_that_is_refused_holds_up_nobody(post: Post, server: FakeServer) -> None:
    """It is set aside with the server's reason, the others arrive; once mended it can be sent again."""
    server.refuse = lambda record: "this counter is not liked" if record["counter"] == 2 else ""
    post.put(1, 2, 3)
    await post.send()
    assert server.order == ids(1, 3)
    with Queue(post.folder) as queue:
        (aside,) = queue.ledger.set_aside()
        assert (aside.id, aside.reason) == (ids(2)[0], "refused: this counter is not liked")
        server.refuse = lambda _: ""
        assert queue.ledger.retry_set_aside() == 1
    await post.send()
    assert server.order == ids(1, 3, 2)


async def test_a_batch_that_is_refused_whole_is_narrowed_down(post: Post, server: FakeServer) -> None:
    """A record that spoils its batch (unreadable there) is found and set aside alone."""
    post.put(1, 2, 3, 4)
    with Queue(post.folder) as queue:
        spoil = "UPDATE letters SET body = replace(body, ?, ?) WHERE sequence = 3"
        queue.database.execute(spoil, ('"verdict":"OK"', '"verdict":"MAYBE"'))
    await post.send()
    assert server.order == ids(1, 2, 4)
    assert (await post.counts()).set_aside == 1


async def test_a_picture_that_is_gone_or_refused_is_told_of(post: Post, server: FakeServer) -> None:
    """A file that vanished is reported to the server as lost; one that it refuses is set aside."""
    post.put(1, verdict=Verdict.NG)
    (file,) = (post.folder / "pictures").iterdir()
    file.write_bytes(b"other bytes")
    await post.send()
    assert list(server.losses.values()) == ["unreadable"]
    server.refuse_image = True
    post.put(2, verdict=Verdict.NG)
    await post.send()
    assert (await post.counts()).set_aside == 1
    assert server.order == ids(1, 2)


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        (Mood.SILENT, AwayError),
        (Mood.DRIPPING, AwayError),
        (Mood.FULL, AwayError),
        (Mood.NONSENSE, NonsenseError),
        (Mood.HUGE, NonsenseError),
        (Mood.BOMB, NonsenseError),
        (Mood.OTHER_RECEIPTS, NonsenseError),
        (Mood.REVOKED, TokenError),
    ],
)
async def test_a_server_that_is_not_well_costs_nothing(
    post: Post, server: FakeServer, mood: Mood, error: type[Exception]
) -> None:
    """Each way to be unwell has its name; nothing is marked, and all of it arrives when it is well again."""
    post.put(1)
    post.put(2, verdict=Verdict.NG)
    server.mood = mood
    with pytest.raises(error) as raised:
        await post.send(timeout_s=0.3)
    assert raised.value.remedy  # type: ignore[attr-defined]
    counts = await post.counts()
    assert (counts.inspections_waiting, counts.set_aside) == (2, 0)
    server.mood = Mood.FINE
    await post.send()
    assert server.order == ids(1, 2)
    assert (await post.counts()).inspections_waiting == 0


async def test_an_absent_server_and_a_wrong_token(post: Post, server: FakeServer) -> None:
    """Nobody listens: away. Somebody listens but does not know this box: not let in."""
    post.put(1)
    post.token = "another token altogether"
    with pytest.raises(TokenError, match="not known"):
        await post.send()
    async with Server("http://127.0.0.1:9", TOKEN, 1.0) as nobody:
        with pytest.raises(AwayError, match="cannot be reached"):
            await post.sender.turn(nobody)
    assert (await post.counts()).inspections_waiting == 1
    del server


async def test_an_address_that_the_server_does_not_know_sets_nothing_aside(
    post: Post, server: FakeServer
) -> None:
    """An older server, or a wrong path: nonsense, not the refusal of every single record."""
    post.put(1)
    async with Server(f"{server.url}/elsewhere", TOKEN) as wrong:
        with pytest.raises(NonsenseError):
            await post.sender.turn(wrong)
    assert (await post.counts()).set_aside == 0


async def test_an_outbox_that_was_moved_aside_is_opened_anew(post: Post, server: FakeServer) -> None:
    """The core made a new database beside a damaged one: the gateway follows."""
    post.put(1)
    await post.send()
    (post.folder / "outbox.db").rename(post.folder / "outbox.db.damaged-1")
    for companion in ("outbox.db-wal", "outbox.db-shm"):
        (post.folder / companion).unlink(missing_ok=True)
    post.put(2)
    await post.send()
    assert server.order == ids(1, 2)
