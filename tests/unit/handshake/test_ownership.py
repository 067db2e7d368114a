"""One writer: who owns the command block, and when it is free again."""

import pytest

from edge_service.domain.inspection import TriggerSource
from edge_service.errors import NotOwnerError, RefusedError
from tests.support.plc_bench import Bench


def test_second_writer_changes_nothing():
    """While one master owns the block another's write raises, changes nothing but warning 250."""
    bench = Bench().start()
    with pytest.raises(NotOwnerError):
        bench.write("other", trigger_seq=5)
    assert (bench.acquired, bench["WarningCode"]) == ([], 250)
    bench.machine.heard("plc", bench.now + 9)
    bench.wait(10.001)
    assert bench["WarningCode"] == 0


def test_owner_frees_the_block_with_trigger_enable_0():
    """After TriggerEnable 0 anybody may write."""
    bench = Bench().start()
    bench.write(trigger_enable=False)
    bench.write("other", trigger_enable=True)
    assert bench.machine.ownership.owner == "other"


def test_silent_owner_loses_the_block_and_reads_keep_it():
    """Ten seconds without any request free the block; a read counts as a sign of life."""
    bench = Bench().start()
    bench.wait(9)
    bench.machine.heard("plc", bench.now)
    bench.machine.heard("other", bench.now)
    bench.wait(9)
    with pytest.raises(NotOwnerError):
        bench.write("other")
    bench.wait(1.001)
    assert bench.machine.ownership.owner is None


def test_newcomers_old_numbers_do_not_fire():
    """A new owner's first write is a baseline for triggers; the same owner coming back just goes on."""
    bench = Bench().start()
    bench.wait(11)
    bench.write("plc", trigger_seq=1)
    assert bench.acquired == [1]
    bench.expose()
    bench.judge()
    bench.wait(11)
    bench.write("other", trigger_seq=2)
    assert bench.acquired == [1]
    bench.write("other", trigger_seq=3)
    assert bench.acquired == [1, 2]


def test_only_the_owner_acknowledges():
    """A client that is not the PLC takes a result only while nobody owns the station."""
    bench = Bench().start()
    bench.inspect(1)
    with pytest.raises(RefusedError) as refused:
        bench.machine.take_result(1, bench.now)
    assert refused.value.reason == 217
    free = Bench()
    free.machine.trigger(TriggerSource.OPC_UA, free.now)
    free.expose()
    free.judge()
    with pytest.raises(RefusedError) as refused:
        free.machine.take_result(2, free.now)
    assert refused.value.reason == 122
    free.machine.take_result(1, free.now)
    assert free["ResultsValid"] is False
