"""Sets of interface names: exact names and prefixes, or everything but those."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.records import Record


class IfaceSet(Record):
    """Interfaces by name. `names` are exact, `prefixes` match every name that begins so; with `negated` the set is the
    complement. The empty non-negated set holds nothing; the empty negated set holds every interface."""

    names: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    negated: bool = False

    @classmethod
    def of(cls, items: Iterable[str]) -> IfaceSet:
        """From names in which a final `*` or `+` is a wildcard (the policy language, nft and iptables spell it so)."""
        names, prefixes = set(), set()
        for item in items:
            if item.endswith(("*", "+")):
                prefixes.add(item[:-1])
            else:
                names.add(item)
        prefixes = {p for p in prefixes if not any(p != q and p.startswith(q) for q in prefixes)}
        names = {n for n in names if not any(n.startswith(p) for p in prefixes)}
        return cls(frozenset(names), frozenset(prefixes))

    def __contains__(self, name: str) -> bool:
        inside = name in self.names or any(name.startswith(p) for p in self.prefixes)
        return inside is not self.negated

    def __invert__(self) -> IfaceSet:
        return IfaceSet(self.names, self.prefixes, not self.negated)

    @property
    def is_any(self) -> bool:
        return (self.negated and not self.names and not self.prefixes) or (not self.negated and "" in self.prefixes)

    @property
    def is_empty(self) -> bool:
        return (not self.negated and not self.names and not self.prefixes) or (self.negated and "" in self.prefixes)

    def texts(self) -> list[str]:
        """The names sorted, wildcards with a final `*`; the caller handles `negated`."""
        return sorted(self.names) + sorted(f"{p}*" for p in self.prefixes)


ANY_IFACE = IfaceSet(negated=True)
