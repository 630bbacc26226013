"""allow, deny, reject, log and count: one rule of the policy at every hook where it belongs."""

from __future__ import annotations

from copy import copy

from fwc.elaborate.builder import Builder, Parts
from fwc.elaborate.conditions import ONE_WAY, inner, word_of
from fwc.elaborate.expanded import Placed
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import PLACE, REJECT_KIND, STATELESS, TO_ANY
from fwc.elaborate.sides import FROM, NET, SELF, TO, Side
from fwc.elaborate.sites import Site, Where
from fwc.elaborate.traffic_forms import only_tcp, reversed_flows
from fwc.elaborate.verdicts import actions, limit_chain, may_be_multicast, reject_of, silent_part, verdict_of
from fwc.ir.match import Field, FieldIn, Match, Not
from fwc.ir.model import Role, Rule
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, Action, Count, Goto, Reject, Verdict
from fwc.lang import ast
from fwc.source import Origin


def elaborate_rule(builder: Builder, placed: Placed, where: Where) -> bool:
    """Write the rule into the chains of `where`. False when it has no packet at any of them; that is not reported for the
    body of a chain, which is elaborated once for each hook that calls it."""
    statement = placed.statement
    assert isinstance(statement, ast.Rule)
    action, kind = statement.action, where.kind
    parts = builder.parts(
        placed, action, statement.traffic, statement.clauses, statement.family, any_state=kind != "filter"
    )
    if parts is None:
        return True
    if parts.destination.wild and action == "allow" and kind not in ("chain", "hook") and parts.source.places & NET:
        _refuse_any(builder, statement)
        return True
    if action == "reject" and kind == "early":
        builder.out.append(
            mistake(
                PLACE,
                "`reject` cannot answer before routing, where `early` rules stand",
                statement.span,
                help="write `deny`, or move the rule out of the `early` block",
            )
        )
        return True
    emitter = _Emitter(builder, parts, action)
    found = emitter.everywhere(where)
    if not found and kind != "chain":
        builder.nothing(parts)
    if "stateless" in parts.options.flags:
        _reply(builder, parts, where)
    return found


class _Emitter:
    """Writes one statement's rules; its limits are one set of chains, shared by all hooks, so that the rate is the rule's."""

    def __init__(self, builder: Builder, parts: Parts, action: str) -> None:
        self.builder = builder
        self.parts = parts
        self.action = action
        self.limits = ""
        options = parts.options
        self.plain: Verdict | None = None
        """The verdict of a rule that is one everywhere, without actions."""
        if not (options.log or options.count or options.adds or options.limits):
            self.plain = _PLAIN.get(action)
        self.reject = _REJECT
        if action == "reject":
            self.reject = reject_of(builder, parts.options.reject_kind, parts.flows)
        elif options.reject_kind is not None and not _rejects(parts):
            builder.out.append(
                mistake(
                    REJECT_KIND,
                    "`with` chooses how a refusal answers, and nothing is rejected here",
                    options.reject_kind.span,
                    help="remove it, or write `reject`",
                )
            )

    def everywhere(self, where: Where) -> bool:
        builder, parts = self.builder, self.parts
        found = False
        for site, chain in where.chains:
            match = builder.match_at(parts, site)
            if match is not None:
                found = True
                builder.rules.setdefault(chain, []).extend(self.rules(match, chain))
        if parts.source.own and parts.source.places & SELF and where.kind == "filter":
            for site in (Site.LOOP_OUT, Site.LOOP_IN):
                match = builder.match_at(parts, site)
                if match is not None:
                    found = True
                    builder.loop[site].extend(self.rules(match, site.hook.value))
        return found

    def rules(self, match: Match, chain: str) -> list[Rule]:
        parts = self.parts
        options, origin = parts.options, parts.placed.origin
        if self.plain is not None:
            return [Rule(match, (), self.plain, options.label, options.comment, _USER, origin)]
        line = parts.placed.statement.span.line if options.log is not None or self.action == "log" else 0
        acts = self._actions(chain, line)
        if self.action in ("log", "count"):
            return [Rule(match, acts, CONTINUE, options.label, options.comment, _USER, origin)]
        if options.limits:
            if not self.limits:
                self.limits = limit_chain(self.builder, parts, _chain_name(parts))
            return [Rule(match, acts, Goto(self.limits), "", "", _USER, origin)]
        found = []
        if self.action == "reject" and not only_tcp(parts.flows) and may_be_multicast(match):
            found.append(Rule(silent_part(match), acts, DROP, options.label, options.comment, _USER, origin))
        verdict = verdict_of(self.action, self.reject)
        found.append(Rule(match, acts, verdict, options.label, options.comment, _USER, origin))
        return found

    def _actions(self, chain: str, line: int) -> tuple[Action, ...]:
        options = self.parts.options
        if self.action == "log" and options.log is None:
            # A copy: statements without options share one empty value.
            options = copy(options)
            options.log = ast.LogOption(None, None, None, None, None, self.parts.placed.statement.span)
        acts = actions(self.builder, options, chain, line)
        if self.action == "count" and options.count is None:
            return (*acts, Count(options.label))
        return acts


