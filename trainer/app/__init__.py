"""The server process. It never loads torch: that is the workers' business."""

from trainer.app.serve import run_server

__all__ = ["run_server"]
