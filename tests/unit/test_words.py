"""Signals as words: the canonical form, the orders on the wire, and the table's own soundness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.domain.signal import Block, Kind
from edge_service.domain.signals import BY_NAME, SIGNALS, of_block
from edge_service.domain.words import MASKS, decode, encode
from edge_service.fieldbus.registers import Orders, TextOrder, Wire, WordOrder
from edge_service.handshake.inputs import FIELD_NAMES, PlcInputs


def test_no_two_signals_share_a_bit():
    """Each bit of each block belongs to one signal at most, inside the block; 32-bit values lie even."""
    taken = set()
    for signal in SIGNALS:
        bits = range(signal.bit, signal.bit + signal.width)
        whole = signal.kind not in (Kind.BIT, Kind.FIELD)
        for word in range(signal.address, signal.address + signal.words):
            assert word < signal.block.words, signal.name
            for bit in range(16) if whole else bits:
                assert (signal.block, word, bit) not in taken, signal.name
                taken.add((signal.block, word, bit))
        assert signal.words != 2 or signal.kind not in (Kind.U32, Kind.F32) or signal.address % 2 == 0
    assert len(BY_NAME) == len(SIGNALS)


def test_inputs_have_a_field_for_every_command_signal():
    """PlcInputs and the table name the same things."""
    assert set(FIELD_NAMES) == {signal.identifier for signal in of_block(Block.COMMAND)}


@given(st.lists(st.integers(0, 0xFFFF), min_size=36, max_size=36))
def test_any_command_block_decodes_and_encodes_to_itself(words: list[int]):
    """Whatever a PLC writes is taken as it is, reserved bits aside; a serial is echoed raw."""
    kept = tuple(word & mask for word, mask in zip(words, MASKS[Block.COMMAND], strict=True))
    values = decode(Block.COMMAND, kept)
    assert encode(Block.COMMAND, values) == kept
    inputs = PlcInputs.of(values)
    assert inputs.encoder == words[12] << 16 | words[13]
    assert inputs.part_serial == b"".join(word.to_bytes(2) for word in words[16:36])


def test_station_values_lie_where_the_map_says():
    """Bits, fields, numbers and texts of the station at their addresses."""
    words = encode(
        Block.STATION,
        {
            "Status.TriggerReady": True,
            "Status.OfflineReason": 5,
            "Result.Verdict": 2,
            "Result.Score": 1.5,
            "Result.DefectArea": 0x00012345,
            "Result.PartSerial": b"AB\xff",
            "Station.ModelName": "pcb é",
            "Station.SoftwareVersion": "much too long for it",
        },
    )
    assert (words[0], words[13], words[20:22], words[32:34]) == (0x0051, 2, (0x3FC0, 0), (1, 0x2345))
    assert (words[42:44], words[100:103], words[117]) == ((0x4142, 0xFF00), (0x7063, 0x6220, 0x3F00), 0x6F6F)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (WordOrder.ABCD, (0x0102, 0x0304)),
        (WordOrder.CDAB, (0x0304, 0x0102)),
        (WordOrder.BADC, (0x0201, 0x0403)),
        (WordOrder.DCBA, (0x0403, 0x0201)),
    ],
)
def test_word_orders(order: WordOrder, words: tuple[int, int]):
    """The four orders move 32-bit values only."""
    canonical = encode(
        Block.STATION, {"Station.TestU32": 0x01020304, "Station.TestText": "AB", "Result.Verdict": 2}
    )
    wire = Wire(Orders(word_order=order)).to_wire(Block.STATION, canonical)
    assert (wire[98:100], wire[97], wire[13]) == (words, 0x4142, 2)


def test_text_order_and_swap_all():
    """text_order swaps characters; swap_all swaps 16-bit values and bit words, and nothing else."""
    canonical = encode(
        Block.STATION,
        {"Station.TestText": "AB", "Result.Verdict": 2, "Status.Online": True, "Station.TestU32": 0x01020304},
    )
    text = Wire(Orders(text_order=TextOrder.LOW_FIRST)).to_wire(Block.STATION, canonical)
    assert (text[97], text[13], text[0]) == (0x4241, 2, 0x0080)
    swapped = Wire(Orders(swap_all=True)).to_wire(Block.STATION, canonical)
    assert (swapped[97], swapped[13], swapped[0], swapped[98]) == (0x4142, 0x0200, 0x8000, 0x0102)


@given(
    st.builds(Orders, st.sampled_from(WordOrder), st.sampled_from(TextOrder), st.booleans()),
    st.lists(st.integers(0, 0xFFFF), min_size=36, max_size=36),
)
def test_what_is_written_reads_back_in_any_order(orders: Orders, words: list[int]):
    """Writing through a wire order and reading through it again gives the same words."""
    wire = Wire(orders)
    canonical = dict(wire.from_wire(Block.COMMAND, at, word) for at, word in enumerate(words))
    assert wire.to_wire(Block.COMMAND, [canonical[at] for at in range(36)]) == tuple(words)
