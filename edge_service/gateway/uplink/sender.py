"""Sends what waits in the outbox: results in their order, samples, pictures, and lost pictures' names.

Theory of operation. ``turn`` sends one batch of each and marks it after the server's answer, so a kill in
between sends it once more, and the server knows its id. Results leave in the order in which the station
put them. What the server refuses for good is set aside with its reason, and the next one goes on. Any other
trouble (away, nonsense, not let in) comes out as an exception, with nothing marked; whoever turns waits and
turns again.
"""

import hashlib
from collections.abc import Sequence

import structlog

from edge_service.contract.messages import ImageLoss, Receipt, ReceiptState
from edge_service.contract.routes import MAX_BATCH, MAX_JSON_BYTES
from edge_service.gateway.uplink.mailbox import Mailbox
from edge_service.gateway.uplink.server import Server
from edge_service.gateway.uplink.trouble import RefusalError, nonsense
from edge_service.outbox import Kind, Letter, Picture, Queue, State

log = structlog.get_logger()

BATCH_BYTES = MAX_JSON_BYTES // 2
AT_ONCE = 20  # samples or pictures in one turn, so that results are never far behind

_TOLD = 500  # characters of a reason


class Sender:
    """Empties ``mailbox`` into a server. ``sent`` counts what the server has answered for, in this run."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self.records_sent = self.samples_sent = self.images_sent = 0

    async def turn(self, server: Server) -> bool:
        """Send one batch of each sort; return whether anything moved, so that another turn is due at once."""
        moved = [
            await self._records(server),
            await self._samples(server),
            await self._pictures(server),
            await self._losses(server),
        ]
        return any(moved)

    async def _records(self, server: Server) -> bool:
        letters = await self._mailbox.do(lambda queue: queue.waiting(Kind.INSPECTION, MAX_BATCH))
        return await self._send_records(server, _that_fit(letters))

    async def _send_records(self, server: Server, letters: Sequence[Letter]) -> bool:
        if not letters:
            return False
        try:
            receipts = await server.inspections([letter.body for letter in letters])
        except RefusalError as error:
            if len(letters) == 1:
                return await self._set_aside(letters[0], error.what)
            half = len(letters) // 2  # one of them spoils the batch: narrow it down, in order
            await self._send_records(server, letters[:half])
            return await self._send_records(server, letters[half:])
        if wrong := [r.id for r, letter in zip(receipts, letters, strict=True) if r.id != letter.id]:
            raise nonsense(f"receipts for other records: {wrong[0][:100]}")
        await self._answered(list(zip(letters, receipts, strict=True)))
        self.records_sent += len(letters)
        return True

    async def _samples(self, server: Server) -> bool:
        letters = await self._mailbox.do(lambda queue: queue.waiting(Kind.SAMPLE, AT_ONCE))
        for letter in letters:
            try:
                receipt = await server.sample(letter.id, letter.body)
            except RefusalError as error:
                await self._set_aside(letter, error.what)
                continue
            if receipt.id != letter.id:
                raise nonsense(f"a receipt for another sample: {receipt.id[:100]}")
            await self._answered([(letter, receipt)])
            self.samples_sent += 1
        return bool(letters)

    async def _answered(self, answers: Sequence[tuple[Letter, Receipt]]) -> None:
        has = (ReceiptState.STORED, ReceiptState.DUPLICATE)
        there = [
            (letter.sequence, receipt.missing_images) for letter, receipt in answers if receipt.state in has
        ]
        await self._mailbox.do(lambda queue: queue.all_sent(there))
        for letter, receipt in answers:
            if receipt.state not in has:  # something else is there under this id, or it cannot be read
                await self._set_aside(letter, f"{receipt.state}: {receipt.reason}")

    async def _set_aside(self, letter: Letter, reason: str) -> bool:
        log.error("letter_refused", letter=letter.id, reason=reason[:_TOLD])
        await self._mailbox.do(lambda queue: queue.refused(letter.sequence, reason[:_TOLD]))
        return True

    async def _pictures(self, server: Server) -> bool:
        pictures = await self._mailbox.do(lambda queue: queue.waiting_pictures(AT_ONCE))
        ends: list[tuple[int, State, str]] = []
        try:
            for picture in pictures:
                state, reason = await self._send_picture(server, picture)
                ends.append((picture.number, state, reason))
        finally:
            if ends:
                await self._mailbox.do(lambda queue: queue.pictures_ended(ends))
        return bool(pictures)

    async def _send_picture(self, server: Server, picture: Picture) -> tuple[State, str]:
        """Return what became of it, and why."""
        data = await self._mailbox.do(lambda queue: _content(queue, picture))
        if data is None:
            log.warning("picture_unreadable", letter=picture.id, file=picture.file)
            return State.DROPPED, "unreadable"
        try:
            await server.image(picture.sha256, data, picture.media_type)
        except RefusalError as error:
            log.warning("picture_refused", letter=picture.id, reason=error.what[:_TOLD])
            return State.REFUSED, error.what[:_TOLD]
        self.images_sent += 1
        return State.SENT, ""

    async def _losses(self, server: Server) -> bool:
        losses = await self._mailbox.do(lambda queue: queue.untold_losses(MAX_BATCH))
        if not losses:
            return False
        told = [ImageLoss(sha256=sha256, reason=reason or "dropped") for _, sha256, reason in losses]
        try:
            await server.losses(told)
        except RefusalError as error:
            log.warning("losses_refused", losses=len(told), reason=error.what[:_TOLD])
        await self._mailbox.do(lambda queue: queue.losses_told([number for number, _, _ in losses]))
        return True


def _that_fit(letters: Sequence[Letter]) -> list[Letter]:
    """Return the first letters whose bodies fit into one message; at least one."""
    fit: list[Letter] = []
    size = 0
    for letter in letters:
        size += len(letter.body.encode()) + 1
        if fit and size > BATCH_BYTES:
            break
        fit.append(letter)
    return fit


def _content(queue: Queue, picture: Picture) -> bytes | None:
    """Return the picture's bytes; None when the file is gone or is not what it was."""
    try:
        data = queue.pictures.read(picture.file)
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == picture.sha256 else None
