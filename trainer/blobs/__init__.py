"""Pictures and packages as files named by their SHA-256."""

from trainer.blobs.folder import BlobFolder, Incoming

__all__ = ["BlobFolder", "Incoming"]
