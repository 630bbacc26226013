"""The policy's text: settings, names, then statements section by section."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from fwc.convert.policy.groups import GroupDecl, groups_of, literals
from fwc.convert.policy.lines import Line
from fwc.convert.policy.model import FILTER_HOOKS, Block, Model
from fwc.convert.policy.phrases import Vocabulary, log_text, reject_text
from fwc.convert.policy.statements import SYN, Choices, Statement, statements
from fwc.convert.policy.steps import Refusal
from fwc.convert.policy.terms import ANYTHING
from fwc.convert.policy.text import comment_line, family_word, interface, name_from, unique
from fwc.convert.policy.translations import translation
from fwc.convert.policy.unsaid import Unsaid
from fwc.convert.policy.zones import ZoneDecl, zones_of
from fwc.ir.match import CtState, Field
from fwc.ir.model import NamedSet
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, Accept, ClampMss, Continue, Log, Reject, RejectKind, Verdict
from fwc.lang.hints import RESERVED
from fwc.net.addresses import AddressSet
from fwc.net.hooks import PRIORITY_MANGLE, PRIORITY_NAMES, ChainType, Family, Hook
from fwc.net.interfaces import ANY_IFACE, IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record

IMPLICIT = ("loopback", "established", "invalid-drop", "icmpv6-nd", "dhcp-client")
_WIDTH = 100
MOST_ON_A_LINE = 4
MOST_LOOKED_BACK = 20


class Style(Record):
    """What may be written in more than one way: which implicit rules are on, whether `forward` brings its accept,
    how what is over a limit is refused; `implied` leaves the source's own accepts of what is published to `forward`;
    `inward_first` has translated destinations before the other translations (a `no-nat` counts for both)."""

    implicit: frozenset[str] = frozenset()
    plain: bool = False
    choices: Choices = Choices()
    implied: bool = False
    inward_first: bool = False


@dataclasses.dataclass
class Page:
    text: str
    refusals: list[Refusal]
    set_names: dict[str, str]


class Writer:
    """Writes one model in one style."""

    def __init__(self, model: Model, title: Sequence[str]) -> None:
        self.model = model
        self.title = title
        lines = list(model.all_lines())
        taken: set[str] = set(RESERVED)
        nat = [line for each in model.nat.values() for line in each]
        rest = [line for line in lines if not any(line is n for n in nat)] if len(nat) < 200 else lines
        zones = zones_of(rest, nat, taken)
        groups = groups_of(lines, zones, taken)
        self.set_names: dict[str, str] = {}
        for name in model.sets:
            self.set_names[name] = unique(name_from(name) or "set", set(self.set_names.values()))
        self.words = Vocabulary(zones, groups, frozenset(model.families), self.set_names, model.dialect)
        self.verbatim = any(isinstance(a, Log) for line in lines for a in line.actions)

    def page(self, style: Style) -> Page:
        self.style = style
        self.refusals: list[Refusal] = list(self.model.refusals)
        nat_out = self._translations("postrouting", "")
        nat_in = self._translations("prerouting", "") + self._translations("output", "")
        translations = [("translations", nat_out), ("translated destinations" if nat_out else "translations", nat_in)]
        parts: list[tuple[str, list[str]]] = [
            ("", ["syntax 1", *self.title]),
            ("", self._settings()),
            ("", [line for zone in self.words.zones.decls for line in [_zone(zone)]]),
            ("", [line for group in self.words.groups.decls if _short(group) for line in _group(group)]),
            *(("", _group(group)) for group in self.words.groups.decls if not _short(group)),
            ("", [self._set(name, known) for name, known in self.model.sets.items()]),
            *(("", self._block(block)) for block in self.model.blocks if not clamped(block)),
            *(("", self._chain(name)) for name in self.model.chains),
            ("", [line for block in self.model.blocks for line in self._clamp(block)]),
            *(reversed(translations) if self.style.inward_first else translations),
            ("to this machine", self._hook("input")),
            ("through it", self._hook("forward")),
            ("from it", self._hook("output")),
            ("", self.defaults()),
        ]
        return Page(_joined(parts), self.refusals, self.set_names)

    # ----- declarations -------------------------------------------------------------

    def _settings(self) -> list[str]:
        out = ["settings {"]
        if len(self.model.families) == 1:
            out.append(f"family {family_word(self.model.families)}")
        out += [f"implicit {name} off" for name in IMPLICIT if self._switch(name)]
        if self.verbatim:
            out.append("log verbatim on")
        return [] if len(out) == 1 else [*out, "}"]

    def _switch(self, name: str) -> bool:
        """Whether an implicit rule must be switched off."""
        if name in self.style.implicit:
            return False
        return name != "icmpv6-nd" or Family.V6 in self.model.families

    def _set(self, name: str, known: NamedSet | None) -> str:
        text = f"set {self.set_names[name]} of networks dynamic"
        if known is None:
            return text
        if known.fields not in ((), (Field.SADDR,), (Field.DADDR,)):
            self._refuse(known, "a set of something else than addresses")
        if known.timeout is not None:
            text += f" timeout {known.timeout}s"
        if known.size is not None and known.size > 0:
            text += f" size {known.size}"
        values = [v for element in known.elements for v in element if isinstance(v, AddressSet)]
        if len(values) != len(known.elements):
            self._refuse(known, "a set of something else than addresses")
        members = [text for v in values for text in literals(v)]
        return text + (f" = {', '.join(members)}" if members else "")

    def _refuse(self, known: NamedSet, what: str) -> None:
        from fwc.ir.model import Rule

        self.refusals.append(Refusal(Rule(origin=known.origin), what))

    # ----- statements ---------------------------------------------------------------

    def _say(self, lines: Iterable[Line], say: Callable[[Line], list[Statement]]) -> list[str]:
        found: list[Statement] = []
        for line in lines:
            try:
                new = say(line)
                # behind itself a decision never runs; that is what is left of rules that differ in what this hook does not know
                found += [
                    each for each in new if isinstance(line.verdict, Continue) or each not in found[-MOST_LOOKED_BACK:]
                ]
            except Unsaid as problem:
                self.refusals.append(Refusal(line.rules[-1], problem.what, problem.help))
        return _blocks(found)

    def _translations(self, site: str, _: str) -> list[str]:
        return self._say(
            self.model.nat.get(site, []), lambda line: translation(line, site, self.words, self.style.plain)
        )

    def _hook(self, hook: str) -> list[str]:
        lines = [line for line in self._rules(hook) if not stands_for(line, hook, self.style.implicit)]
        if self.style.implied:
            lines = [line for line in lines if not accepts_published(line)]
        found = self._say(lines, lambda line: statements(line, hook, self.words, self.style.choices))
        return found + self._other_default(hook)

    def _other_default(self, hook: str) -> list[str]:
        """What is left of a family whose chain accepts it, where the other family's refuses: a policy has one default."""
        _, _, line = self._ending(hook)
        policies = self.model.policies[hook]
        if line is not None or len(set(policies.values())) < 2:
            return []
        ends = {"input": "from any to self", "forward": "from any except self to any except self"}
        where = ends.get(hook, "from self to any")
        return [f"allow v{f.value} any {where}" for f, v in policies.items() if isinstance(v, Accept)]

    def _block(self, block: Block) -> list[str]:
        base, hook = block.base, block.base.hook.value
        verdicts = set(block.policies.values())
        policy = "accept" if len(verdicts) > 1 or Accept() in verdicts else "drop"
        kind = f" type {base.type.value}" if base.type is not ChainType.FILTER else ""
        body = self._say(block.lines, lambda line: statements(line, hook, self.words, self.style.choices))
        if len(verdicts) > 1:
            body += [f"deny v{f.value} any from any to any" for f, v in block.policies.items() if v == DROP]
        return [f"hook {hook} priority {_priority(base.priority)}{kind} policy {policy} as {block.name} {{", *body, "}"]

    def _clamp(self, block: Block) -> list[str]:
        """`clamp` for both directions, where the source has both."""
        pair = clamped(block)
        if pair is None:
            return []
        line = dataclasses.replace(block.lines[0], ends=dataclasses.replace(block.lines[0].ends, iif=None, oif=pair))
        (statement,) = statements(line, "postrouting", self.words, self.style.choices)
        return [statement.text]

    def _chain(self, name: str) -> list[str]:
        chain = self.model.chains[name]
        site = next(iter(chain.sites)) if len(chain.sites) == 1 else "chain"
        return [
            f"chain {name} {{",
            *self._say(chain.lines, lambda line: statements(line, site, self.words, self.style.choices, in_chain=True)),
            "}",
        ]

    # ----- defaults -----------------------------------------------------------------

    def _rules(self, hook: str) -> list[Line]:
        """The lines of a hook without those that its default says."""
        lines, _, _ = self._ending(hook)
        return lines

    def _ending(self, hook: str) -> tuple[list[Line], Verdict, Line | None]:
        """Lines, the verdict of what is left for all families, and the line that says so."""
        lines = list(self.model.filters.get(hook, []))
        policies = self.model.policies[hook]
        everybody = frozenset(self.model.families)
        last = lines[-1] if lines else None
        if last is not None and last.whole and last.families >= everybody and last.final and _defaultable(last):
            return lines[:-1], last.verdict, last
        verdicts = set(policies.values())
        if last is not None and len(verdicts) == 1 and _logs_rest(last, everybody):
            return lines[:-1], next(iter(verdicts)), last
        if len(verdicts) == 1:
            return lines, next(iter(verdicts)), None
        return lines, DROP, None

    def defaults(self) -> list[str]:
        out = []
        for hook in FILTER_HOOKS:
            _, verdict, line = self._ending(hook)
            out.append(self._default(hook, verdict, line))
        return out

    def _default(self, hook: str, verdict: Verdict, line: Line | None) -> str:
        word = "allow" if isinstance(verdict, Accept) else "reject" if isinstance(verdict, Reject) else "deny"
        text = f"default {hook} {word}"
        if isinstance(verdict, Reject):
            text += reject_text(verdict)
        try:
            for action in line.actions if line is not None else ():
                assert isinstance(action, Log)
                text += f" {log_text(action)}"
        except Unsaid as problem:
            assert line is not None
            self.refusals.append(Refusal(line.rules[-1], problem.what, problem.help))
        return text


