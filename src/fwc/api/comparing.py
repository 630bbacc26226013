"""What differs between two inputs."""

from __future__ import annotations

import dataclasses

from fwc.api.compiling import printable
from fwc.api.rulesets import Side
from fwc.convert.recent import in_sets
from fwc.dialects.registry import load_dialect
from fwc.diff.changes import changes, plain_name
from fwc.diff.regions import Report, report
from fwc.errors import UsageError
from fwc.ir.model import Ruleset
from fwc.net.hooks import Family


def diff(old: Side, new: Side) -> tuple[Report, list[str]]:
    """What differs between two inputs, and notes on what could not be compared. Raises UsageError when nothing can."""
    families = tuple(f for f in (Family.V4, Family.V6) if f in old.families and f in new.families)
    notes = []
    for family in (Family.V4, Family.V6):
        silent = [side.name for side in (old, new) if family not in side.families]
        if len(silent) == 1:
            notes.append(f"IPv{family.value} is not compared: {printable(silent[0])} says nothing about it")
    if not families:
        raise UsageError(f"{old.name} and {new.name} speak of different families: there is nothing to compare")
    left, right = _same_hooks(old, new)
    if {old.kind, new.kind} == {"iptables-save", "nft"}:
        left, right = in_sets(left)[0], in_sets(right)[0]
    notes += _lifetimes(left, right, old.name, new.name)
    found = changes(left, right, families, respelled=old.kind != new.kind)
    return report(left, right, found), notes


def _lifetimes(left: Ruleset, right: Ruleset, old: str, new: str) -> list[str]:
    """Sets that remember for another time: packets tell that only as time goes by."""
    before, after = (
        {plain_name(s.name): s.timeout for t in side.tables for s in t.sets if s.runtime} for side in (left, right)
    )

    def words(timeout: int | None) -> str:
        return "for ever" if timeout is None else f"for {timeout} s"

    return [
        f"@{printable(name)} remembers {words(before[name])} in {printable(old)} and {words(after[name])} in {printable(new)}"
        for name in before
        if name in after and before[name] != after[name]
    ]


def _same_hooks(old: Side, new: Side) -> tuple[Ruleset, Ruleset]:
    """pf has two crossing points where netfilter has five hooks: the two sides in the same terms."""
    if (old.kind == "pf") is (new.kind == "pf"):
        return old.ruleset, new.ruleset
    terms = load_dialect("pf").proof_terms
    if old.kind == "pf":
        right, left = terms(new.ruleset, _on_machine_of(old.ruleset, new.ruleset))
        return left, right
    return terms(old.ruleset, _on_machine_of(new.ruleset, old.ruleset))


def _on_machine_of(pf: Ruleset, other: Ruleset) -> Ruleset:
    """With the zones and addresses that only a policy names: which packets a pf.conf takes for its own depends on them."""
    return dataclasses.replace(pf, zones=other.zones, own_addresses=other.own_addresses, settings=other.settings)
