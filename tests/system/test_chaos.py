"""Everything dies at random, the cable is cut again and again, and the accounts balance."""

from pathlib import Path

import pytest

from tests.support.chaos import Budget, run_chaos


@pytest.mark.timeout(300)
async def test_the_accounts_balance_whatever_dies(tmp_path: Path) -> None:
    """A small budget of ``benchmarks/chaos.py``: nothing that reached the outbox is lost or doubled."""
    accounts = await run_chaos(tmp_path, Budget(inspections=60, kills=6, seed=7, up_s=1.5, down_s=0.4))
    assert accounts.breaches == [], accounts.plain()
    assert accounts.answered == 60
    assert sum(accounts.kills.values()) == 6