def clamped(block: Block) -> IfaceSet | None:
    """The interfaces in whose both directions a chain clamps the MSS and does nothing else; None for other chains."""
    base, lines = block.base, block.lines
    if (base.hook, base.priority) != (Hook.FORWARD, PRIORITY_MANGLE) or set(block.policies.values()) != {ACCEPT}:
        return None
    whole = ANY_IFACE if len(lines) == 1 else None
    if len(lines) == 2:
        whole = lines[0].ends.oif if lines[0].ends.iif is None else lines[0].ends.iif
    if whole is None or any(len(line.actions) != 1 or not isinstance(line.actions[0], ClampMss) for line in lines):
        return None
    sides = [(line.ends.iif, line.ends.oif) for line in lines]
    wanted = [(None, None)] if len(lines) == 1 else [(None, whole), (whole, None)]
    ends = dataclasses.replace(lines[0].ends, iif=None, oif=None)
    same = all(
        dataclasses.replace(line.ends, iif=None, oif=None) == ends
        and (line.actions, line.boxes, line.verdict) == (lines[0].actions, lines[0].boxes, CONTINUE)
        for line in lines
    )
    plain = dataclasses.replace(ends, families=ANYTHING.families) == dataclasses.replace(ANYTHING, said=(SYN,))
    return whole if same and plain and sorted(sides, key=repr) == sorted(wanted, key=repr) else None


