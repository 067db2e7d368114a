"""``okng-trainer weights``: which teacher weights are here, and whether they are whole."""

import json
from typing import Annotated

import typer

from edge_service.language import say

HELP = say(
    "List the teacher weights that come with the trainer and check their digests.",
    "列出训练器自带的教师权重并校验摘要。",
)

AsJson = Annotated[bool, typer.Option("--json", help=say("answer in JSON", "以 JSON 输出"))]


def weights(as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag of the command line
    """Check the bundled weights; raise WeightsError when they are missing or damaged."""
    from trainer.teacher.weights import BUNDLED_FILE, load_weights  # torch only when asked for

    loaded = load_weights("bundled")
    parameters = sum(tensor.numel() for tensor in loaded.tensors.values())
    if as_json:
        facts = {
            "source": loaded.source,
            "file": BUNDLED_FILE,
            "backbone": loaded.backbone,
            "parameters": parameters,
            "sha256": loaded.sha256,
        }
        print(json.dumps([facts], indent=2))
        return
    print(f"bundled  {loaded.backbone}  {BUNDLED_FILE}")
    print(say(f"  {parameters / 1e6:.1f} M parameters, whole", f"  {parameters / 1e6:.1f} M 参数，完好"))
    print(f"  SHA-256 {loaded.sha256}")
