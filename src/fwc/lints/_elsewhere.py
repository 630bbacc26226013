"""Names that another file may define: what is missing here is then no finding."""

from __future__ import annotations

import functools

from fwc.diagnostics import Diagnostic
from fwc.lints._settings import LintSettings
from fwc.source import SourceFile

_FAMILIES = frozenset(("ip", "ip6", "inet", "arp", "bridge", "netdev"))


def is_elsewhere(diagnostic: Diagnostic, settings: LintSettings) -> bool:
    """Whether an undefined chain or variable belongs to another program (ufw's before.rules), or to a file that this one is a
    part of."""
    if diagnostic.primary is None:
        return False
    span = diagnostic.primary.span
    if diagnostic.code == "FW028":
        alone = span.file.text.startswith("#!") or "define " in span.file.text
        return "is not defined" in diagnostic.message and (not alone or is_part(span.file))
    if diagnostic.code != "FW015":
        return False
    words = span.text.split()
    foreign = any(settings.is_foreign(word) for word in words[2:])
    return foreign or is_part(span.file)


_SAYS_PART = ("included by", "included from", "included in", "snippet")
"""What a comment at the head of such a file says: `# Meant to be included by main.nft`."""

_HEAD = 10


@functools.lru_cache(maxsize=4)
def is_part(file: SourceFile) -> bool:
    """Whether an nft file is evidently loaded together with others: it includes some, stands in a directory of parts
    (`nftables.d`), says so in a comment at its head, or adds rules to a table that it never makes."""
    head = file.text.splitlines()[:_HEAD]
    comments = [line.lower() for line in head if line.lstrip().startswith("#")]
    if not file.text.startswith("#!") and any(phrase in line for line in comments for phrase in _SAYS_PART):
        return True
    folders = file.path.replace("\\", "/").split("/")[:-1]
    made: set[str] = set()
    used: set[str] = set()
    for line in file.text.splitlines():
        words = line.replace("{", " { ").split()
        if not words:
            continue
        if words[0] == "include":
            return True
        if words[0] in ("add", "create"):
            del words[0]
            if words[:1] == ["rule"]:
                used.add(_table(words))
                continue
        if words[:1] == ["table"]:
            made.add(_table(words))
    return (bool(folders) and folders[-1].endswith(".d") and bool(made)) or not used <= made


def _table(words: list[str]) -> str:
    """Family and name of the table after the first word."""
    if len(words) > 2 and words[1] in _FAMILIES:
        return f"{words[1]} {words[2]}"
    return f"ip {words[1]}" if len(words) > 1 else ""
