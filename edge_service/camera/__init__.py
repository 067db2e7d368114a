"""Where frames come from: one adapter a file, each implementing ``ports.Camera``.

A camera opens on enter, owns the thread that blocks, and closes on exit within seconds whatever its
driver does. ``grab`` raises NoFrameError, BadImageError (one part's trouble), or CameraError when the
camera is lost; whoever holds it then closes it and opens a new one from ``make_camera``.
"""

from collections.abc import Callable

from edge_service.config import EdgeConfig, FolderCamera, SimulatedCamera, VideoCamera
from edge_service.domain.inspection import CameraSettings
from edge_service.ports import Camera


def make_camera(config: EdgeConfig, active_recipe: Callable[[], int] = lambda: 0) -> Camera:
    """Return the configured camera, closed. Only the module of its kind is imported.

    ``active_recipe`` gives the number of the recipe in force: a simulated camera shows its product.
    """
    section = config.camera
    match section:
        case SimulatedCamera():
            from edge_service.camera import simulated  # noqa: PLC0415 - only the kind in use

            return simulated.SimulatedCamera(section, config.resolve, active_recipe)
        case FolderCamera():
            from edge_service.camera import folder  # noqa: PLC0415 - only the kind in use

            return folder.FolderCamera(config.resolve(section.path), loop=section.loop)
        case VideoCamera():
            from edge_service.camera import video  # noqa: PLC0415 - only the kind in use

            return video.VideoCamera(section, config.resolve)


async def set_up_for(camera: Camera, config: EdgeConfig, recipe: int) -> None:
    """Set an open camera up for a recipe as the station does. Raises RecipeError, CameraError."""
    known = config.recipe_table().get(recipe)
    if known is not None and known.camera != CameraSettings():
        await camera.set_up(known.camera)


__all__ = ["make_camera", "set_up_for"]
