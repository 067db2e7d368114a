"""What is unusual about photographs, but usable: a sentence each, for screen and manifest."""

from collections.abc import Sequence

import numpy as np

from edge_service.language import say
from trainer.domain import Photograph, Picture

MOST_DRIFT = 2.0  # brightest photograph over darkest, of their means
MOST_COLOUR_DRIFT = 1.35  # between photographs, of red to blue
MOST_STRETCH = 1.1  # between photographs, of width to height
_MOST_NAMES = 6


def remarks(photographs: Sequence[Photograph], bits: int) -> list[str]:
    """Return what a person should know of photographs that used ``bits`` a channel."""
    found: list[str] = []
    if len(photographs) == 1:
        found.append(
            say(
                "One photograph only: how good parts differ from each other is guessed, not measured. Where "
                "they lie or look a little different each time, all may be rejected: add two or more.",
                "只有一张照片：良品之间的差异只能估计，无法测量。若零件每次位置或外观略有不同，"
                "可能全部被误判：请再添加两张或更多照片。",
            )
        )
    found.extend(_sizes(photographs))
    if bits > 8:  # noqa: PLR2004 - the depth that the edge judges in
        found.append(say(f"{bits}-bit photographs were reduced to 8 bits.", f"{bits} 位照片已转换为 8 位。"))
    found.extend(_light(photographs))
    found.extend(_grey_among_colour(photographs) or _colour(photographs))
    return found


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence, the first few of many."""
    shown = say(", ", "、").join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return shown if more <= 0 else say(f"{shown} and {more} more", f"{shown} 等 {len(names)} 张")


def left_out_by() -> str:
    """Return how a photograph is left out, on the command line and on the server."""
    return say(
        "--leave-out FILE; on the server: okng-trainer datasets leave-out",
        "--leave-out 文件；服务器上：okng-trainer datasets leave-out",
    )


def _sizes(photographs: Sequence[Photograph]) -> list[str]:
    """Tell different sizes, or shapes: what is stretched to the model's shape looks different."""
    sizes = sorted({(each.pixels.shape[1], each.pixels.shape[0]) for each in photographs})
    if len(sizes) == 1:
        return []
    shapes = {each.path.name: each.pixels.shape[1] / each.pixels.shape[0] for each in photographs}
    low, high = min(shapes, key=shapes.__getitem__), max(shapes, key=shapes.__getitem__)
    if shapes[high] > MOST_STRETCH * shapes[low]:
        pixels = {each.path.name: f"{each.pixels.shape[1]} x {each.pixels.shape[0]}" for each in photographs}
        return [
            say(
                f"The photographs differ in shape ({low} is {pixels[low]}, {high} is {pixels[high]}): all "
                "are stretched to one, and the same part then looks different. Take them with the station's "
                "camera, none turned or cropped.",
                f"照片长宽比不一（{low} 为 {pixels[low]}，{high} 为 {pixels[high]}）："
                "全部会被拉伸为同一形状，同一零件看起来会不同。请用工位相机拍摄，勿旋转或裁剪。",
            )
        ]
    shown = listed([f"{width} x {height}" for width, height in sizes])
    return [
        say(
            f"The photographs differ in size ({shown}): each is resized to the model's input, and fine "
            "detail is only as sharp as in the smallest.",
            f"照片尺寸不一（{shown}）：将统一缩放到模型输入尺寸，细节清晰度以最小的照片为准。",
        )
    ]


def _grey_among_colour(photographs: Sequence[Photograph]) -> list[str]:
    """Name the fewer where some photographs are grey and others are not."""
    grey = [each.path.name for each in photographs if _is_grey(each.pixels)]
    coloured = [each.path.name for each in photographs if each.path.name not in grey]
    if not grey or not coloured:
        return []
    few = min(grey, coloured, key=len)
    what = say("in grey", "灰度") if few is grey else say("in colour", "彩色")
    others = say("in colour", "彩色") if few is grey else say("in grey", "灰度")
    return [
        say(
            f"{listed(few)}: {what}, the others {others}. The model then takes either for good, and sees "
            "defects of colour less. Photograph all parts with the station's camera and one setting.",
            f"{listed(few)} 为{what}，其余为{others}：模型会把两者都视为正常，对颜色缺陷不敏感。"
            "请用工位相机以同一设置拍摄全部照片。",
        )
    ]


def _is_grey(pixels: Picture) -> bool:
    blue, green, red = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return bool(np.array_equal(blue, green) and np.array_equal(green, red))


def _light(photographs: Sequence[Photograph]) -> list[str]:
    """Name the darkest and the brightest photograph where the light between them changed strongly."""
    means = {photograph.path.name: float(photograph.pixels.mean()) for photograph in photographs}
    dark, bright = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    times = means[bright] / max(means[dark], 1.0)
    if times < MOST_DRIFT:
        return []
    return [
        say(
            f"The light differs strongly: {bright} is {times:.1f} times as bright as {dark}. The model then "
            "takes either for good. Fix exposure and light, and photograph all parts again.",
            f"光照差异很大：{bright} 的亮度是 {dark} 的 {times:.1f} 倍，模型会把两者都视为正常。"
            "请固定曝光和光源后重新拍摄全部照片。",
        )
    ]


def _colour(photographs: Sequence[Photograph]) -> list[str]:
    """Name the bluest and the reddest photograph where the colour of the light changed strongly."""
    means = {each.path.name: each.pixels.reshape(-1, 3).mean(0) + 1.0 for each in photographs}
    warmth = {name: float(red / blue) for name, (blue, _, red) in means.items()}
    cold, warm = min(warmth, key=warmth.__getitem__), max(warmth, key=warmth.__getitem__)
    if warmth[warm] / warmth[cold] < MOST_COLOUR_DRIFT:
        return []
    return [
        say(
            f"The colour of the light differs strongly: {warm} is much redder than {cold}. The model then "
            "takes either for good. Fix white balance, keep daylight out, and photograph all parts again.",
            f"光的颜色差异很大：{warm} 比 {cold} 明显偏红，模型会把两者都视为正常。"
            "请固定白平衡、遮挡日光后重新拍摄全部照片。",
        )
    ]
