"""``okng-trainer train FOLDER --name pcb``: photographs in, a signed model package out."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from edge_service.language import say
from trainer.errors import SettingError

if TYPE_CHECKING:
    from trainer.pipeline.settings import Algorithm, Orientation

HELP = say(
    "Make a model from a folder of good photographs (3 to 10 are usual).\n\n"
    "Writes `NAME-VERSION.okng`, the signed package for the edge, and `NAME-VERSION.png`, a picture to judge "
    "it by.\n\n"
    "Example: `okng-trainer train good/ --name pcb`",
    "用一个文件夹中的良品照片（通常 3 到 10 张）制作模型。\n\n"
    "生成 `名称-版本.okng`（供边缘机使用的签名模型包）和 `名称-版本.png`（用于评估的图片）。\n\n"
    "示例：`okng-trainer train good/ --name pcb`",
)

Folder = Annotated[Path, typer.Argument(help=say("folder of good photographs", "良品照片文件夹"))]
Name = Annotated[str, typer.Option("--name", "-n", help=say("what the model is called", "模型名称"))]
Version = Annotated[
    str,
    typer.Option(
        "--version", help=say("default: date and time, UTC", "默认：UTC 日期和时间"), show_default=False
    ),
]
Weights = Annotated[str, typer.Option(help="bundled | timm:NAME | file:PATH")]
Out = Annotated[Path, typer.Option("--out", "-o", help=say("folder for package and picture", "输出文件夹"))]
Size = Annotated[
    int,
    typer.Option(
        help=say(
            "side in pixels of a square as large as the model's input", "与模型输入等面积的正方形边长（像素）"
        )
    ),
]
Layers = Annotated[
    str, typer.Option(help=say("1,2,3; or 1,2 for a smaller model", "1,2,3；或 1,2（更小的模型）"))
]
Epochs = Annotated[
    int,
    typer.Option(
        min=0,
        show_default=False,
        help=say(
            "passes over the photographs, each with new variations; default: 160 steps of 4 pictures",
            "遍历照片的次数，每次使用新的变化；默认 160 步、每步 4 张",
        ),
    ),
]
Budget = Annotated[
    float,
    typer.Option(
        min=0.0,
        show_default=False,
        help=say(
            "most seconds to learn; the result then depends on the machine",
            "训练秒数上限；结果将取决于机器速度",
        ),
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, help=say("the same seed gives the same model", "相同种子得到相同模型"))
]
AlgorithmName = Annotated[
    str,
    typer.Option(
        "--algorithm",
        help=say(
            "combined | stfpm | memory_bank | auto; combined is STFPM with a memory bank beside it, "
            "auto takes what cross-validation shows to be clearly better",
            "combined | stfpm | memory_bank | auto；combined 为 STFPM 加特征库，"
            "auto 按照片交叉验证的结果选择明显较好者",
        ),
    ),
]
FalseRejectRate = Annotated[
    str,
    typer.Option(
        help=say("share of good parts that may be rejected: 1% or 0.01", "允许误判的良品比例：1% 或 0.01")
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="OKNG_SIGNING_KEY",
        show_default=False,
        help=say(
            "private key to sign with; made where there is none (default: ~/.local/share/okng/signing.pem)",
            "签名私钥；不存在时自动生成（默认：~/.local/share/okng/signing.pem）",
        ),
    ),
]
Int8 = Annotated[
    bool,
    typer.Option(
        "--int8/--no-int8",
        help=say(
            "add a quantised twin where it judges alike; each box uses what is fastest there",
            "附带判定一致的量化副本；各边缘机采用本机最快者",
        ),
    ),
]
LeaveOut = Annotated[
    list[str],
    typer.Option(
        "--leave-out",
        metavar="FILE",
        show_default=False,
        help=say(
            "name of a photograph in the folder that is not learned from; may stand several times",
            "文件夹中不用于训练的照片文件名；可重复使用",
        ),
    ),
]
Mixed = Annotated[
    bool,
    typer.Option(
        "--mixed",
        help=say(
            "train although photographs look like different products", "即使照片看似属于不同产品也继续训练"
        ),
    ),
]
OrientationName = Annotated[
    str,
    typer.Option(
        "--orientation",
        help=say(
            "auto | fixed; auto learns from mirrored and turned photographs too where they show no "
            "difference, fixed where a part turned round is a defect however much it looks the same",
            "auto | fixed；auto 在照片显示无差别时也学习镜像和旋转后的照片，"
            "fixed 用于看似相同但放反即为缺陷的零件",
        ),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=say("answer in JSON", "以 JSON 输出"))]


def train(
    folder: Folder,
    name: Name,
    version: Version = "",
    weights: Weights = "bundled",
    out: Out = Path(),
    size: Size = 256,
    layers: Layers = "1,2,3",
    epochs: Epochs = 0,
    budget: Budget = 0.0,
    seed: Seed = 0,
    algorithm: AlgorithmName = "combined",
    false_reject_rate: FalseRejectRate = "1%",
    key: Key = None,
    int8: Int8 = True,  # noqa: FBT002 - a flag of the command line
    leave_out: LeaveOut = [],  # noqa: B006 - typer makes a new list for every call
    mixed: Mixed = False,  # noqa: FBT002 - a flag of the command line
    orientation: OrientationName = "auto",
    as_json: AsJson = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Train, package, and say what came out."""
    from trainer.datasets.photographs import picture_paths

    picture_paths(folder)  # an empty folder is told before torch has loaded

    from trainer.cli import report  # torch and anomalib only when asked for
    from trainer.pipeline.run import PackageLabel, train_package
    from trainer.pipeline.settings import TrainingSettings
    from trainer.pipeline.signing import signing_key

    settings = TrainingSettings(
        weights=weights,
        algorithm=cast("Algorithm", algorithm),
        size=size,
        layers=tuple(f"layer{number.strip()}" for number in layers.split(",")),
        epochs=epochs,
        budget_s=budget,
        seed=seed,
        false_reject_rate=_share(false_reject_rate),
        int8=int8,
        leave_out=tuple(leave_out),
        mixed=mixed,
        orientation=cast("Orientation", orientation),
    )
    label = PackageLabel(name, version or datetime.now(UTC).strftime("%Y%m%d-%H%M%S"))
    signer = signing_key(key)
    with report.progress(quiet=as_json) as watch:
        result = train_package(folder, label, settings, out, key=signer.key, watch=watch)
    report.tell(result, signer, as_json=as_json)


def _share(text: str) -> float:
    """Read "1%", "1 %" or "0.01". Raises SettingError."""
    number, percent, rest = text.strip().partition("%")
    try:
        value = float(number) if not rest else math.nan
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise SettingError(
            say(f'--false-reject-rate "{text}" is no share', f"--false-reject-rate “{text}”不是比例"),
            remedy=say(
                "Give a share of good parts, such as 1% or 0.01.", "请给出良品比例，例如 1% 或 0.01。"
            ),
        )
    return value / 100 if percent else value
