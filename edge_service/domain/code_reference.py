"""``docs/reference/codes.md``: every code with cause and remedy, in both languages."""

from collections.abc import Iterator

from edge_service.domain.codes import EXPLANATIONS, Code, Severity

_HEAD = """\
# Codes

<!-- Made by `okng-edge registers --page codes`; do not edit. -->

The hundreds tell the area; x00-49 are errors and refusals, x50-99 warnings; 1000 and up belong to the
project. OPC UA methods return the negative number. Severity, from the least: *warning* (clears itself),
*refusal* (a trigger or command was not taken), *part* (one part was not judged), *fault* (somebody must
look), *blocking* (no part is taken until it is cleared). ERROR_CODE shows the most severe uncleared error.

百位表示领域；x00-49 为错误和拒绝，x50-99 为警告；1000 以上由项目自定。
OPC UA 方法返回其负值。严重程度由低到高：
*warning* 警告（自行消除）、*refusal* 拒绝（触发或命令未被接受）、
*part* 单件（一件未判定）、*fault* 故障（需要处理）、
*blocking* 阻断（清除前不接受工件）。ERROR_CODE 显示最严重的未清除错误。
"""

_AREAS = {
    1: ("Configuration and model", "配置与模型"),
    2: ("PLC", "PLC"),
    3: ("Camera", "相机"),
    4: ("Judgement", "判定"),
    5: ("Disk", "磁盘"),
    6: ("Links", "连接"),
    7: ("Clock", "时钟"),
    9: ("Bug", "程序错误"),
}


def markdown() -> str:
    """Return the page."""
    parts = [_HEAD]
    for area, (english, chinese) in _AREAS.items():
        parts.append(f"\n## {area}xx {english} · {chinese}\n")
        parts.append("\n".join(_table(area)) + "\n")
    return "\n".join(parts)


def _table(area: int) -> Iterator[str]:
    yield "| Code | Name | Severity | Cause | What to do | 原因 | 处理 |"
    yield "|" + " --- |" * 7
    for code, text in EXPLANATIONS.items():
        if code // 100 == area:
            cells = (text.cause_en, text.remedy_en, text.cause_zh, text.remedy_zh)
            yield f"| {int(code)} | {code.name} | {_word(text.severity)} | {' | '.join(cells)} |"


def _word(severity: Severity) -> str:
    return severity.name.lower()


assert set(EXPLANATIONS) == set(Code), "every code is explained"
