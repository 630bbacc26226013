"""Zones: the interfaces that the source names, called by what they are for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from fwc.convert.policy.lines import Line
from fwc.convert.policy.text import interface, name_from, unique
from fwc.ir.verdict import Masquerade, Snat
from fwc.net.interfaces import IfaceSet
from fwc.records import Record

LOOPBACK = "lo"
_KINDS = (
    (re.compile(r"lo"), "loopback"),
    (re.compile(r"ppp\*?\d*|pppoe.*|wwan\d*|wan\d*"), "wan"),
    (re.compile(r"docker\*?\d*|br-[0-9a-f]{12}|br-\*"), "containers"),
    (re.compile(r"(?:virbr|vnet|vmbr)\*?\d*(?:-nic)?"), "vms"),
    (re.compile(r"(?:wg|tun|tap|ipsec|vpn|tailscale|utun)\*?\d*"), "vpn"),
    (re.compile(r"(?:wlan|wlp|wl|ath|wifi)\*?[0-9a-z]*"), "wifi"),
    (re.compile(r"br-?lan\d*|lan\d*"), "lan"),
    (re.compile(r"br-?guest.*|guest.*"), "guest"),
    (re.compile(r"dmz.*"), "dmz"),
    (re.compile(r"cni\d*|flannel.*|cali.*|kube.*|cilium.*"), "pods"),
)
_ETHERNET = re.compile(r"(?:eth|en[opsx]?|em|p\d+p|bond)[0-9a-z]*(?:[.@]\d+)?")


class ZoneDecl(Record):
    name: str
    interfaces: tuple[str, ...]
    overlaps: tuple[str, ...] = ()


@dataclasses.dataclass
class Zones:
    """The zones of a policy and the words for sets of interfaces."""

    decls: tuple[ZoneDecl, ...]

    def words(self, ifaces: IfaceSet) -> list[str]:
        """Zones (and `iface lo`) that together are the positive set `ifaces` or, for a negated one, its complement."""
        plain = ~ifaces if ifaces.negated else ifaces
        wanted = set(plain.texts())
        out = []
        for decl in self.decls:
            if wanted >= set(decl.interfaces):
                wanted -= set(decl.interfaces)
                out.append(decl.name)
        return [*out, *(f"iface {interface(name)}" for name in sorted(wanted))]


def zones_of(filter_lines: Sequence[Line], nat_lines: Sequence[Line], taken: set[str]) -> Zones:
    """Interfaces that only ever stand together are one zone."""
    sets: dict[IfaceSet, None] = {}
    for line in (*filter_lines, *nat_lines):
        for ifaces in (line.ends.iif, line.ends.oif):
            if ifaces is not None:
                sets[~ifaces if ifaces.negated else ifaces] = None
    loops = any(_loops(line) for line in (*filter_lines, *nat_lines))
    seen: dict[str, list[int]] = {}
    for at, each in enumerate(sets):
        for text in each.texts():
            if text != LOOPBACK or loops:
                seen.setdefault(text, []).append(at)
    groups: dict[tuple[int, ...], list[str]] = {}
    for text, where in seen.items():
        groups.setdefault(tuple(where), []).append(text)
    members = [tuple(sorted(g)) for g in groups.values()]
    outside = {
        text for line in nat_lines if _translates_source(line) and line.ends.oif for text in line.ends.oif.texts()
    }
    names = _names(members, outside, taken)
    decls = [ZoneDecl(name, group) for name, group in zip(names, members, strict=True)]
    ordered = sorted(decls, key=lambda d: (not set(d.interfaces) & outside, d.interfaces))
    return Zones(tuple(_overlapping(ordered)))


def _loops(line: Line) -> bool:
    """Whether the loopback interface stands with addresses, which `iface lo` cannot."""
    ends = line.ends
    source = ends.iif is not None and LOOPBACK in ends.iif.names and ends.saddr is not None
    return source or (ends.oif is not None and LOOPBACK in ends.oif.names and ends.daddr is not None)


def _translates_source(line: Line) -> bool:
    positive = line.ends.oif is not None and not line.ends.oif.negated
    if any("dnat" in text for text in line.ends.said):
        return False  # the way back of a published service
    return positive and isinstance(line.verdict, Masquerade | Snat)


def _names(members: Sequence[tuple[str, ...]], outside: set[str], taken: set[str]) -> list[str]:
    wishes = [_wish(group, outside) for group in members]
    unnamed = [at for at, wish in enumerate(wishes) if not wish and all(_ETHERNET.fullmatch(i) for i in members[at])]
    if len(unnamed) == 1 and "wan" in wishes and "lan" not in wishes:
        wishes[unnamed[0]] = "lan"
    out = []
    for group, wish in zip(members, wishes, strict=True):
        single = wishes.count(wish) == 1
        own = name_from(group[0].replace("*", "")) or "net"
        found = wish if wish and single else f"{wish}-{own}" if wish and wish != own else own
        name = unique(found, taken)
        taken.add(name)
        out.append(name)
    return out


def _wish(group: Iterable[str], outside: set[str]) -> str:
    names = list(group)
    for pattern, word in _KINDS:
        if all(pattern.fullmatch(n) for n in names):
            return word
    return "wan" if any(n in outside for n in names) else ""


def _overlapping(decls: Sequence[ZoneDecl]) -> Iterable[ZoneDecl]:
    for at, decl in enumerate(decls):
        mine = IfaceSet.of(decl.interfaces)
        others = [d.name for d in decls[:at] if _meet(mine, IfaceSet.of(d.interfaces))]
        yield dataclasses.replace(decl, overlaps=tuple(others))


def _meet(a: IfaceSet, b: IfaceSet) -> bool:
    if any(n in b for n in a.names) or any(n in a for n in b.names):
        return True
    return any(p.startswith(q) or q.startswith(p) for p in a.prefixes for q in b.prefixes)
