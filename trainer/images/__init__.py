"""Pictures that boxes sent: looked at before they are believed, then kept once."""

from trainer.images.look import Bounds, Seen, look
from trainer.images.shelf import ImageShelf, StoredImage, still_missing

__all__ = ["Bounds", "ImageShelf", "Seen", "StoredImage", "look", "still_missing"]
