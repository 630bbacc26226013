"""What statements write into while they are elaborated: chains, sets, findings; and how operands become a match."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, error
from fwc.elaborate.conditions import at_site, check_states, condition, inner
from fwc.elaborate.ends import Ends, resolve_ends, spelling
from fwc.elaborate.expanded import Placed, Program
from fwc.elaborate.flows import ANY_FLOW, resolve_traffic
from fwc.elaborate.forms import Forms
from fwc.elaborate.lookup import zone_named
from fwc.elaborate.options import Options, sort_options
from fwc.elaborate.report import caution, mistake
from fwc.elaborate.rule_codes import CONDITION, EMPTY_SET, MISSING_END, NO_MATCH
from fwc.elaborate.sides import FROM, NET, SELF, TO, Side, Sides
from fwc.elaborate.sites import BASES, DUAL, Site, bit, families_of
from fwc.elaborate.traffic_forms import Flows, TrafficForm, traffic_form
from fwc.ir.match import ALWAYS, NEVER, AllOf, Always, Field, FieldIn, Match, SetRef, all_of, family_is
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import Verdict
from fwc.ir.walk import match_nodes
from fwc.lang import ast
from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import Span


class Parts(Record):
    """A statement's operands, resolved. `families` are bits: the settings' and the statement's own."""

    placed: Placed
    source: Side
    destination: Side
    flows: Flows
    conditions: tuple[tuple[ast.Condition, Match], ...]
    options: Options
    families: int
    extra: tuple[Match, ...] = ()

    @property
    def matches(self) -> tuple[Match, ...]:
        """The conditions without their text, and those that the statement's kind adds."""
        return (*(m for _, m in self.conditions), *self.extra) if self.conditions else self.extra


class UsedSets:
    """The sets that conditions refer to, by name."""

    def __init__(self, program: Program) -> None:
        self._sets = program.sets
        self.names: dict[str, None] = {}

    def note(self, match: Match) -> Match:
        """The match itself, once its sets are noted."""
        if type(match) is FieldIn and not match.name:
            return match
        for node in match_nodes(match):
            if isinstance(node, SetRef):
                self.names[node.set] = None
            elif isinstance(node, FieldIn) and node.name and node.field in (Field.SADDR, Field.DADDR):
                found = self._sets.get(node.name)
                if found is not None and not found.runtime:
                    self.names[node.name] = None
        return match


