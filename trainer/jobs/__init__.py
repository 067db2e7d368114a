"""Work that takes minutes: asked for by people, claimed by one worker at a time, watched by everybody."""

from trainer.jobs.lookout import Lookout
from trainer.jobs.queue import Claim, Event, Job, Jobs, NewJob, Outcome
from trainer.jobs.states import JobState

__all__ = ["Claim", "Event", "Job", "JobState", "Jobs", "Lookout", "NewJob", "Outcome"]
