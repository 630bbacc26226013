"""Hosts and groups resolved to addresses, `except` as set difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fwc.diagnostics import Diagnostic
from fwc.elaborate.bindings import Substitution
from fwc.elaborate.codes import CYCLE, EMPTY, KIND, UNDEFINED
from fwc.elaborate.dns import Lock
from fwc.elaborate.hosts import own_addresses
from fwc.elaborate.layout import Named
from fwc.elaborate.names import dependency_order, suggestion
from fwc.elaborate.report import mistake
from fwc.lang import ast
from fwc.net.addresses import AddressSet, union
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet

MOST_SUGGESTIONS = 100


class AddressBook:
    """Addresses by name, filled group by group; `broken` are the names whose declaration has a mistake."""

    def __init__(self, named: Mapping[str, Named], substitution: Substitution, lock: Lock, used: set[str]) -> None:
        self.named = named
        self.substitution = substitution
        self.lock = lock
        self.used = used
        self.found: dict[str, AddressSet] = {}
        self.broken: set[str] = set()
        self.suggested = 0

    def fill(self, out: list[Diagnostic]) -> None:
        """Resolve every host and group, whether used or not: a mistake in an unused group is still a mistake."""
        declared: dict[str, ast.HostAddress | ast.Group] = {}
        for name, node in self.named.items():
            if isinstance(node, ast.ManagedHost):
                self.found[name] = own_addresses(node)
            elif isinstance(node, (ast.HostAddress, ast.Group)):
                before = len(out)
                declared[name] = self.substitution.rewrite(node)
                if len(out) != before:
                    self.broken.add(name)
        order, cycles = dependency_order(declared, lambda name: list(_needs(declared[name])))
        for cycle in cycles:
            self.broken.update(cycle)
            message = f"groups contain each other: {' -> '.join(cycle[:20])}"
            out.append(mistake(CYCLE, message, declared[cycle[0]].name.span, help="take one of them out"))
        for name in order:
            if name not in self.broken:
                self._resolve(name, declared[name], out)

    def members(self, members: Sequence[ast.Member], out: list[Diagnostic]) -> AddressSet | None:
        """The union of a list of members; None after a mistake (reported here or at the member's own declaration)."""
        runs: dict[Family, list[tuple[int, int]]] = {Family.V4: [], Family.V6: []}
        sets: list[AddressSet] = []
        good = True
        for member in members:
            if isinstance(member, ast.Address):
                runs[member.family].append((member.low, member.high))
                continue
            if isinstance(member, ast.Dns):
                found = self.lock.addresses(member, out)
            else:
                found = self._named(member, out) if isinstance(member, ast.Name) else None
            if found is None:
                good = False
            else:
                sets.append(found)
        sets.append(AddressSet(IntervalSet(runs[Family.V4]), IntervalSet(runs[Family.V6])))
        return union(sets) if good else None

    def _resolve(self, name: str, node: ast.HostAddress | ast.Group, out: list[Diagnostic]) -> None:
        included = self.members(node.members, out)
        excluded = self.members(node.excluded, out) if isinstance(node, ast.Group) else AddressSet()
        if included is None or excluded is None:
            self.broken.add(name)
            return
        left = included - excluded
        if not left:
            self.broken.add(name)
            help = "remove the group, or a part of its `except`; an empty group never means any"
            out.append(mistake(EMPTY, f"`except` leaves nothing in group `{name}`", node.name.span, help=help))
            return
        self.found[name] = left

    def _named(self, member: ast.Name, out: list[Diagnostic]) -> AddressSet | None:
        name = member.text
        self.used.add(name)
        found = self.found.get(name)
        if found:
            return found
        if name in self.broken:
            return None
        node = self.named.get(name)
        if isinstance(node, ast.ManagedHost):
            help = "write `address ...` in its block"
            out.append(mistake(KIND, f"host `{name}` has no address", member.span, help=help))
        elif isinstance(node, (ast.Zone, ast.Template)):
            what = "a zone" if isinstance(node, ast.Zone) else "a template"
            help = "a group holds addresses, hosts and groups; zones stand after `from`, `to` or `in`"
            out.append(mistake(KIND, f"`{name}` is {what} and has no place in a group", member.span, help=help))
        elif node is None:
            self.suggested += 1
            meant = (
                suggestion(name, [n for n, d in self.named.items() if _has_addresses(d)])
                if self.suggested <= MOST_SUGGESTIONS
                else ""
            )
            help = f"did you mean `{meant}`?" if meant else "declare it: `host NAME = ...` or `group NAME = ...`"
            out.append(mistake(UNDEFINED, f"there is no host or group named `{name}`", member.span, help=help))
        return None


def _has_addresses(node: Named) -> bool:
    return isinstance(node, (ast.HostAddress, ast.ManagedHost, ast.Group))


def _needs(node: ast.HostAddress | ast.Group) -> Iterator[str]:
    for member in node.members:
        if isinstance(member, ast.Name):
            yield member.text
    if isinstance(node, ast.Group):
        for member in node.excluded:
            if isinstance(member, ast.Name):
                yield member.text
