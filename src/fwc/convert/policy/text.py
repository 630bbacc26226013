"""Words, strings and lists of the language; nothing that comes from the source gets into a policy but through these."""

from __future__ import annotations

import re
from collections.abc import Collection

from fwc.lang.hints import RESERVED
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")
_IFNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,14}[*+]?")
LONGEST_NAME = 40
LONGEST_COMMENT = 200


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text not in RESERVED


def name_from(text: str) -> str:
    """A name of the language made of what a person wrote, empty when nothing of it is left."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-_").lower()[:LONGEST_NAME].strip("-_")
    plain = re.sub(r"-{2,}", "-", plain)
    if plain and (plain[0].isdigit() or plain in RESERVED):
        plain = f"n-{plain}"
    return plain if is_name(plain) else ""


def unique(name: str, taken: Collection[str]) -> str:
    """`name`, or with a number behind it where that is taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def quoted(text: str) -> str:
    """A string of the language. A quote or backslash has no place in one that all targets can carry."""
    return '"' + printable(text).replace("\\", "/").replace('"', "'") + '"'


def comment_line(text: str) -> str:
    """A `#` comment: one line whatever the text holds."""
    return f"# {printable(text).strip()[:LONGEST_COMMENT]}".rstrip()


def word_or_quoted(text: str) -> str:
    return text if is_name(text) or text.isdigit() else quoted(text)


def interface(name: str) -> str:
    return name if _IFNAME.fullmatch(name) else quoted(name)


def ports(values: IntervalSet) -> list[str]:
    return [str(low) if low == high else f"{low}-{high}" for low, high in values.runs]


def number_list(values: IntervalSet) -> str:
    shown = ports(IntervalSet.trusted(values.runs[:4]))
    return ", ".join(shown) + (", ..." if len(values.runs) > 4 else "")


def mac(value: int) -> str:
    text = f"{value:012x}"
    return ":".join(text[at : at + 2] for at in range(0, 12, 2))


def family_word(families: Collection[Family]) -> str:
    (only,) = families
    return f"v{only.value}"
