"""Two languages for everything that people read.

Both texts stand side by side where they are used, so neither can be forgotten::

    say("camera not found", "未找到相机")

``OKNG_LANG=zh`` chooses Chinese; anything else, or nothing, English. Log event names, register
names and file formats are not translated: programs read those.
"""

import os
from typing import Literal

Language = Literal["en", "zh"]


def language() -> Language:
    """Return the language that people read on this terminal, from ``OKNG_LANG``."""
    return "zh" if os.environ.get("OKNG_LANG", "").lower().startswith("zh") else "en"


def say(en: str, zh: str) -> str:
    """Return the text in the language in force."""
    return zh if language() == "zh" else en
