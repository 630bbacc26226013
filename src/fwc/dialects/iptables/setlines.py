"""`ipset save` lines as named sets of the IR."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.dialects.iptables.tree import SetLine
from fwc.ir.match import Field
from fwc.ir.model import NamedSet
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


def named_sets(lines: Iterable[SetLine]) -> tuple[NamedSet, ...]:
    """Every set as one whose content is known to the kernel only: other programs may change it."""
    out: list[NamedSet] = []
    for line in lines:
        if line.command != "create" or not line.words:
            continue
        words = line.words[0].partition(":")[2].split(",")
        options = dict(zip(line.words[1:], line.words[2:], strict=False))
        timeout = options.get("timeout", "")
        fields = tuple(_FIELD[w] for w in words if w in _FIELD)
        origin = Origin((line.span,)) if line.span is not None else NO_ORIGIN
        out.append(
            NamedSet(
                line.name,
                fields,
                (),
                _KIND.get(words[0], "") if len(words) == 1 else "",
                True,
                int(timeout) if timeout.isdigit() and timeout != "0" else None,
                origin=origin,
            )
        )
    return tuple(out)
