"""The threshold for a stated false-reject rate, from scores of good parts that the model had not seen.

Model: the root of a good part's score (plus a half, for scores begin at nothing) is the product's level plus
what one part, in its place and its light, differs from another by. On this scale good parts of calm and of
restless products differ by about as much; on a logarithm's, a restless product's threshold went so far out
that no defect reached it (docs/decisions/0008). Mild variations of each
photograph even out luck in its own score. What parts differ by is seen in a handful of photographs only, so
it is blended with what is usual (a prior worth ``_PRIOR_WORTH`` photographs). The threshold is the quantile
of the predictive distribution, a Student t (Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.2): the
fewer the photographs, the further out. Its uncertainty is the true quantile's spread under the posterior.

It is never below ``_LEAST``: scores are measured in spreads above what is usual, whatever the product, and
photographs that happen to be much alike are no reason to reject a part that is within one of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from edge_service.contract.manifest import Threshold, Uncertainty

_OFFSET = 0.5  # spreads: scores begin at nothing
_PRIOR_SPREAD = 0.11  # between good parts of one product, of the root
_PRIOR_WORTH = 8.0
_LEAST = 1.0  # spreads above usual
_LEVEL = 0.9
_DRAWS = 4000
METHOD = "held-out photographs, root-normal parts, predictive t quantile, one spread at least"


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """Scores of good pictures that the scoring model had not learned, and which photograph each is of."""

    scores: NDArray[np.float64]
    owners: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Fit:
    level: float
    between: float  # spread between parts, each with its own place, light and noise
    photographs: int
    freedom: float


def even_out(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring scores to the scale on which good parts differ evenly, whatever their level."""
    return np.sqrt(scores + _OFFSET)


def as_scores(evened: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo ``even_out``."""
    return np.maximum(evened, 0.0) ** 2 - _OFFSET


def find_threshold(held_out: HeldOutScores, false_reject_rate: float, seed: int = 0) -> Threshold:
    """Return the score that ``false_reject_rate`` of good parts are expected to exceed, 1.0 at least."""
    fit = _fit(held_out)
    spread = fit.between * np.sqrt(1 + 1 / fit.photographs)
    value = as_scores(np.array(fit.level + stats.t.ppf(1 - false_reject_rate, fit.freedom) * spread))
    lower, upper = _interval(fit, false_reject_rate, seed)
    return Threshold(
        value=max(float(value), _LEAST),
        method=METHOD,
        n=fit.photographs,
        false_reject_rate=false_reject_rate,
        uncertainty=Uncertainty(lower=lower, upper=max(upper, _LEAST), level=_LEVEL),
    )


def _fit(held_out: HeldOutScores) -> _Fit:
    evened = even_out(held_out.scores)
    parts = [evened[held_out.owners == owner] for owner in np.unique(held_out.owners)]
    means = np.array([part.mean() for part in parts])
    seen = float(means.var(ddof=1)) if len(means) > 1 else 0.0
    freedom = _PRIOR_WORTH + len(means) - 1
    between = np.sqrt((_PRIOR_WORTH * _PRIOR_SPREAD**2 + (len(means) - 1) * seen) / freedom)
    return _Fit(float(means.mean()), float(between), len(means), freedom)


def _interval(fit: _Fit, false_reject_rate: float, seed: int) -> tuple[float, float]:
    """Return the middle ``_LEVEL`` of the true quantile, drawn from the posterior."""
    random = np.random.default_rng(seed)
    between = fit.between * np.sqrt(fit.freedom / random.chisquare(fit.freedom, _DRAWS))
    level = random.normal(fit.level, between / np.sqrt(fit.photographs))
    quantile = level + stats.norm.ppf(1 - false_reject_rate) * between
    tail = (1 - _LEVEL) / 2
    lower, upper = as_scores(np.quantile(quantile, (tail, 1 - tail)))
    return float(lower), float(upper)
