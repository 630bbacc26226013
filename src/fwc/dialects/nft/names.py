"""Identifiers and strings that are safe inside nft text, whatever the policy says."""

from __future__ import annotations

import hashlib
import re

from fwc.dialects.nft.words import RESERVED
from fwc.errors import FwcError
from fwc.source import utf8

MAX_IDENTIFIER = 63
MAX_COMMENT = 128  # NFT_USERDATA_MAXLEN of nftables 1.0.6: bytes
MAX_PREFIX = 127  # NF_LOG_PREFIXLEN - 1
MAX_IFACE = 15  # IFNAMSIZ - 1

_FOREIGN = re.compile(r"[^A-Za-z0-9_]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029]+")


class Refused(FwcError):
    """Something nft cannot express, found while a rule is lowered; it becomes a FW031 at the rule."""

    def __init__(self, feature: str, help: str = "", code: str = "FW031") -> None:
        super().__init__(feature)
        self.feature = feature
        self.help = help
        self.code = code


class Names:
    """Hands out identifiers: `-` becomes `_`, reserved words get a final `_`, long names are cut, clashes get a hash."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._given: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The identifier of the user's `name`, always the same one."""
        known = self._given.get(name)
        if known is None:
            known = self._given[name] = self.fresh(name)
        return known

    def fresh(self, wish: str) -> str:
        """An identifier like `wish` that nothing else has."""
        base = _FOREIGN.sub("_", wish) or "x"
        if base[0].isdigit():
            base = "_" + base
        if base in RESERVED:
            base += "_"
        if len(base) > MAX_IDENTIFIER:
            base = f"{base[: MAX_IDENTIFIER - 5]}_{_hash(wish)}"
        if base in self._taken:
            number = 2
            while f"{base[:56]}_{number}" in self._taken:
                number += 1
            base = f"{base[:56]}_{number}"
        self._taken.add(base)
        return base


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:4]


def comment_text(text: str) -> str:
    """`text` for a comment: quotes become apostrophes, control characters blanks, at most 128 bytes."""
    text = _CONTROL.sub(" ", text).replace('"', "'").strip()
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= MAX_COMMENT - 1 else raw[: MAX_COMMENT - 4].decode("utf-8", "ignore") + "..."


def header_text(text: str) -> str:
    """`text` for a `#` comment line: no line breaks; a final backslash would continue the line."""
    return _CONTROL.sub(" ", text).rstrip("\\ ")


def log_prefix(text: str) -> str:
    """A log prefix is verbatim or refused."""
    if '"' in text or _CONTROL.search(text):
        raise Refused("a log prefix with a quote or control character", "write the prefix without them")
    if (
        "$" in text
    ):  # nft replaces $name in a prefix, and knows no way to write the character itself (nft 1.0.x, log_prefix)
        raise Refused("a log prefix with `$`: nft reads it as the begin of a variable", "write the prefix without it")
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_PREFIX:
        raise Refused(f"a log prefix of {size} bytes (127 at most)", f'shorten it, for instance "{text[:100].strip()}"')
    return text


def string(text: str, what: str) -> str:
    """A quoted string that must be exact (a user, a cgroup)."""
    if '"' in text or _CONTROL.search(text) or not text:
        raise Refused(f"{what} `{_CONTROL.sub('?', text)}`", "nft strings hold neither quotes nor control characters")
    return text


def iface(text: str) -> str:
    """An interface name, perhaps with a final wildcard."""
    plain = text.removesuffix("*")
    if '"' in plain or "*" in plain or _CONTROL.search(plain) or "\\" in plain or " " in plain or "/" in plain:
        raise Refused(f"the interface name `{_CONTROL.sub('?', text)}`", "use the name that the kernel shows", "FW020")
    if not plain or len(utf8(plain)) > MAX_IFACE:
        raise Refused(f"the interface name `{text}`", "interface names have 1 to 15 bytes", "FW020")
    return text


def duration(seconds: int) -> str:
    """As nft prints it: `1h30m`."""
    out = ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            out += f"{count}{unit}"
    return out or "0s"
