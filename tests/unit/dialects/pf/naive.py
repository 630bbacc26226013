"""A naive evaluation of lifted pf chains: rule by rule, first match, states left to the caller."""

from __future__ import annotations

from fwc.ir.match import Field, FieldIn, MaskedIn, Match
from fwc.ir.model import Chain, Ruleset
from fwc.ir.verdict import Accept, Continue, Dnat, Log, Masquerade, Netmap, NoTrack, Redirect, Snat, Tag
from fwc.net.hooks import ChainType, Family, Hook


def holds(match: Match, p: dict, names: tuple[str, ...]) -> bool:
    kind = type(match).__name__
    if kind == "Always":
        return True
    if kind == "AllOf":
        return all(holds(m, p, names) for m in match.parts)
    if kind == "AnyOf":
        return any(holds(m, p, names) for m in match.parts)
    if kind == "Not":
        return not holds(match.match, p, names)
    if isinstance(match, MaskedIn):
        if match.field is Field.TCP_FLAGS:
            return p["protocol"] == 6 and (p["flags"] & match.mask) in match.values
        return p["family"] == match.family.value and (p[match.field.value] & match.mask) in match.values
    assert isinstance(match, FieldIn), match
    field = match.field
    if field in (Field.IIF, Field.OIF):
        return p[field.value] in match.values
    if field in (Field.SADDR, Field.DADDR):
        return p[field.value] in match.values.family(Family(p["family"]))
    if field in (Field.ICMP, Field.ICMPV6):
        return p["protocol"] == (1 if field is Field.ICMP else 58) and (p["type"] << 8) in match.values
    if field in (Field.SPORT, Field.DPORT):
        return p["protocol"] in (6, 17) and p[field.value] in match.values
    if field is Field.PF_TAG:
        return p["tag"] in names and names.index(p["tag"]) in match.values
    if field is Field.FRAGMENT:
        return 0 in match.values
    return p[field.value] in match.values


def chain_of(ruleset: Ruleset, hook: Hook, kind: ChainType) -> Chain | None:
    for chain in ruleset.tables[0].chains:
        if chain.base.hook is hook and chain.base.type is kind and chain.base.priority != -150:
            return chain
    return None


def first(chain: Chain | None, p: dict, names: tuple[str, ...]):
    for rule in chain.rules if chain else ():
        if not isinstance(rule.verdict, Continue) and holds(rule.match, p, names):
            return rule
    return None


def crossing(ruleset: Ruleset, p: dict, hook: Hook) -> tuple[str, str | None, bool]:
    """Verdict, deciding label and whether a state is made; `p` is changed as by translation and tags."""
    names = ruleset.names
    nat = first(chain_of(ruleset, hook, ChainType.NAT), p, names)
    before = dict(p)
    translated = nat is not None and isinstance(nat.verdict, Snat | Masquerade | Dnat | Redirect | Netmap)
    if nat is not None:
        tag(nat, p)
    if translated:
        rewrite(nat.verdict, p)
    rule = first(chain_of(ruleset, hook, ChainType.FILTER), p, names)
    if rule is not None and not isinstance(rule.verdict, Accept):
        p.update(before)
        return "drop", rule.label or None, False
    keeps = translated or (rule is not None and not any(isinstance(a, NoTrack) for a in rule.actions))
    if rule is not None:
        tag(rule, p)
    return "pass", (rule.label or None) if rule else None, keeps


def tag(rule, p: dict) -> None:
    for action in rule.actions:
        if isinstance(action, Tag):
            p["tag"] = action.name
        else:
            assert isinstance(action, Log | NoTrack)


def rewrite(verdict, p: dict) -> None:
    if isinstance(verdict, Dnat):
        target = verdict.targets[0]
        p["daddr"] = target.low
        if target.ports:
            p["dport"] = target.ports[0]
    elif isinstance(verdict, Snat):
        p["saddr"] = verdict.target.low
    elif isinstance(verdict, Masquerade):
        p["saddr"] = p["own"][p["oif"], p["family"]]
    elif isinstance(verdict, Netmap):
        field = verdict.field.value
        host = p[field] & ((1 << verdict.family.bits - verdict.length) - 1)
        p[field] = verdict.low | host
