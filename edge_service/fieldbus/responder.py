"""One Modbus request in, one reply out: the functions, checks and exceptions of the application protocol.

After "MODBUS Application Protocol Specification V1.1b3" (modbus.org), clause 6. Functions 1-6, 15, 16, 22,
23 and 43/14. Exceptions: 01 a function that is not there, or a write while another master owns the
registers; 02 an address outside a block, or a write to what is read-only; 03 a bad count, length or FC5
value. The checks stand in that order and nothing is applied when one fails.
"""

import struct
from collections.abc import Callable, Sequence

from edge_service.domain.signal import Block
from edge_service.errors import NotOwnerError
from edge_service.fieldbus.device_identification import DeviceIdentification
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.registers import MIRROR, Wire

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
GATEWAY_TARGET_FAILED = 0x0B

_BITS = 32  # coils and discrete inputs: the first two words of a block
_READ_BITS_LIMIT, _WRITE_BITS_LIMIT = 2000, 1968
_READ_LIMIT, _WRITE_LIMIT, _READ_WRITE_LIMIT = 125, 123, 121
_COIL_VALUES = {0x0000: False, 0xFF00: True}


class ModbusExceptionError(Exception):
    """The request is refused with that exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code:02X}")
        self.code = code


def exception_reply(function: int, code: int) -> bytes:
    """Return the PDU of an exception."""
    return bytes((function | 0x80, code))


class Responder:
    """Answers requests out of the shared memory, in one order of words and bytes."""

    def __init__(self, memory: Memory, wire: Wire, identification: DeviceIdentification) -> None:
        self._memory = memory
        self._wire = wire
        self._identification = identification
        self._on_wire: dict[Block, tuple[Sequence[int], tuple[int, ...]]] = {}
        self._functions: dict[int, Callable[[bytes, str], bytes]] = {
            1: lambda data, _: self._read_bits(data, Block.COMMAND),
            2: lambda data, _: self._read_bits(data, Block.STATION),
            3: lambda data, _: self._read_words(data, self._holding),
            4: lambda data, _: self._read_words(data, self._input),
            5: self._write_coil,
            6: self._write_word,
            15: self._write_coils,
            16: self._write_words,
            22: self._mask_write,
            23: self._read_write,
            43: lambda data, _: self._identify(data),
        }

    def answer(self, request: bytes, writer: str) -> bytes:
        """Return the reply's PDU (function and data) to a request's PDU of 1 to 253 bytes."""
        function = request[0]
        handle = self._functions.get(function)
        self._memory.heard(writer)
        if handle is None:
            return exception_reply(function, ILLEGAL_FUNCTION)
        try:
            return bytes((function,)) + handle(request[1:], writer)
        except ModbusExceptionError as refused:
            return exception_reply(function, refused.code)
        except NotOwnerError:
            return exception_reply(function, ILLEGAL_FUNCTION)

    def _read_bits(self, data: bytes, block: Block) -> bytes:
        address, count = _fields(">HH", data)
        _require(1 <= count <= _READ_BITS_LIMIT, ILLEGAL_VALUE)
        _require(address + count <= _BITS, ILLEGAL_ADDRESS)
        low, high = self._memory.words(block)[:2]
        bits = (high << 16 | low) >> address & (1 << count) - 1
        size = (count + 7) // 8
        return bytes((size,)) + bits.to_bytes(size, "little")

    def _read_words(self, data: bytes, read: Callable[[int, int], tuple[int, ...]]) -> bytes:
        address, count = _fields(">HH", data)
        _require(1 <= count <= _READ_LIMIT, ILLEGAL_VALUE)
        return struct.pack(f">B{count}H", 2 * count, *read(address, count))

    def _holding(self, address: int, count: int) -> tuple[int, ...]:
        if address >= MIRROR:
            return self._input(address - MIRROR, count)
        return self._block(Block.COMMAND, address, count)

    def _input(self, address: int, count: int) -> tuple[int, ...]:
        return self._block(Block.STATION, address, count)

    def _block(self, block: Block, address: int, count: int) -> tuple[int, ...]:
        _require(address + count <= block.words, ILLEGAL_ADDRESS)
        words = self._memory.words(block)
        seen, on_wire = self._on_wire.get(block, (None, ()))
        if words is not seen:
            on_wire = self._wire.to_wire(block, words)
            self._on_wire[block] = (words, on_wire)
        return on_wire[address : address + count]

    def _write_coil(self, data: bytes, writer: str) -> bytes:
        address, value = _fields(">HH", data)
        _require(value in _COIL_VALUES, ILLEGAL_VALUE)
        self._set_coils(address, [_COIL_VALUES[value]], writer)
        return data

    def _write_coils(self, data: bytes, writer: str) -> bytes:
        address, count, octets = _counted(data)
        _require(1 <= count <= _WRITE_BITS_LIMIT and len(octets) == (count + 7) // 8, ILLEGAL_VALUE)
        bits = int.from_bytes(octets, "little")
        self._set_coils(address, [bool(bits >> index & 1) for index in range(count)], writer)
        return data[:4]

    def _set_coils(self, address: int, states: list[bool], writer: str) -> None:
        _require(address + len(states) <= _BITS, ILLEGAL_ADDRESS)
        words = list(self._memory.words(Block.COMMAND)[:2])
        for index, state in enumerate(states, address):
            mask = 1 << index % 16
            words[index // 16] = words[index // 16] | mask if state else words[index // 16] & ~mask
        self._memory.write(dict(enumerate(words)), writer)

    def _write_word(self, data: bytes, writer: str) -> bytes:
        address, value = _fields(">HH", data)
        self._write(address, (value,), writer)
        return data

    def _write_words(self, data: bytes, writer: str) -> bytes:
        address, count, octets = _counted(data)
        _require(1 <= count <= _WRITE_LIMIT and len(octets) == 2 * count, ILLEGAL_VALUE)
        self._write(address, struct.unpack(f">{count}H", octets), writer)
        return data[:4]

    def _mask_write(self, data: bytes, writer: str) -> bytes:
        address, keep, add = _fields(">HHH", data)
        _require(address < Block.COMMAND.words, ILLEGAL_ADDRESS)
        (word,) = self._holding(address, 1)
        self._write(address, (word & keep | add & ~keep & 0xFFFF,), writer)
        return data

    def _read_write(self, data: bytes, writer: str) -> bytes:
        _require(len(data) > 8, ILLEGAL_VALUE)  # noqa: PLR2004  # two addresses, two counts, a byte count
        read_address, read_count = struct.unpack(">HH", data[:4])
        address, count, octets = _counted(data[4:])
        _require(1 <= read_count <= _READ_LIMIT, ILLEGAL_VALUE)
        _require(1 <= count <= _READ_WRITE_LIMIT and len(octets) == 2 * count, ILLEGAL_VALUE)
        self._holding(read_address, read_count)  # refuse a bad read before anything is written
        self._write(address, struct.unpack(f">{count}H", octets), writer)
        words = self._holding(read_address, read_count)
        return struct.pack(f">B{read_count}H", 2 * read_count, *words)

    def _write(self, address: int, words: tuple[int, ...], writer: str) -> None:
        _require(address + len(words) <= Block.COMMAND.words, ILLEGAL_ADDRESS)
        changes = (self._wire.from_wire(Block.COMMAND, at, word) for at, word in enumerate(words, address))
        self._memory.write(dict(changes), writer)

    def _identify(self, data: bytes) -> bytes:
        _require(data[:1] == bytes((DeviceIdentification.MEI,)), ILLEGAL_FUNCTION)
        code, first = _fields(">BB", data[1:])
        _require(DeviceIdentification.known_code(code), ILLEGAL_VALUE)
        reply = self._identification.answer(code, first)
        if reply is None:
            raise ModbusExceptionError(ILLEGAL_ADDRESS)
        return reply


def _require(holds: bool, code: int) -> None:  # noqa: FBT001  # reads as a sentence: _require(what, else which)
    if not holds:
        raise ModbusExceptionError(code)


def _fields(layout: str, data: bytes) -> tuple[int, ...]:
    _require(len(data) == struct.calcsize(layout), ILLEGAL_VALUE)
    return struct.unpack(layout, data)


def _counted(data: bytes) -> tuple[int, int, bytes]:
    _require(len(data) > 5, ILLEGAL_VALUE)  # noqa: PLR2004  # address, count, byte count
    address, count, size = struct.unpack(">HHB", data[:5])
    _require(len(data) == 5 + size, ILLEGAL_VALUE)
    return address, count, data[5:]
