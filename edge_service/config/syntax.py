"""What is wrong with a file that is no YAML at all, in words for people who did not write the parser."""

import yaml

from edge_service.config.mistake import Mistake, Place
from edge_service.language import say


def syntax_mistakes(text: str, error: yaml.YAMLError) -> list[Mistake]:
    """Return the parser's error, and every line that is indented with a tab."""
    tabs = [
        Mistake(Place(number, column), (), _tab())
        for number, line in enumerate(text.split("\n"), start=1)
        if (column := _tab_column(line))
    ]
    if tabs:
        return tabs
    if isinstance(error, yaml.reader.ReaderError):
        return [_character(text, error)]
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    problem = str(getattr(error, "problem", None) or error)
    context_mark = getattr(error, "context_mark", None)
    began = (
        (
            say(
                f"what it belongs to begins on line {context_mark.line + 1}",
                f"所属部分始于第 {context_mark.line + 1} 行",
            ),
        )
        if context_mark and context_mark.line + 1 != place.line
        else ()
    )
    return [Mistake(place, (), _words(problem), began)]


def encoding_mistake(data: bytes, error: UnicodeDecodeError) -> Mistake:
    """Return where the first byte lies that is no UTF-8, and what the encoding may be."""
    before = data[: error.start]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    guess = _guess(data)
    text = say(
        f"byte 0x{data[error.start]:02X} is no UTF-8 text", f"字节 0x{data[error.start]:02X} 不是 UTF-8 文本"
    )
    looks = (say(f"it looks like {guess}", f"看起来是 {guess} 编码"),) if guess else ()
    remedy = say("save the file as UTF-8", "请将文件另存为 UTF-8 编码")
    return Mistake(Place(line, column), (), text, (*looks, remedy))


def _guess(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "GBK/GB18030"


def _tab_column(line: str) -> int:
    """Return the column of a tab within the indentation; 0 when there is none."""
    indent = line[: len(line) - len(line.lstrip())]
    return indent.find("\t") + 1 if line.strip() and not line.lstrip().startswith("#") else 0


def _tab() -> str:
    return say("a tab in the indentation; YAML allows spaces only", "缩进中有制表符（Tab）；YAML 只允许空格")


def _character(text: str, error: yaml.reader.ReaderError) -> Mistake:
    before = text[: error.position]
    place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
    return Mistake(
        place,
        (),
        say(
            f"character U+{ord(text[error.position]):04X} is not allowed",
            f"不允许字符 U+{ord(text[error.position]):04X}",
        ),
    )


def _words(problem: str) -> str:
    for known, (en, zh) in _PROBLEMS.items():
        if known in problem:
            return say(en, zh)
    return say(f"this is no YAML: {problem}", f"不是有效的 YAML：{problem}")


_PROBLEMS = {
    "mapping values are not allowed": (
        "a second ': ' in one line, or a wrong indentation; text with ': ' in it needs quotes",
        "一行中有第二个“: ”，或缩进有误；含“: ”的文本需要加引号",
    ),
    "could not find expected ':'": ("a key without ': '", "键后缺少“: ”"),
    "expected <block end>": (
        "the indentation fits nothing above it",
        "缩进与上文任何一级都不匹配",
    ),
    "found character '%'": ("text that begins with % needs quotes", "以 % 开头的文本需要加引号"),
    "found character '@'": ("text that begins with @ needs quotes", "以 @ 开头的文本需要加引号"),
    "found character '`'": ("text that begins with ` needs quotes", "以 ` 开头的文本需要加引号"),
    "found character '\\t'": (
        "a tab; YAML allows spaces only",
        "有制表符（Tab）；YAML 只允许空格",
    ),
    "found unexpected end of stream": ("a quotation mark is never closed", "引号没有闭合"),
    "expected ',' or ']'": ("a [ list is not closed, or lacks a comma", "[ 列表没有闭合或缺少逗号"),
    "expected ',' or '}'": ("a { section is not closed, or lacks a comma", "{ 配置段没有闭合或缺少逗号"),
    "found unknown escape character": (
        "\\ in double quotes begins an escape; use single quotes for a Windows path",
        "双引号中的 \\ 表示转义；Windows 路径请用单引号",
    ),
    "did not find expected alphabetic": (
        "* and & at the start need quotes",
        "以 * 或 & 开头的文本需要加引号",
    ),
    "block sequence entries are not allowed": (
        "a list's '- ' may not stand here",
        "此处不能使用列表符号“- ”",
    ),
    "could not determine a constructor": ("!tags are not used here", "此处不支持 !标签"),
}
