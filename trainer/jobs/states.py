"""The life of a job: its states, and the one table of what may follow what.

::

                    +------------- worker lost, tries left ------------+
                    v                                                  |
    (asked for) -> QUEUED -- a worker claims it --> RUNNING --------> SUCCEEDED
                    |                                | |  +---------> FAILED
                    |                     cancelled  | |
                    +-- cancelled --> CANCELLED <-- CANCELLING
"""

from enum import StrEnum
from typing import Final

from edge_service.errors import InternalError


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # nobody works on it yet
    RUNNING = "running"  # exactly one worker holds it
    CANCELLING = "cancelling"  # somebody asked its worker to stop
    SUCCEEDED = "succeeded"  # its package is registered
    FAILED = "failed"  # error and log say why
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing will happen to the job any more."""
        return not FOLLOWING[self]

    @property
    def held(self) -> bool:
        """Whether a worker holds it."""
        return self in {JobState.RUNNING, JobState.CANCELLING}


FOLLOWING: Final[dict[JobState, frozenset[JobState]]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLING, JobState.QUEUED}),
    # a job that was done before its worker heard of the wish to cancel is done
    JobState.CANCELLING: frozenset({JobState.CANCELLED, JobState.SUCCEEDED, JobState.FAILED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


def check(before: JobState, after: JobState) -> None:
    """Raise InternalError unless ``after`` may follow ``before``."""
    if after not in FOLLOWING[before]:
        raise InternalError(f"a job that is {before} cannot become {after}")
