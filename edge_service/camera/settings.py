"""What a camera says to settings that it does not take."""

from dataclasses import asdict

from edge_service.domain.inspection import CameraSettings
from edge_service.errors import RecipeError
from edge_service.language import say


def no_settings(camera: str, settings: CameraSettings) -> RecipeError:
    """Return the error of a camera that has nothing to set."""
    names = ", ".join(name for name, value in asdict(settings).items() if value is not None) or "-"
    return RecipeError(
        say(f"camera {camera} has nothing to set ({names})", f"相机 {camera} 没有可设置的参数（{names}）"),
        remedy=say(
            "take these keys out of the recipe and of the camera section", "请从配方和 camera 段中删除这些键"
        ),
    )


def not_taken(camera: str, name: str, asked: float, taken: float | None) -> RecipeError:
    """Return the error of a camera that does not know a setting (None) or took another value."""
    got = say("it does not know it", "相机不支持") if taken is None else f"-> {taken:g}"
    return RecipeError(
        say(
            f"camera {camera} does not take {name} {asked:g}: {got}",
            f"相机 {camera} 不接受 {name} {asked:g}：{got}",
        ),
        remedy=say(
            "`v4l2-ctl -L` lists what it knows and the range; or leave the setting out of every recipe",
            "`v4l2-ctl -L` 列出可用参数及范围；或在所有配方中省略此参数",
        ),
    )