_REJECT = Reject()
_PLAIN: dict[str, Verdict] = {"allow": ACCEPT, "deny": DROP}
_USER = Role.USER  # asked for with every rule, and an enumeration is slow to ask


def _rejects(parts: Parts) -> bool:
    return any(o.otherwise is not None and o.otherwise.verdict == "reject" for o in parts.options.limits)


def _chain_name(parts: Parts) -> str:
    """A word for the chain of a limited rule: its label, else its first service, else the protocol."""
    if parts.options.label:
        return parts.options.label
    statement = parts.placed.statement
    assert isinstance(statement, ast.Rule)
    for item in statement.traffic.items:
        if isinstance(item, ast.ServiceName):
            return item.name
        if isinstance(item, ast.L4):
            return f"{item.protocol}-{item.port.low}" if isinstance(item.port, ast.Ports) else item.protocol
        if isinstance(item, ast.Icmp):
            return "icmp"
    return "limit"


def _refuse_any(builder: Builder, statement: ast.Rule) -> None:
    destination = statement.clauses.destination
    span = destination.span if destination is not None else statement.span
    builder.out.append(
        mistake(
            TO_ANY,
            "`to any` includes this machine itself, so this opens every port of it",
            span,
            help="write `to any except self` for traffic through this machine, or `to any, self` if both are meant",
        )
    )


def _reply(builder: Builder, parts: Parts, where: Where) -> None:
    """D16: the reverse rule of a `stateless` one, sides and ports swapped, in the reverse hooks.

    While connections are tracked, `any` stands for the network only in the reverse rule: what this machine sends itself is
    answered through its connection, and a reverse rule for it would open every port.
    """
    if where.kind in ("chain", "hook"):
        builder.out.append(
            mistake(
                STATELESS,
                "`stateless` adds a rule in the reverse hook, which a chain or `hook` block cannot hold",
                parts.options.flags["stateless"],
                help="write the reverse rule where the replies pass",
            )
        )
        return
    source, destination = parts.source, parts.destination
    if any(a.macs for a in source.atoms):
        builder.out.append(
            mistake(
                STATELESS,
                "a MAC says nothing of the replies, so this has no reverse rule",
                parts.options.flags["stateless"],
                help="name the source by zone or address, or write the reverse rule yourself",
            )
        )
        return
    if builder.program.settings.stateful:
        source, destination = source.without_any_self(), destination.without_any_self()
    conditions: list[tuple[ast.Condition, Match]] = []
    for cond, match in parts.conditions:
        if isinstance(inner(cond), ONE_WAY):
            builder.out.append(
                mistake(
                    STATELESS,
                    f"`{word_of(cond)}` says nothing of the replies, so this has no reverse rule",
                    cond.span,
                    help="remove the condition or `stateless`, and write the reverse rule yourself",
                )
            )
            return
        conditions.append((cond, _swapped(match)))
    back = Parts(
        parts.placed,
        Side(FROM, destination.atoms),
        Side(TO, source.atoms),
        reversed_flows(parts.flows),
        tuple(conditions),
        parts.options,
        parts.families,
    )
    origin = Origin(parts.placed.origin.spans, (*parts.placed.origin.via, "stateless"))
    for site, chain in where.chains:
        match_back = builder.match_at(back, site)
        if match_back is not None:
            builder.add(chain, Rule(match_back, (), ACCEPT, parts.options.label, "", Role.REPLY, origin))


def _swapped(match: Match) -> Match:
    """A condition on source ports, seen from the replies."""
    if isinstance(match, Not):
        return Not(_swapped(match.match))
    if isinstance(match, FieldIn) and match.field is Field.SPORT:
        return FieldIn(Field.DPORT, match.values)
    return match
