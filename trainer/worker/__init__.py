"""The worker process: takes jobs from the queue and runs each in a child process of its own.

The child is the only one that loads torch; whatever happens to it (a crash, no memory, a loss that leaves
the numbers), the worker tells the server how the job ended.
"""

from trainer.worker.process import run_worker

__all__ = ["run_worker"]
