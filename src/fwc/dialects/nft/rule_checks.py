"""Rules that nft refuses for what their statements are to each other and to the table (src/evaluate.c of nftables 1.0.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.checks import address_family
from fwc.dialects.nft.lift_values import Wrong
from fwc.dialects.nft.protocol_context import Known, needs_context
from fwc.net.hooks import Family

_CODES = {"icmp": words.ICMP_CODES, "icmpv6": words.ICMPV6_CODES}
_TYPES = {"ip": "ipv4_addr", "ip6": "ipv6_addr"}
_LEVELS = frozenset((*words.LOG_LEVELS, "audit"))
_NUMBERS = frozenset(map(str, range(256)))
_OTHER = {"icmp": "ip6", "icmpv6": "ip"}


def check_rule(rule: t.RuleNode, family: str, sets: Mapping[str, t.SetNode]) -> None:
    """Raise Wrong where nft refuses the rule in a table of this family with these sets."""
    for name, asked in _references(rule.statements):
        if name not in sets:
            raise Wrong("FW015", f"the set `@{name}` does not exist", "define it in this table")
        _typed(name, asked, sets[name].key)
    for each in rule.statements:
        if isinstance(each, t.LogTo) and each.level and each.level not in _LEVELS and each.level[:1] != "$":
            raise Wrong("FW001", f"`{each.level}` is no log level", f"write {', '.join(words.LOG_LEVELS)}")
    if not any(map(needs_context, rule.statements)):
        return
    before = Known(family)
    for each in rule.statements:
        if isinstance(each, t.RejectWith):
            _reject(each, family, rule.statements)
            before.answered(each)
        elif isinstance(each, t.Nat):
            _nat(each, family)
            before.translated(each)
        elif isinstance(each, t.Foreign) and each.kind == "tproxy":
            before.proxied(each.text)
        else:
            before.learn(each)


def _references(statements: Sequence[t.Statement]) -> Iterator[tuple[str, t.Expr]]:
    """Each set that is asked, with what is looked up in it."""
    for each in statements:
        if isinstance(each, t.Compare) and isinstance(each.right, t.Ref):
            yield each.right.name, each.left
        elif isinstance(each, t.Vmap) and isinstance(each.source, t.Ref):
            yield each.source.name, each.key
        elif isinstance(each, t.Update) and each.verb != "meter":
            yield each.set, each.key


def _typed(name: str, asked: t.Expr, key: Sequence[str]) -> None:
    """A set of addresses of one family holds none of the other."""
    parts = asked.parts if isinstance(asked, t.Concat) else (asked,)
    for part, kind in zip(parts, key, strict=False):
        if not isinstance(part, t.Selector) or not part.text.endswith(("saddr", "daddr")):
            continue
        wanted = _TYPES.get(part.text.split()[0], "")
        if wanted and kind in _TYPES.values() and kind != wanted:
            raise Wrong(
                "FW001", f"`{part.text}` is looked up in `@{name}`, which holds {kind}", f"make a set of {wanted}"
            )


def _reject(node: t.RejectWith, family: str, statements: Sequence[t.Statement]) -> None:
    kind, _, code = node.kind.partition(" ")
    names = _CODES.get(kind)
    if names is not None and code not in names and code not in _NUMBERS and code[:1] != "$":
        raise Wrong("FW001", f"`{code}` is no code of {kind}", f"write {', '.join(names)}")
    if family == _OTHER.get(kind):
        raise Wrong("FW001", f"a table of the family {family} cannot answer with {kind}")
    if node.kind == "tcp reset":
        for each in statements:
            if _is_other_protocol(each):
                raise Wrong("FW001", "only TCP can be answered with a reset", "write `reject` alone")


def _is_other_protocol(node: t.Statement) -> bool:
    if not isinstance(node, t.Compare) or not isinstance(node.left, t.Selector) or node.op not in ("", "=="):
        return False
    if node.left.text in ("meta l4proto", "l4proto", "ip protocol", "ip6 nexthdr"):
        return isinstance(node.right, t.Word) and node.right.text in words.PROTOCOL_NUMBERS and node.right.text != "tcp"
    return node.left.text.split()[0] in ("udp", "sctp", "dccp", "udplite")


def _nat(node: t.Nat, family: str) -> None:
    address = node.address.text if isinstance(node.address, t.Word) else ""
    found = address_family(address)
    if found is None:
        return
    wanted = node.family or (family if family in ("ip", "ip6") else "")
    if wanted and wanted != ("ip" if found is Family.V4 else "ip6"):
        raise Wrong("FW001", f"{address} is no address of the family {wanted}")
