"""The memory bank: distance to the nearest patch known, and which patches are kept."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - after the skip

from trainer.training.memory_bank import MemoryBank, as_rows, farthest_first, remember  # noqa: E402

pytestmark = pytest.mark.training


def descriptions(seed: int, pictures: int = 2) -> "torch.Tensor":
    """Random descriptions (n, 8, 6, 6)."""
    return torch.randn(pictures, 8, 6, 6, generator=torch.Generator().manual_seed(seed))


def test_what_is_remembered_is_at_no_distance_and_the_rest_at_its_own() -> None:
    """A known picture's map is 0; elsewhere it is the distance to the nearest patch."""
    bank = MemoryBank(nn.Identity(), remember(descriptions(1), seed=0))  # type: ignore[arg-type]
    assert float(bank.distances(descriptions(1)).max()) < 5e-3
    new = descriptions(2, 1)
    nearest = torch.cdist(as_rows(new), as_rows(descriptions(1))).amin(1)
    assert torch.allclose(bank.distances(new).flatten(), nearest, atol=1e-4)


def test_a_coreset_keeps_the_patch_that_is_unlike_all_others() -> None:
    """Of many alike and one far away, the far one is among the first to be kept."""
    patches = torch.cat([torch.zeros(50, 4) + torch.rand(50, 4) * 0.01, torch.full((1, 4), 9.0)])
    assert 50 in farthest_first(patches, 2, 0).tolist()


def test_a_coreset_is_no_larger_than_asked_and_the_same_for_a_seed() -> None:
    """More patches than there is room for are thinned out, repeatably."""
    one, again = (remember(descriptions(3, 4), seed=5, most=40) for _ in range(2))
    assert one.shape == (40, 8)
    assert torch.equal(one, again)
