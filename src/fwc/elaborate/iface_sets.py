"""Intersection, difference and comparison of interface sets, where the result is a set again."""

from __future__ import annotations

from fwc.net.interfaces import IfaceSet


def meet(a: IfaceSet, b: IfaceSet) -> IfaceSet | None:
    """The interfaces in both, or None when no single set says that (a wildcard without some of its names)."""
    if a.is_any:
        return b
    if b.is_any:
        return a
    if a.negated and b.negated:
        return IfaceSet(a.names | b.names, a.prefixes | b.prefixes, True)
    if a.negated:
        return meet(b, a)
    if b.negated:
        if any(_touches(prefix, b) for prefix in a.prefixes):
            return None
        return IfaceSet(frozenset(n for n in a.names if n in b), frozenset(a.prefixes))
    names = {n for n in a.names if n in b} | {n for n in b.names if n in a}
    prefixes = {p for p in a.prefixes if any(p.startswith(q) for q in b.prefixes)}
    prefixes |= {p for p in b.prefixes if any(p.startswith(q) for q in a.prefixes)}
    return IfaceSet.of([*names, *(f"{p}*" for p in prefixes)])


def _touches(prefix: str, negated: IfaceSet) -> bool:
    """Does the complement `negated` leave out some name that begins with `prefix`."""
    return any(n.startswith(prefix) for n in negated.names) or any(
        p.startswith(prefix) or prefix.startswith(p) for p in negated.prefixes
    )


def disjoint(a: IfaceSet, b: IfaceSet) -> bool:
    """Is it certain that no name lies in both."""
    both = meet(a, b)
    return both is not None and both.is_empty


def inside(a: IfaceSet, b: IfaceSet) -> bool:
    """Is it certain that every name of `a` lies in `b`."""
    return disjoint(a, ~b)


def join(sets: list[IfaceSet]) -> IfaceSet | None:
    """The union of sets that are not complements; None when one of them is."""
    if any(each.negated for each in sets):
        return None
    return IfaceSet.of([text for each in sets for text in each.texts()])
