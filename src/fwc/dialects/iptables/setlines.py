"""`ipset save` lines as named sets of the IR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from fwc.dialects.iptables.tree import SetLine
from fwc.ir.match import Field
from fwc.ir.model import NamedSet
from fwc.net.hooks import Family
from fwc.source import NO_ORIGIN, Origin

_KIND = {"ip": "addresses", "net": "networks", "port": "ports", "mac": "macs", "iface": "ifaces"}
_FIELD = {
    "ip": Field.SADDR,
    "net": Field.SADDR,
    "port": Field.DPORT,
    "mac": Field.SMAC,
    "iface": Field.IIF,
    "mark": Field.MARK,
}


def _dimension(word: str, count: int) -> tuple[Field, ...]:
    return (Field.PROTOCOL, Field.DPORT) if word == "port" and count > 1 else (_FIELD[word],)


_FAMILY = {Family.V4: "inet", Family.V6: "inet6"}


class SetNames:
    """What the sets of a file are called in the IR, and what their members are made of.

    `banned4` and `banned6` are the two halves of one set of the language, so both lose their digit, unless a set of the
    bare name exists.
    """

    def __init__(self, lines: Iterable[SetLine]) -> None:
        created = {line.name: line.words for line in lines if line.command == "create" and line.words}
        self._types = {name: words[0].partition(":")[2].split(",") for name, words in created.items()}
        self._names: dict[str, str] = {}
        for name, words in created.items():
            options = dict(pairwise(words))
            for family, word in _FAMILY.items():
                bare = name.removesuffix(str(family.value))
                if options.get("family", "inet") == word and bare != name and bare and bare not in created:
                    self._names[name] = bare

    def name(self, name: str) -> str:
        return self._names.get(name, name)

    def fields(self, name: str, directions: str) -> tuple[Field, ...] | None:
        """The fields that a lookup reads, None when the set's type is not known or has other members."""
        kinds = self._types.get(name)
        words = directions.split(",")
        if kinds is None or len(kinds) != len(words):
            return None
        out: list[Field] = []
        for kind, word in zip(kinds, words, strict=True):
            field = _SIDES.get((kind, word))
            if field is None:
                return None
            if kind == "port" and len(kinds) > 1:
                out.append(Field.PROTOCOL)  # a member of such a set is `tcp:80`
            out.append(field)
        return tuple(out)


_SIDES = {
    ("ip", "src"): Field.SADDR,
    ("ip", "dst"): Field.DADDR,
    ("net", "src"): Field.SADDR,
    ("net", "dst"): Field.DADDR,
    ("port", "src"): Field.SPORT,
    ("port", "dst"): Field.DPORT,
    ("mac", "src"): Field.SMAC,
    ("iface", "src"): Field.IIF,
    ("iface", "dst"): Field.OIF,
    ("mark", "src"): Field.MARK,
}


def named_sets(lines: Sequence[SetLine]) -> tuple[NamedSet, ...]:
    """Every set as one whose content is known to the kernel only: other programs may change it."""
    out: list[NamedSet] = []
    names = SetNames(lines)
    seen: dict[str, str] = {}
    for line in lines:
        if line.command != "create" or not line.words:
            continue
        words = line.words[0].partition(":")[2].split(",")
        options = dict(pairwise(line.words))
        timeout = options.get("timeout", "")
        name = names.name(line.name)
        if seen.setdefault(name, timeout) != timeout:
            name = line.name  # a twin that keeps its members for another time is a set of its own
        elif any(known.name == name for known in out):
            continue
        fields = tuple(f for w in words if w in _FIELD for f in _dimension(w, len(words)))
        origin = Origin((line.span,)) if line.span is not None else NO_ORIGIN
        out.append(
            NamedSet(
                name,
                fields,
                (),
                _KIND.get(words[0], "") if len(words) == 1 else "",
                True,
                int(timeout) if timeout.isdigit() and timeout != "0" else None,
                _size(options.get("maxelem", "")),
                origin=origin,
            )
        )
    return tuple(out)


def _size(text: str) -> int | None:
    return int(text) if text.isdigit() and len(text) < 12 else None