def accepts_published(line: Line) -> bool:
    """Whether the line accepts what was translated, by the port that it was sent to."""
    return isinstance(line.verdict, Accept) and not line.actions and line.ends.dnat_ports is not None


def _defaultable(line: Line) -> bool:
    if isinstance(line.verdict, Reject) and line.verdict.kind in _ONE_FAMILY:
        return False  # the other family's packets, of which the source says nothing, could not be answered so
    return len(line.actions) <= 1 and all(isinstance(a, Log) for a in line.actions) and not line.label


def _logs_rest(line: Line, everybody: frozenset[Family]) -> bool:
    logs = isinstance(line.verdict, Continue) and len(line.actions) == 1 and isinstance(line.actions[0], Log)
    return logs and line.whole and line.families >= everybody and not line.label


_ONE_FAMILY = (
    RejectKind.PROTO_UNREACHABLE,
    RejectKind.POLICY_FAIL,
    RejectKind.REJECT_ROUTE,
    RejectKind.TCP_RESET,
)

# ----- implicit rules --------------------------------------------------------------

_LO = IfaceSet(frozenset({"lo"}))
_STATES = {
    "established": IntervalSet.of(CtState.ESTABLISHED.value, CtState.RELATED.value),
    "invalid-drop": IntervalSet.of(CtState.INVALID.value),
}
_ND = IntervalSet(((130 << 8, 130 << 8 | 255), (133 << 8, 136 << 8 | 255)))


