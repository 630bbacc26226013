"""Lines as text: the two ends, conditions and options of a statement at its hook."""

from __future__ import annotations

from fwc.analysis.fates import effect_text
from fwc.convert.policy.conditions import rate_text, within_text
from fwc.convert.policy.groups import Groups
from fwc.convert.policy.lines import Line
from fwc.convert.policy.services import traffic
from fwc.convert.policy.terms import Question, Term
from fwc.convert.policy.text import family_word, mac, name_from, ports, quoted
from fwc.convert.policy.unsaid import Unsaid
from fwc.convert.policy.zones import Zones
from fwc.dialects.iptables.lexer import join_words
from fwc.dialects.iptables.matches import ipsec_words, routing_words
from fwc.dialects.nft.conditions import ipsec_statement, routing_statement
from fwc.dialects.nft.printer import statement
from fwc.ir.match import AddressTypeIs, CtState, Field, FieldIn, Per
from fwc.ir.verdict import (
    Action,
    AddToSet,
    Count,
    Log,
    Reject,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.records import Record

_STATES = {s.value: s.name.lower() for s in CtState}
FILTER_SITES = ("input", "forward", "output")


class Ends(Record):
    """What stands after `from` and `to`: the last of each stands in the statement, the others in blocks around it."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    conditions: tuple[str, ...] = ()


class Vocabulary(Record):
    zones: Zones
    groups: Groups
    families: frozenset[Family]
    sets: dict[str, str]
    dialect: str


def ends_of(term: Term, site: str, words: Vocabulary) -> Ends | None:
    """`from` and `to` at a site: a hook, "chain" for a chain of its own. None where no packet of the term can be there. Raises
    Unsaid."""
    iif, oif = term.iif, term.oif
    if site in ("input", "prerouting") and oif is not None:
        if not oif.negated:
            return None
        oif = None
    if site == "output" and iif is not None:
        if not iif.negated:
            return None
        iif = None
    here = {"input": ("", "self"), "output": ("self", "")}.get(site, ("", ""))
    local_source, local_target = _local(term, site)
    through = site == "forward"
    macs = [f"mac {mac(value)}" for value in term.mac] if term.mac is not None else []
    source = _side(
        words, iif, term.saddr, term.not_saddr, _sets(term, Field.SADDR), macs, here[0] or local_source, through
    )
    target = _side(
        words, oif, term.daddr, term.not_daddr, _sets(term, Field.DADDR), [], here[1] or local_target, through
    )
    # an address that packets come from is never ours, one that they go to may be
    if through and oif is None and (term.daddr or any(w for _, w in _sets(term, Field.DADDR))):
        target = (*target[:-1], _with_exception(target[-1], "self"))
    return Ends(source, target, tuple(sorted(_question(*each, site, words.dialect) for each in asked(term, site))))


def _with_exception(operand: str, name: str) -> str:
    """The operand without `name` besides what it leaves out already."""
    if " except " in operand:
        return operand.replace(" except ", f" except {name}, ", 1)
    return f"{operand} except {name}"


def _local(term: Term, site: str) -> tuple[str, str]:
    """`self` where the source asks the routing table whether an address is ours and the policy does too: "self" or "!self" for
    each side, empty where it is a condition (`asked`)."""
    left = asked(term, site)
    found = {"saddr": "", "daddr": ""}
    for question, answer in term.routing - left:
        assert isinstance(question, AddressTypeIs)
        found[question.side.value] = "self" if answer else "!self"
    return found["saddr"], found["daddr"]


def asked(term: Term, site: str) -> frozenset[tuple[Question, bool]]:
    """The questions of `Term.routing` that no `from` or `to` says at the site."""
    told = _TOLD.get(site, frozenset())
    return term.routing - told if len(term.routing & told) < 2 else term.routing


_OUR_SOURCE, _OUR_DESTINATION = AddressTypeIs(Field.SADDR, "local"), AddressTypeIs(Field.DADDR, "local")
_TOLD: dict[str, frozenset[tuple[Question, bool]]] = {
    "prerouting": frozenset({(_OUR_DESTINATION, True), (_OUR_DESTINATION, False)}),
    "output": frozenset({(_OUR_DESTINATION, True)}),
    "postrouting": frozenset({(_OUR_SOURCE, True), (_OUR_SOURCE, False)}),
}


def _question(question: Question, answer: bool, site: str, dialect: str) -> str:
    """A question of the routing table or of IPsec in the words of the source's target. The language has a word of its own for
    IPsec, which asks for the side on which a packet is at the site. `not` denies an address type only."""
    if isinstance(question, FieldIn) and site in _IPSEC_SITES[question.field]:
        return "ipsec" if answer else "not ipsec"
    before = "not " if not answer and isinstance(question, AddressTypeIs) else ""
    return f'{before}native {dialect} """{_native(question, answer or bool(before), dialect)}"""'


def _native(question: Question, answer: bool, dialect: str) -> str:
    if isinstance(question, FieldIn):
        if dialect == "iptables":
            return join_words(ipsec_words(question.field, answer))
        return statement(ipsec_statement(question.field, answer))
    if dialect == "iptables":
        return join_words(routing_words(question, not answer))
    return statement(routing_statement(question, not answer))


_IPSEC_SITES = {Field.IPSEC: ("prerouting", "input", "forward"), Field.IPSEC_OUT: ("output", "postrouting")}


def _sets(term: Term, field: Field) -> list[tuple[str, bool]]:
    return [(name, wanted) for name, on, wanted in term.sets if on is field]


def _side(
    words: Vocabulary,
    ifaces: IfaceSet | None,
    inside: AddressSet | None,
    outside: AddressSet,
    sets: list[tuple[str, bool]],
    macs: list[str],
    local: str,
    through: bool,
) -> tuple[str, ...]:
    """The operands of one side. `local` is "self", or "!self" for anything but this machine; `through` keeps this machine out of
    what is said of packets that pass through it."""
    operands: list[str] = []
    if inside:
        operands.append(", ".join(words.groups.words(inside)))
    operands += [f"@{words.sets[name]}" for name, wanted in sets if wanted]
    if macs:
        operands.append(", ".join(macs))
    exceptions = [f"@{words.sets[name]}" for name, wanted in sets if not wanted]
    if outside:
        exceptions += words.groups.words(outside)
    by = [] if ifaces is None else words.zones.words(ifaces)
    if ifaces is not None and ifaces.negated:
        exceptions += by
        by = []
    plain = [w for w in by if not w.startswith("iface ")]
    suffix = ""
    if by and operands and len(plain) == len(by) and not local:
        suffix = f" in {', '.join(by)}"
    elif by:
        operands.insert(0, ", ".join(by))
    if local == "self":
        operands.insert(0, "self")
    elif (through or local == "!self") and not by and not operands:
        exceptions.insert(0, "self")
    if not operands:
        operands = ["any"]
    if exceptions:
        operands[-1] += f" except {', '.join(exceptions)}"
    operands[-1] += suffix
    return tuple(operands)


# ----- conditions and options ------------------------------------------------------


def conditions(term: Term, limited: bool = False) -> list[str]:
    """The conditions after `if`; with `limited` the rate stands elsewhere in the statement."""
    out = []
    if term.states is not None:
        out.append("state " + ", ".join(_STATES[v] for v in sorted(term.states, key=lambda v: (v != 3, v))))
    said = list(term.said)
    if term.dnat_ports is not None:
        if "dnat" not in said:
            raise Unsaid(
                "the port that the connection had before its translation, without asking whether it was translated"
            )
        said[said.index("dnat")] = "dnat port " + ", ".join(ports(term.dnat_ports))
    if term.rate is not None and not limited:
        said.append(within_text(term.rate))
    return [*out, *said]


def log_text(log: Log) -> str:
    parts = ["log"]
    if log.prefix:
        parts.append(log_prefix(log.prefix))
    if log.level:
        parts.append(f"level {_LEVELS.get(log.level, log.level)}")
    if log.size is not None or log.threshold:
        raise Unsaid("a log group with a size or a threshold", "leave `--nflog-size` and `--nflog-threshold` out")
    if log.nflog_group is not None:
        parts.append(f"nflog {log.nflog_group}")
    if log.rate is not None:
        if log.rate.per is not Per.ALL or log.rate.unit != "packets":
            raise Unsaid("a log line with a rate per address")
        parts.append(f"rate {rate_text(log.rate)}")
    return " ".join(parts)


_LEVELS = {"warning": "warn", "error": "err", "panic": "emerg", "4": "warn"}


def log_prefix(prefix: str) -> str:
    if any(c in prefix for c in "\"\\'") or not prefix.isprintable() or not prefix.isascii():
        raise Unsaid(f"the log prefix {prefix!r}", "take quotes and backslashes out of it")
    return quoted(prefix)


def action_text(action: Action, words: Vocabulary) -> str:
    """An action as an option. Raises Unsaid."""
    if isinstance(action, Log):
        return log_text(action)
    if isinstance(action, Count):
        name = name_from(action.name)
        return f"count {name}" if name else "count"
    if isinstance(action, AddToSet):
        if action.delete or action.fields not in ((Field.SADDR,), (Field.DADDR,)):
            raise Unsaid("a change of a set that is not adding one address")
        side = "source" if action.fields[0] is Field.SADDR else "destination"
        timeout = "" if action.timeout is None else f" timeout {action.timeout}s"
        return f"add {side} to @{words.sets[action.set]}{timeout}"
    raise Unsaid(f"`{effect_text(action)}`")


def meta_text(line: Line) -> str:
    out = ""
    label = name_from(line.label)
    if label:
        out += f" as {label}"
    if line.comment:
        out += f" comment {quoted(line.comment)}"
    return out


def reject_text(reject: Reject) -> str:
    return f" with {reject.kind.value}" if reject.kind.value != "default" else ""


def traffic_text(line: Line, words: Vocabulary, optional: bool = False) -> str:
    """Family word and traffic; with `optional` nothing for any traffic."""
    text = traffic(line.boxes, line.families, words.families)
    if optional and text == "any":
        text = ""
    family = _family(line, words)
    return " ".join(part for part in (family, text) if part)


def _family(line: Line, words: Vocabulary) -> str:
    return family_word(line.families) if family_needed(line, words) else ""


def family_needed(line: Line, words: Vocabulary) -> bool:
    """Whether the family has to be said: neither the addresses nor the traffic are of one anyway."""
    if line.families >= words.families or line.ends.saddr or line.ends.daddr:
        return False
    return not all(box.icmp is not None or box.icmpv6 is not None for box in line.boxes)
