"""RTU frames on a shared line: ours are found, everybody else's skipped, whatever noise lies between."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_service.fieldbus.rtu_frames import RtuReader, crc, framed
from tests.support.modbus_raw import read, write

OURS = framed(b"\x01" + read(0, 16, 4))
WRITES = framed(b"\x01" + write(0, 0x25, 0, 1, 0, 0))
OTHERS = [
    ("02 03 0000 0010", "02 03 20" + "1234" * 16),
    ("02 04 0000 0001", "02 04 02 0103"),
    ("03 01 0000 0025", "03 01 05 cd6bb20e1b"),
    ("03 02 0000 0008", "03 02 01 ff"),
    ("02 05 0000 ff00", "02 05 0000 ff00"),
    ("02 06 0001 0003", "02 06 0001 0003"),
    ("02 0f 0013 000a 02 cd01", "02 0f 0013 000a"),
    ("02 10 0001 0002 04 000a0102", "02 10 0001 0002"),
    ("02 16 0004 00f2 0025", "02 16 0004 00f2 0025"),
    ("02 17 0003 0006 000e 0003 06 00ff00ff00ff", "02 17 0c 00fe0acd00010003000d00ff"),
    ("02 07", "02 07 6d"),
    ("02 08 0000 a537", "02 08 0000 a537"),
    ("02 0b", "02 0b ffff 0108"),
    ("02 11", "02 11 03 41ff42"),
    ("02 18 04de", "02 18 0006 0002 01b8 1284"),
    ("02 2b 0e 01 00", "02 2b 0e 01 01 00 00 01 00 04 6f6b6e67"),
    ("02 03 0000 0010", "02 83 02"),
    ("f7 64 0102030405", "f7 64 0a0b0c0d0e0f"),  # a function of another maker
    ("00 10 0000 0001 02 0001", ""),  # to everybody
]


def frames(*texts: str) -> list[bytes]:
    """Return the frames of these hexadecimal texts."""
    return [framed(bytes.fromhex(text)) for text in texts if text]


def served(*chunks: bytes, unit: int = 1) -> list[bytes]:
    """Return what the reader found after each chunk and the silence behind it."""
    reader = RtuReader(unit)
    found = []
    for number, chunk in enumerate(chunks):
        reader.feed(chunk, number * 0.01)
        if (request := reader.quiet()) is not None:
            found.append(request)
    return found


def test_crc_is_the_specifications():
    """The example of the specification: 02 07 has CRC 41 12."""
    assert framed(b"\x02\x07") == b"\x02\x07\x41\x12"
    assert crc(b"\x02\x07\x41\x12") == 0


@pytest.mark.parametrize("frame", [OURS, WRITES])
def test_request_in_any_pieces(frame: bytes):
    """However an adapter batches the bytes, the request is found once, when it is whole."""
    assert served(frame) == [frame[:-2]]
    assert served(*(frame[at : at + 1] for at in range(len(frame)))) == [frame[:-2]]
    for cut in range(1, len(frame)):
        assert served(frame[:cut], frame[cut:]) == [frame[:-2]]


@pytest.mark.parametrize(("request_hex", "reply_hex"), OTHERS)
def test_other_stations_are_skipped(request_hex: str, reply_hex: str):
    """Requests to others and their replies never count as ours; the request behind them is found."""
    theirs = frames(request_hex, reply_hex)
    broadcast = request_hex.startswith("00")
    assert served(*theirs) == ([theirs[0][:-2]] if broadcast else [])
    assert served(*theirs, OURS)[-1] == OURS[:-2]
    assert served(b"".join(theirs) + OURS) == [OURS[:-2]]
    assert served(*(theirs * 3), OURS)[-1] == OURS[:-2]


def test_what_lies_inside_another_frame_is_not_ours():
    """A reply whose data happen to be a request for us is skipped as the reply it is, even when damaged."""
    data = OURS
    reply = framed(b"\x02\x03" + bytes((len(data),)) + data)
    assert served(reply) == []
    damaged = bytes((reply[0] ^ 0xFF,)) + reply[1:]
    assert served(damaged) == []
    assert served(reply, OURS) == [OURS[:-2]]


def test_a_reply_in_our_name_is_not_a_request():
    """An adapter that echoes, or a second station with our number, does not make us answer its replies."""
    assert served(framed(bytes.fromhex("01 04 04 0001 0002"))) == []
    assert served(framed(bytes.fromhex("01 84 02"))) == []
    assert served(framed(bytes.fromhex("01 10 0000 0005"))) == []


@pytest.mark.parametrize("frame", [OURS, WRITES])
def test_a_damaged_request_is_met_with_silence(frame: bytes):
    """One wrong bit anywhere, a lost byte, or one too many at the end: no answer."""
    for bit in range(8 * len(frame)):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        assert served(bytes(damaged)) == []
    for at in range(len(frame)):
        assert served(frame[:at] + frame[at + 1 :]) == []
    assert served(frame + b"\xff") == []


def test_noise_before_a_request():
    """After any noise the next request is found at once, by its CRC."""
    noise = random.Random(3)
    for _ in range(300):
        assert served(noise.randbytes(noise.randint(1, 40)) + OURS)[-1:] == [OURS[:-2]]


def test_half_a_frame_is_forgotten():
    """What stays half for 50 ms is noise; the next request stands alone."""
    reader = RtuReader(1)
    reader.feed(b"\x02\x10\x00\x00\x00\x7b\xf6", 0.0)
    assert reader.quiet() is None
    reader.feed(OURS, 0.2)
    assert reader.quiet() == OURS[:-2]
    assert reader.dropped == 7


def test_a_request_whose_length_is_wrong():
    """A whole frame for us that is no request of known length is handed on: it gets its exception."""
    wrong = framed(b"\x01\x03\x00\x00\x00\x01\x00")
    unknown = framed(b"\x01\x64\x01\x02\x03")
    assert served(wrong) == [wrong[:-2]]
    assert served(unknown) == [unknown[:-2]]


def test_a_line_that_is_never_silent_stays_small():
    """Noise without end takes bounded memory, and the first request after it is found."""
    noise, reader = random.Random(4), RtuReader(1)
    for number in range(2000):
        reader.feed(noise.randbytes(100), number * 0.001)
        assert len(reader._buffer) <= 1024 + 100
    reader.feed(OURS, 10.0)
    assert reader.quiet() == OURS[:-2]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_traffic_in_any_pieces(data: st.DataObject):
    """Whatever others say, cut however it likes: each of our requests is answered, nothing else is."""
    pairs = data.draw(st.lists(st.sampled_from(OTHERS[:-1]), max_size=6))
    traffic = b"".join(frame for pair in pairs for frame in frames(*pair))
    own = framed(b"\x01" + write(0, *data.draw(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=36))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(traffic)), max_size=5)))
    pieces = [traffic[a:b] for a, b in zip([0, *cuts], [*cuts, len(traffic)], strict=True)]
    assert served(*filter(None, pieces), own) == [own[:-2]]
