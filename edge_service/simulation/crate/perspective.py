"""How far off the middle something seems to lie, by how high it stands: what lies deeper looks smaller."""

from edge_service.simulation.exposure import SCENE_HEIGHT, SCENE_WIDTH

MIDDLE_X, MIDDLE_Y = (SCENE_WIDTH - 1) / 2, (SCENE_HEIGHT - 1) / 2
_CAMERA_HEIGHT = 900.0  # scene pixels above the crate's rim


def magnification(height: float) -> float:
    """Return the magnification at ``height`` (scene pixels; 0 is the crate's rim, negative below it)."""
    return _CAMERA_HEIGHT / (_CAMERA_HEIGHT - height)


def seen_at(x: float, y: float, height: float) -> tuple[float, float]:
    """Return the scene pixel where a point at ``height`` shows that lies at (x, y) in the rim's plane."""
    share = magnification(height)
    return MIDDLE_X + (x - MIDDLE_X) * share, MIDDLE_Y + (y - MIDDLE_Y) * share
