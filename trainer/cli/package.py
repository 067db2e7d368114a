"""``okng-trainer package --from-openvino model.xml``: anomalib's own export as a signed package."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.language import say
from trainer.cli.place import AsJson
from trainer.cli.train import Int8

if TYPE_CHECKING:
    from trainer.pipeline.acceptance import Variants

HELP = say(
    "Make a package of a model that anomalib trained and exported to OpenVINO (STFPM, PaDiM, PatchCore, "
    "EfficientAd): nothing is trained anew.\n\n"
    "A few good pictures become its golden images. Where anomalib scaled the scores to 0..1 the threshold is "
    "0.5; else give it. A quantised twin is made of variations of the good pictures, and goes along where it "
    "judges as FP32 does.\n\n"
    "Example: `okng-trainer package --from-openvino weights/openvino/model.xml --good good/ --name pcb`",
    "把 anomalib 训练并导出到 OpenVINO 的模型（STFPM、PaDiM、PatchCore、EfficientAd）"
    "制成模型包，无需重新训练。\n\n"
    "几张良品图像作为标准图像。若 anomalib 已把分数归一化到 0..1，阈值为 0.5；否则请给出。"
    "另用良品图像的变化制作量化副本，判定与 FP32 一致时一并打包。\n\n"
    "示例：`okng-trainer package --from-openvino weights/openvino/model.xml --good good/ --name pcb`",
)

Export = Annotated[Path, typer.Option("--from-openvino", help=say("anomalib's model.xml", "model.xml 文件"))]
Good = Annotated[Path, typer.Option("--good", help=say("folder of good pictures", "良品图像文件夹"))]
Name = Annotated[str, typer.Option("--name", "-n", help=say("what the model is called", "模型名称"))]
Version = Annotated[
    str, typer.Option("--version", show_default=False, help=say("default: now", "默认：当前"))
]
Out = Annotated[Path, typer.Option("--out", "-o", help=say("folder for the package", "输出文件夹"))]
Size = Annotated[
    int, typer.Option(min=32, max=1024, help=say("side of the model's input, pixels", "模型输入边长（像素）"))
]
Given = Annotated[
    float | None, typer.Option("--threshold", help=say("in the score's units", "阈值（分数单位）"))
]
Algorithm = Annotated[str, typer.Option(help=say("for people", "供人阅读"))]
Key = Annotated[
    Path | None, typer.Option("--key", envvar="OKNG_SIGNING_KEY", help=say("private key", "签名私钥"))
]


def package(
    from_openvino: Export,
    good: Good,
    name: Name,
    version: Version = "",
    out: Out = Path(),
    size: Size = 256,
    threshold: Given = None,
    algorithm: Algorithm = "anomalib",
    key: Key = None,
    *,
    int8: Int8 = True,
    as_json: AsJson = False,
) -> None:
    """Import, sign, say where it is."""
    from trainer.cli import report
    from trainer.cli.table import tell_done
    from trainer.pipeline.importing import import_package
    from trainer.pipeline.run import PackageLabel
    from trainer.pipeline.signing import signing_key

    label = PackageLabel(name, version or datetime.now(UTC).strftime("%Y%m%d-%H%M%S"))
    signer = signing_key(key)
    with report.progress(quiet=as_json) as watch:
        found = import_package(
            from_openvino,
            good,
            label,
            out,
            key=signer.key,
            side=size,
            threshold=threshold,
            algorithm=algorithm,
            int8=int8,
            watch=watch,
        )
    trusted = say(
        f"trusted by: okng-edge trust add {signer.public_path}",
        f"信任：okng-edge trust add {signer.public_path}",
    )
    done = {
        "package": str(found.package),
        "public_key": str(signer.public_path),
        "variants": found.variants.figures(),
        "remark": found.remark,
    }
    lines = [str(found.package), *([f"! {found.remark}"] if found.remark else []), trusted]
    if int8 and not found.remark:
        lines.insert(1, _twin(found.variants))
    tell_done(done, "\n".join(lines), as_json=as_json)


def _twin(variants: "Variants") -> str:
    if variants.int8 is not None:
        return say("with a quantised twin (INT8)", "含量化副本（INT8）")
    return say(
        "without INT8: no way to quantise judges as FP32 does",
        "不含 INT8：没有一种量化方式与 FP32 判定一致",
    )
