"""``okng-edge doctor``: what this box has, what it lacks, and what to do about it."""

import json
import sys
from dataclasses import asdict

from edge_service.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from edge_service.language import say

HELP = say(
    "Examine the box: configuration, disk, clock, GPU driver and groups, ports, certificates, camera, models "
    "and how fast they judge here. Each line is ok, warn or fail, with what to do. Exit code 1 when "
    "something failed.\n\n"
    "Example: `okng-edge doctor --config edge.yaml`",
    "检查本机：配置、磁盘、时钟、GPU 驱动和用户组、端口、证书、相机、模型及其推理速度。"
    "每行为 ok、warn 或 fail，并给出处理方法。有 fail 时退出码为 1。\n\n"
    "示例：`okng-edge doctor --config edge.yaml`",
)
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(config: ConfigFile = DEFAULT_CONFIG, *, as_json: AsJson = False) -> None:
    """Run every check and print what each found."""
    from edge_service.cli.checks import examine

    findings = examine(config)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, show_header=False, pad_edge=False)
        for finding in findings:
            table.add_row(
                f"[{_COLOURS[finding.level]}]{finding.level}[/]",
                finding.subject,
                finding.what + (f"\n[dim]-> {finding.remedy}[/]" if finding.remedy else ""),
            )
        Console(soft_wrap=True).print(table)
    if any(finding.level == "fail" for finding in findings):
        sys.exit(1)
