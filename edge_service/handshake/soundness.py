"""A result becomes this part's answer only if it can be this part's; anything else becomes an error."""

import math
from dataclasses import replace

from edge_service.domain.codes import Code
from edge_service.domain.inspection import Judgement, Trigger, Verdict
from edge_service.handshake.record import Result


def error(trigger: Trigger, code: int, verdict: Verdict = Verdict.ERROR) -> Result:
    """Return the answer of a part that was not judged."""
    return Result(trigger.acquisition_id, Judgement(verdict, code), trigger.recipe)


def sound(trigger: Trigger, result: Result) -> Result:
    """Return the result, or an error in its place when it cannot be this part's."""
    judged = result.judgement
    if judged.verdict in (Verdict.ERROR, Verdict.TIMEOUT):
        return result
    if result.recipe != trigger.recipe:
        return error(trigger, Code.RECIPE_DIFFERS)
    if judged.verdict is Verdict.NONE or (judged.verdict is Verdict.SAMPLE) is not trigger.collect:
        return error(trigger, Code.BUG)
    if judged.verdict is not Verdict.SAMPLE and not (math.isfinite(judged.score) and judged.threshold > 0):
        return error(trigger, Code.SCORE_NOT_FINITE)
    if judged.verdict is Verdict.OK and not judged.score < judged.threshold:
        return error(trigger, Code.BUG)
    return replace(result, judgement=replace(judged, code=_code(judged)))


def _code(judged: Judgement) -> int:
    """RESULT_CODE is 0 for OK, NG and samples; undecided says why."""
    return (judged.code or Code.UNDECIDED_BAND) if judged.verdict is Verdict.UNDECIDED else 0