def stands_for(line: Line, hook: str, implicit: frozenset[str]) -> bool:
    """Whether one of the implicit rules that are on says what the line says; the proof decides whether it does."""
    if line.actions or line.ends.rate is not None or line.ends.connections is not None:
        return False
    ends, accepts = line.ends, isinstance(line.verdict, Accept)
    free = ends.saddr is None and ends.daddr is None and not ends.not_saddr and not ends.not_daddr and not ends.sets
    if not line.final:
        return False
    box = line.boxes[0]
    plain = free and box == type(box)()
    loops = (hook == "input" and ends.iif == _LO) or (hook == "output" and ends.oif == _LO)
    if "loopback" in implicit and accepts and plain and loops:
        return True
    anywhere = plain and ends.iif is None and ends.oif is None and not ends.said
    if "established" in implicit and accepts and anywhere and ends.states == _STATES["established"]:
        return True
    if "invalid-drop" in implicit and line.verdict == DROP and plain and ends.states == _STATES["invalid-drop"]:
        return True
    if "icmpv6-nd" in implicit and accepts and all(b.icmpv6 is not None and b.icmpv6 <= _ND for b in line.boxes):
        return True
    return "dhcp-client" in implicit and accepts and all(_dhcp(b.sport, b.dport) for b in line.boxes)


def _dhcp(sport: IntervalSet | None, dport: IntervalSet | None) -> bool:
    pairs = (({67}, {68}), ({68}, {67}), ({547}, {546}), ({546}, {547}))
    if sport is None or dport is None or sport.size() > 1 or dport.size() > 1:
        return False
    return (set(sport), set(dport)) in pairs


# ----- text ------------------------------------------------------------------------


def _zone(zone: ZoneDecl) -> str:
    overlaps = f"; overlaps {', '.join(zone.overlaps)}" if zone.overlaps else ""
    return f"zone {zone.name} {{ iface {', '.join(interface(i) for i in zone.interfaces)}{overlaps} }}"


def _group(group: GroupDecl) -> list[str]:
    members = literals(group.addresses)
    if _short(group):
        return [f"group {group.name} = {', '.join(members)}"]
    return [f"group {group.name} = {{", *members, "}"]


def _short(group: GroupDecl) -> bool:
    """Whether the group reads well on one line."""
    members = literals(group.addresses)
    return len(members) <= MOST_ON_A_LINE and sum(len(m) + 2 for m in members) + len(group.name) < _WIDTH


def _priority(value: int) -> str:
    names = {number: name for name, number in PRIORITY_NAMES.items()}
    return names.get(value) or str(value)


def _blocks(found: Sequence[Statement]) -> list[str]:
    """Statements in order, those with the same clauses around them in one block."""
    out: list[str] = []
    open_: tuple[str, ...] = ()
    for each in found:
        if each.outer != open_:
            out += ["}"] * bool(open_)
            if each.outer:
                out += [comment_line(n.lstrip("#")) for n in each.notes]
                out.append(f"{_header(each.outer)} {{")
            open_ = each.outer
            notes: tuple[str, ...] = () if each.outer else each.notes
        else:
            notes = each.notes
        if notes and out and not out[-1].endswith("{"):
            out.append("")
        out += [comment_line(n.lstrip("#")) for n in notes]
        out.append(each.text)
    return out + ["}"] * bool(open_)


def _header(outer: tuple[str, ...]) -> str:
    """One block header with its `from` and its `to`."""
    sources = [o for o in outer if o.startswith("from ")]
    targets = [o for o in outer if o.startswith("to ")]
    return " ".join([*sources, *targets])


def _joined(parts: Sequence[tuple[str, list[str]]]) -> str:
    out: list[str] = []
    before = ""
    for title, lines in parts:
        if not lines:
            continue
        if out:
            out.append("")
        if title and title != before:
            out.append(f"# --- {title} ".ljust(80, "-"))
            before = title
        out += lines
    return "\n".join(out) + "\n"
