"""The registers as every fieldbus server of this station shares them: one memory, one conversation."""

import time
from collections.abc import Mapping, Sequence

from edge_service.domain.signal import Block, SignalValue
from edge_service.domain.words import MASKS, decode, encode
from edge_service.handshake.inputs import PlcInputs
from edge_service.ports import Conversation

_LATELY_S = 10.0
_MASTERS = 64  # remembered at most; the one heard longest ago goes first


class Memory:
    """Holding registers 0-35 as last written, and the station's words, both in canonical order."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._command: tuple[int, ...] = (0,) * Block.COMMAND.words
        self._encoded_from: Mapping[str, SignalValue] | None = None
        self._station: tuple[int, ...] = ()
        self._heard: dict[str, float] = {}

    def words(self, block: Block) -> Sequence[int]:
        """Return one snapshot of a whole block."""
        if block is Block.COMMAND:
            return self._command
        outputs = self._conversation.outputs()
        if outputs is not self._encoded_from:
            self._station = encode(Block.STATION, outputs)
            self._encoded_from = outputs
        return self._station

    def write(
        self, changes: Mapping[int, int], writer: str, *, polled: bool = False, baseline: bool = False
    ) -> None:
        """Apply one write (canonical address -> word) whole; reserved bits and registers stay 0.

        ``polled`` and ``baseline`` are told to the conversation (client mode). Raises NotOwnerError, nothing
        applied, when another writer owns the registers.
        """
        words = list(self._command)
        for address, word in changes.items():
            words[address] = word & MASKS[Block.COMMAND][address]
        inputs = PlcInputs.of(decode(Block.COMMAND, words))
        self._conversation.update(inputs, writer, polled=polled, baseline=baseline)
        self._command = tuple(words)

    def write_signals(self, values: Mapping[str, SignalValue], writer: str) -> None:
        """Apply one write of some signals (``Command.TriggerSeq``); the others stay as they are.

        Raises NotOwnerError, nothing applied, when another writer owns the registers.
        """
        whole = decode(Block.COMMAND, self._command) | dict(values)
        self.write(dict(enumerate(encode(Block.COMMAND, whole))), writer)

    def link(self, name: str, *, there: bool) -> None:
        """Note that the link to that writer, which the station keeps, is there or lost."""
        self._conversation.link(name, there=there)

    def heard(self, writer: str) -> None:
        """Note that a request came from that writer."""
        if writer not in self._heard and len(self._heard) >= _MASTERS:
            del self._heard[min(self._heard, key=lambda known: self._heard[known])]
        self._heard[writer] = time.monotonic()
        self._conversation.heard(writer)

    def heard_lately(self) -> tuple[str, ...]:
        """Return which masters sent a request within the last ten seconds, in order of name."""
        since = time.monotonic() - _LATELY_S
        return tuple(sorted(writer for writer, at in self._heard.items() if at >= since))

    def owner(self) -> str | None:
        """Who owns the command block now."""
        return self._conversation.owner()