class Builder:
    """The state of one elaboration."""

    def __init__(self, program: Program, out: list[Diagnostic]) -> None:
        self.program = program
        self.out = out
        self.sides = Sides(program)
        used = UsedSets(program)
        self.used_sets = used.names
        self.use_sets = used.note
        self.forms = Forms(program, used.note)  # no method of its own: the tree goes when the builder goes
        self.os = program.settings.os
        self._tracks = program.settings.stateful and program.implicit.established
        self.families = 0
        for family in program.settings.families:
            self.families |= bit(family)
        self.rules: dict[str, list[Rule]] = {"input": [], "forward": [], "output": []}
        self.loop: dict[Site, list[Rule]] = {Site.LOOP_IN: [], Site.LOOP_OUT: []}
        self.made: dict[str, Chain] = {}
        self.policies: dict[str, Verdict] = {}
        self.taken: set[str] = set(BASES)
        self.native_conditions = False
        self._traffic: dict[object, tuple[TrafficForm | None, Flows]] = {}  # with the flows, whose identity is the key
        self._sources: dict[object, Side] = {}
        self._targets: dict[object, Side] = {}
        self._whole = (self.sides.whole(FROM), self.sides.whole(TO))

    # ----- chains -------------------------------------------------------------

    def add(self, chain: str, rule: Rule) -> None:
        self.rules.setdefault(chain, []).append(rule)

    def unique(self, name: str) -> str:
        """`name`, or with a number after it when a chain is called so already."""
        found = name
        number = 1
        while found in self.taken:
            number += 1
            found = f"{name}-{number}"
        self.taken.add(found)
        return found

    # ----- operands -----------------------------------------------------------

    def parts(
        self,
        placed: Placed,
        kind: str,
        traffic: ast.Traffic | None,
        clauses: ast.Clauses,
        family: Family | None = None,
        *,
        needs: tuple[str, ...] = (FROM, TO),
        any_state: bool = True,
    ) -> Parts | None:
        """Everything a statement says, resolved; None after an error. `needs` are the sides that must be written."""
        out = self.out
        before = len(out)
        scopes = placed.scopes
        if scopes or clauses.source is None or clauses.destination is None:
            sources = [each for each in (*(s.source for s in scopes), clauses.source) if each is not None]
            targets = [each for each in (*(s.destination for s in scopes), clauses.destination) if each is not None]
            source = self._side(FROM, sources, placed.statement, needs)
            destination = self._side(TO, targets, placed.statement, needs)
        else:
            # in no block: found by what it says, as most was said before
            source = self._sources.get(spelling(clauses.source)) or self._lone_side(FROM, clauses.source)
            destination = self._targets.get(spelling(clauses.destination)) or self._lone_side(TO, clauses.destination)
        flows: Flows | None = (ANY_FLOW,) if traffic is None else resolve_traffic(self.program, traffic, out)
        asts = clauses.conditions
        if scopes:
            asts = (*(c for s in scopes for c in s.conditions), *asts)
        conditions: tuple[tuple[ast.Condition, Match], ...] = ()
        if asts:
            found = [(c, condition(c, out)) for c in asts]
            conditions = tuple((c, m) for c, m in found if m is not None)
            self._unusual(asts)
        options = sort_options(kind, clauses.options, out) if clauses.options else _NO_OPTIONS
        if asts and not any_state and self._tracks and "stateless" not in options.flags:
            check_states(asts, out)
        if source is None or destination is None or flows is None or len(out) != before:
            return None
        families = self.families if family is None else self.families & bit(family)
        return Parts(placed, source, destination, flows, conditions, options, families)

    def _unusual(self, conditions: tuple[ast.Condition, ...]) -> None:
        """Note native conditions, which the targets' readers read later, and refuse rates where pf has none."""
        for cond in conditions:
            kind = inner(cond)
            if isinstance(kind, ast.NativeCond):
                self.native_conditions = True
            elif isinstance(kind, ast.WithinCond) and self.os == "macos":
                text = "pf on macOS has no rate that is only asked for"
                help = (
                    "write `allow tcp ... limit R per source`, or put the statement into `when not target pf { ... }`"
                )
                self.out.append(error("FW031", text, cond.span, label="limit", help=help, name="lossy-compile"))

    def _side(
        self, role: str, operands: list[ast.Endpoints], statement: ast.Statement, needs: tuple[str, ...]
    ) -> Side | None:
        if not operands:
            if role not in needs:
                return self._whole[0 if role == FROM else 1]
            self.out.append(
                mistake(
                    MISSING_END,
                    f"`{role}` is missing, and nothing is implied by its absence",
                    _start(statement.span),
                    help=f"write `{role} any` for everything, `{role} self` for this machine, or name a zone, host or group",
                )
            )
            return None
        return self._intersection(role, operands)

    def _lone_side(self, role: str, operand: ast.Endpoints) -> Side | None:
        """The side of a statement that stands in no block, kept for others that say the same."""
        found = self._intersection(role, [operand])
        if found is not None:
            known = self._sources if role == FROM else self._targets
            known[spelling(operand)] = found
        return found

    def _intersection(self, role: str, operands: list[ast.Endpoints]) -> Side | None:
        resolved: list[Ends] = []
        good = True
        for node in operands:
            ends = resolve_ends(self.program, node, self.out)
            if ends is None:
                good = False
                continue
            if role == TO and any(e.mac is not None or e.macs for e in (*ends.items, *ends.excluded)):
                self.out.append(
                    mistake(
                        CONDITION,
                        "a packet's destination MAC is not known before it is sent",
                        node.span,
                        help="a MAC can stand after `from` only; name the destination by address or zone",
                    )
                )
                good = False
            resolved.append(ends)
        return self.sides.side(role, tuple(resolved)) if good else None

    # ----- matches ------------------------------------------------------------

    def match_at(self, parts: Parts, site: Site) -> Match | None:
        """The statement's packets at `site`; None when none of them can be there."""
        source, destination = parts.source, parts.destination
        needs = _NEEDS.get(site)
        if needs is not None and not (source.places & needs[0] and destination.places & needs[1]):
            return None
        cover = site in _COVERED or (site is _PREROUTING and destination.places & SELF > 0)
        return self.compose(source, destination, parts.flows, parts.matches, parts.families, site, cover)

    def compose(
        self,
        source: Side,
        destination: Side,
        flows: Flows,
        conditions: tuple[Match, ...],
        families: int,
        site: Site,
        cover: bool,
    ) -> Match | None:
        ends = self._ends(source, destination, families, site, cover)
        if ends is None:
            return None
        prefix, bits, narrow = ends
        traffic = self._traffic_form(flows, bits)
        if traffic is None:
            return None
        if bits != traffic.families:
            again = self._ends(source, destination, traffic.families, site, cover)
            if again is None:
                return None
            prefix, bits, narrow = again
            traffic = self._traffic_form(flows, bits)
            if traffic is None:
                return None
        parts = prefix + traffic.parts
        if bits != DUAL and not narrow and not traffic.narrow:
            parts = _with_family(prefix, family_is(families_of(bits)[0])) + traffic.parts
        if conditions:
            extra = []
            for match in conditions:
                here = at_site(match, site, self.os)
                if here == NEVER:
                    return None
                if not isinstance(here, Always):
                    extra.append(here)
            parts = all_parts(parts, extra)
        if not parts:
            return ALWAYS
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _ends(
        self, source: Side, destination: Side, families: int, site: Site, cover: bool
    ) -> tuple[tuple[Match, ...], int, bool] | None:
        form = self.forms.form
        one = form(source, site, families, cover)
        if one is None:
            return None
        two = form(destination, site, one.families, cover)
        if two is None:
            return None
        bits = two.families
        if bits != one.families:
            one = form(source, site, bits, cover)
            if one is None:
                return None
        if not bits:
            return None
        prefix = one.interfaces + two.interfaces + one.others + two.others
        return prefix, bits, one.narrow or two.narrow

    def _traffic_form(self, flows: Flows, families: int) -> TrafficForm | None:
        key = (id(flows), families)
        known = self._traffic.get(key)
        if known is None:
            known = self._traffic[key] = traffic_form(flows, families), flows
        return known[0]

    def zone(self, name: ast.Name) -> str | None:
        """The zone of this name; None after an error."""
        found = zone_named(self.program, name, self.out)
        return None if found is None else found.name

    # ----- findings -----------------------------------------------------------

    def nothing(self, parts: Parts, why: str = "") -> None:
        """D4: the statement matches no packet."""
        span = parts.placed.statement.span
        empty = (*parts.source.empty_sets, *parts.destination.empty_sets)
        if empty:
            self.empty_set(parts, empty[0])
            return
        self.out.append(
            mistake(
                NO_MATCH,
                "this can match no packet" + (f": {why}" if why else f": {self._reason(parts)}"),
                span,
                help="compare the zones, addresses and families of `from`, `to` and the traffic",
            )
        )

    def empty_set(self, parts: Parts, name: str) -> None:
        """D9: a file set without members is an error where it would open something, a warning in `allow`."""
        statement = parts.placed.statement
        if isinstance(statement, ast.Rule) and statement.action == "allow":
            self.out.append(
                caution(EMPTY_SET, f"`{name}` is empty, so this allows nothing", statement.span, help="fill its file")
            )
            return
        self.out.append(
            mistake(
                EMPTY_SET,
                f"`{name}` is empty, so this would refuse nothing",
                statement.span,
                help="fill its file, or remove the statement",
            )
        )

    def _reason(self, parts: Parts) -> str:
        if not parts.source.atoms:
            return "nothing is left of `from`"
        if not parts.destination.atoms:
            return "nothing is left of `to`"
        if not parts.families:
            return "its family is not among the families of the settings"
        for cond, match in parts.conditions:
            if at_site(match, Site.INPUT, self.os) == NEVER:
                return f"`{cond.span.text}` holds for packets that this machine sends, and `from` names none of those"
        return "`from`, `to` and the traffic have no packet, or no address family, in common"


_NO_OPTIONS = Options()

_COVERED = frozenset({Site.INPUT, Site.OUTPUT})
_PREROUTING = Site.PREROUTING
_NEEDS = {Site.INPUT: (NET, SELF), Site.FORWARD: (NET, NET), Site.OUTPUT: (SELF, NET)}
"""Where sender and receiver are, seen from each hook."""


def _start(span: Span) -> Span:
    """The first line of a statement, because its block may be long."""
    end = span.file.text.find("\n", span.start, span.end)
    return span if end < 0 else Span(span.file, span.start, end)


def _with_family(prefix: tuple[Match, ...], family: Match) -> tuple[Match, ...]:
    """The family stands after the interfaces and before what depends on it."""
    at = 0
    while at < len(prefix):
        part = prefix[at]
        if not (isinstance(part, FieldIn) and part.field in (Field.IIF, Field.OIF)):
            break
        at += 1
    return (*prefix[:at], family, *prefix[at:])


def all_parts(parts: tuple[Match, ...], extra: Iterable[Match]) -> tuple[Match, ...]:
    whole = all_of(*parts, *extra)
    if isinstance(whole, AllOf):
        return whole.parts
    return () if isinstance(whole, Always) else (whole,)
