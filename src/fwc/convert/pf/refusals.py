"""What stands in a pf.conf and has no words in netfilter, each at its line.

`of_statements` reads the tree for what the IR does not show (how a state is kept, what scrub changes); `of_rule`
reads a lifted rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fwc.diagnostics import Diagnostic, error, warning
from fwc.dialects.pf.lift import KINDS4, KINDS6
from fwc.dialects.pf.tree import (
    Dummynet,
    Filter,
    HostKind,
    Include,
    LoadAnchor,
    Scrub,
    SetOption,
    State,
    Statement,
    TableDef,
    Translation,
    Verbatim,
)
from fwc.ir.match import (
    Field,
    FieldIn,
    MaskedIn,
    Match,
    NoRoute,
    Opaque,
    Owner,
    ReversePathFails,
    SetRef,
    WithinConnections,
    WithinRate,
)
from fwc.ir.model import Rule
from fwc.ir.verdict import AddToSet, ClampMss, Duplicate, OpaqueAction, OpaqueVerdict, Via
from fwc.ir.walk import match_nodes
from fwc.net.interfaces import IfaceSet
from fwc.source import Span

GROUPS = frozenset(
    {
        "all",
        "any",
        "bridge",
        "carp",
        "egress",
        "enc",
        "epair",
        "gif",
        "gre",
        "ipsec",
        "lagg",
        "pair",
        "pflog",
        "pflow",
        "pfsync",
        "ppp",
        "pppoe",
        "tap",
        "trunk",
        "tun",
        "utun",
        "vether",
        "vlan",
        "vxlan",
        "wg",
        "wlan",
    }
)
"""Names that are groups of interfaces on OpenBSD and FreeBSD, not interfaces."""

_LIMITS = {
    "max": "counts the states of the rule",
    "max-src-conn": "counts finished handshakes of the source",
    "max-src-conn-rate": "counts finished handshakes of the source",
    "max-src-nodes": "counts the sources of the rule",
    "max-src-states": "counts the states of the source",
    "max-pkt-rate": "counts the packets of a state",
}
_UNTOLD = frozenset({"if-bound", "floating", "no-sync", "pflow", "source-track", "overload", "flush", "src.track"})
"""Options of a state that decide no packet by themselves; limits are refused where they stand."""
_CHANGES = {
    "no-df": "clears the don't-fragment bit",
    "random-id": "gives packets new identification numbers",
    "min-ttl": "raises the TTL",
    "max-mss": "lowers the MSS of tcp handshakes",
    "set-tos": "writes the TOS octet",
    "reassemble": "rewrites tcp timestamps",
}
_ANCHORS = ("nat-anchor", "rdr-anchor", "binat-anchor")
"""Told of the statement."""
_SHAPING = ("altq", "queue")
PRIORITY = ("set prio", "set queue", "prio", "queue")


def refused(text: str, span: Span | None, help: str = "", *notes: str) -> Diagnostic:
    return error("FW031", text, span, help=help, notes=[note for note in notes if note], name="lossy-compile")


def left_out(text: str, span: Span | None) -> Diagnostic:
    return warning("FW031", text, span, name="lossy-compile")


def filters(statements: tuple[Statement, ...]) -> Iterator[Filter]:
    """The filter rules, those in braces too."""
    for st in statements:
        if isinstance(st, Filter):
            yield st
            yield from filters(st.body or ())


def of_statements(statements: tuple[Statement, ...], used: Collection[str]) -> list[Diagnostic]:
    """Refusals and warnings of everything that is not seen in the lifted rules; `used` are the tables that rules
    ask."""
    out = list(_passing_tags(statements))
    kinds = frozenset(st.kind for st in statements if isinstance(st, Translation))
    for st in statements:
        match st:
            case Filter():
                for rule in filters((st,)):
                    out += _filter(rule)
            case Translation():
                out += _translation(st, kinds)
            case Scrub():
                out += _scrub(st)
            case Dummynet():
                if "dummynet-anchor" not in st.text:
                    out.append(
                        refused("netfilter does not delay or lose packets on purpose, as dummynet does", st.span)
                    )
            case LoadAnchor() if any(
                rule.anchor == st.anchor and rule.body is not None for rule in filters(statements)
            ):
                text = f"the rules of {st.file} join those of the anchor, and are not in this file"
                out.append(refused(text, st.span, "put them between the anchor's braces"))
            case Include():
                text = f"the rules of {st.file} are not in this file"
                out.append(refused(text, st.span, "put them in the place of the `include`"))
            case TableDef() if st.files and st.name in used:
                text = f"the addresses of table <{st.name}> stand in a file that is not read"
                out.append(refused(text, st.span, "write them between braces: `table <name> { ... }`"))
            case TableDef() if st.name in used and any(host.kind is not HostKind.NET for host in st.hosts or ()):
                text = f"table <{st.name}> holds names, whose addresses only the machine knows"
                out.append(refused(text, st.span, "write the addresses; `self` may stand in the rule itself"))
            case SetOption():
                out += _option(st)
            case Verbatim():
                out += _verbatim(st)
    return out


def _filter(rule: Filter) -> Iterator[Diagnostic]:
    yield from _answer(rule)
    if rule.state is not None and rule.action == "pass":
        yield from _state(rule.state, rule.span)
    if rule.queue:
        yield left_out("the queue is left out: netfilter decides whether a packet passes, and `tc` when", rule.span)
    for option in rule.log or ():
        if option in ("all", "matches", "user"):
            yield left_out(f"`log ({option})` writes one line for the first packet only, as `log` does", rule.span)
    for text in rule.extra:
        if text.startswith("scrub"):
            for word in (w for w in _CHANGES if w in text and w != "max-mss"):
                yield refused(f"`{word}` {_CHANGES[word]}, which netfilter does not", rule.span, "take it out")
        if text.startswith(PRIORITY):
            yield left_out(f"`{text}` is left out: the order in which packets are sent is the work of `tc`", rule.span)


def _answer(rule: Filter) -> Iterator[Diagnostic]:
    if rule.answer == "return-rst" and rule.codes:
        yield left_out("the ttl of `return-rst` is left out: Linux answers with its own", rule.span)
    elif rule.answer in ("return-icmp", "return-icmp6"):
        known = [KINDS4 if rule.answer == "return-icmp" else KINDS6, KINDS6]
        for code, kinds in zip(rule.codes, known, strict=False):
            if code not in kinds:
                text = f"Linux has no answer with the code {code}"
                yield refused(text, rule.span, "take another code, or `return`")


def _state(state: State, span: Span | None) -> Iterator[Diagnostic]:
    if state.kind == "synproxy":
        text = "`synproxy state` answers the handshake for the server"
        yield refused(text, span, "write `keep state`; Linux has SYN cookies of its own")
    elif state.kind == "modulate":
        text = "`modulate state` gives connections new sequence numbers, which netfilter cannot"
        yield refused(text, span, "write `keep state`; present systems choose theirs at random anyway")
    for option in state.options:
        word = option[0]
        if word in _LIMITS:
            text = f"`{' '.join(option)}` {_LIMITS[word]}, which netfilter counts in another way"
            yield refused(text, span, "take the limit out, and write it by hand with `ct count` or `limit rate`")
        elif word == "sloppy":
            yield refused("`sloppy` lets packets of a connection by without following its window", span, "take it out")
        elif word not in _UNTOLD:
            text = f"the timeout `{' '.join(option)}` is left out: on Linux they are sysctls (net.netfilter.nf_conntrack_*)"
            yield left_out(text, span)


def _passing_tags(statements: tuple[Statement, ...]) -> Iterator[Diagnostic]:
    """`rdr pass ... tag X` is read as a pass of everything tagged X, so nothing else may give that tag."""
    translations = [st for st in statements if isinstance(st, Translation)]
    others = {rule.tag for rule in filters(statements)} | {st.tag for st in translations if not st.passes}
    for st in translations:
        if st.passes and st.tag and st.tag in others:
            text = f"`{st.kind} pass` gives the tag {st.tag} that other rules give too"
            yield refused(text, st.span, "let this rule give a tag of its own")


def _translation(st: Translation, names: frozenset[str]) -> Iterator[Diagnostic]:
    if st.anchor is not None:
        text = f"the rules of this {st.kind}-anchor are not in this file, so what they translate is unknown"
        yield refused(text, st.span)
    if st.no and st.kind in ("rdr", "nat", "binat") and "binat" in names and (st.kind == "binat" or st.kind == "rdr"):
        text = f"`no {st.kind}` exempts from {st.kind} alone, and the other rules are still asked"
        yield refused(text, st.span, "take the binat rules out")
    if st.rtable is not None:
        yield refused("`rtable` asks another routing table, which is the work of `ip rule` on Linux", st.span)
    for option in st.pool.options if st.pool else ():
        if option in ("bitmask", "source-hash"):
            yield refused(f"`{option}` chooses the address by the old one, which netfilter does otherwise", st.span)
    if st.log is not None:
        yield left_out("`log` of a translation is left out", st.span)


def _scrub(st: Scrub) -> Iterator[Diagnostic]:
    if st.anchor is not None:
        yield refused("the rules of this scrub-anchor are not in this file", st.span)
    for iface in st.ifaces:
        yield from _group(iface.name, st.span)
    if any(host.kind is not HostKind.NET for peer in (st.source, st.dest) for host in peer.hosts):
        text = "a scrub rule for tables and names is not converted"
        yield refused(text, st.span, "write the addresses, or scrub all packets")
    for option in () if st.no else st.options:
        if option[0] in _CHANGES:
            yield refused(
                f"`{' '.join(option)}` {_CHANGES[option[0]]}, which netfilter does not", st.span, "take it out"
            )
        elif option[0] == "tagged":
            yield refused("a scrub rule that asks for a tag is not converted", st.span, "take it out")


def _option(st: SetOption) -> Iterator[Diagnostic]:
    if st.name == "skip":
        for value in st.values:
            yield from _group(value[-1], st.span)
    if st.name in ("timeout", "optimization", "limit"):
        text = f"`set {st.name}` is left out: how long connections are kept, and how many, are sysctls on Linux"
        yield left_out(f"{text} (net.netfilter.nf_conntrack_*)", st.span)


def _group(name: str, span: Span | None) -> Iterator[Diagnostic]:
    if name in GROUPS:
        text = f"`{name}` is a group of interfaces where pf has groups, and no interface of Linux"
        yield refused(text, span, "name the interfaces: `on { em0, em1 }`")


def _verbatim(st: Verbatim) -> Iterator[Diagnostic]:
    words = st.text.split()
    if words[0] in _SHAPING:
        yield left_out(f"`{words[0]}` is left out: netfilter decides whether a packet passes, and `tc` when", st.span)
    elif words[:2] not in (["set", "reassemble"], ["set", "fail-policy"]):
        yield refused(f"`{' '.join(words[:2])}` is not converted", st.span, "take it out")


def of_rule(rule: Rule, machine_sets: Collection[str]) -> list[Diagnostic]:
    """What a lifted rule asks or does that netfilter does not; `machine_sets` hold addresses that only the machine
    knows."""
    span = rule.origin.span
    out = [refused(*found) for node in match_nodes(rule.match) for found in _node(node, machine_sets, span)]
    if (
        isinstance(rule.verdict, OpaqueVerdict)
        and rule.verdict.kind == "anchor"
        and not rule.verdict.text.startswith(_ANCHORS)
    ):
        text = f"the rules of `{rule.verdict.text}` are not in this file, so what they decide is unknown"
        out.append(refused(text, span, "write the rules between braces behind the anchor's name, or take it out"))
    for action in rule.actions:
        if isinstance(action, Via | Duplicate):
            kind = "dup-to" if isinstance(action, Duplicate) else action.kind
            out.append(refused(f"`{kind}` chooses the way of packets, which is the work of `ip rule` on Linux", span))
        elif isinstance(action, OpaqueAction) and not action.text.startswith(PRIORITY):
            out.append(refused(f"`{action.text}` has no equivalent that would be proved", span, "take it out"))
        elif isinstance(action, ClampMss):
            out.append(
                refused("`max-mss` lowers the MSS of tcp handshakes, which is not converted", span, "take it out")
            )
        elif isinstance(action, AddToSet):
            out.append(refused(f"`overload <{action.set}>` belongs to a limit of pf's states", span, "take it out"))
    return list(dict.fromkeys(out))


def _node(node: Match, machine_sets: Collection[str], span: Span | None) -> Iterator[tuple[str, Span | None, str]]:
    match node:
        case FieldIn(field, IfaceSet() as values) if field in (Field.IIF, Field.OIF):
            for name in sorted(values.names):
                for found in _group(name, span):
                    yield found.message, span, found.help
        case FieldIn(Field.FRAGMENT):
            text = "`fragment` never holds on Linux, which puts fragments together before it asks a rule"
            yield text, span, "take the rule out"
        case MaskedIn(Field.SADDR | Field.DADDR):
            text = "macOS compares the ends of a range in another byte order than other systems"
            yield text, span, "write networks, as 192.0.2.0/26"
        case SetRef(name) if name in machine_sets:
            yield f"only the machine itself knows what `{name}` stands for", span, "write the addresses"
        case Owner(kind):
            yield f"`{kind}` asks for the socket, which netfilter knows of packets going out only", span, "take it out"
        case ReversePathFails() | NoRoute():
            word = "no-route" if isinstance(node, NoRoute) else "urpf-failed"
            text = f"`{word}` asks the routing table in a place where netfilter cannot"
            yield text, span, "take it out, and set the sysctl net.ipv4.conf.all.rp_filter"
        case Opaque("pf", text, kind):
            yield f"nothing in netfilter means `{text}` ({kind})", span, "take it out"
        case WithinRate() | WithinConnections():
            pass  # said of the statement
