"""`assert never|always|some`: the packets an assertion speaks of, per hook."""

from __future__ import annotations

from fwc.elaborate.builder import Builder
from fwc.elaborate.elaborated import Assertion
from fwc.elaborate.ends import resolve_ends
from fwc.elaborate.expanded import Placed
from fwc.elaborate.sides import FROM, TO, Side
from fwc.elaborate.sites import FILTER_SITES, Site, families_of
from fwc.elaborate.traffic_forms import family_bits
from fwc.ir.match import Always, Match, all_of, negate
from fwc.lang import ast
from fwc.net.hooks import Hook


def assertion(builder: Builder, placed: Placed) -> Assertion | None:
    """None for another host's assertion, and after an error."""
    statement = placed.statement
    assert isinstance(statement, ast.Assert)
    if statement.host is not None and builder.program.host and statement.host.text != builder.program.host:
        return None
    parts = builder.parts(placed, "assert", statement.traffic, statement.clauses, statement.family)
    unless: Side | None = None
    if statement.unless is not None:
        role, endpoints = statement.unless
        ends = resolve_ends(builder.program, endpoints, builder.out)
        if ends is None:
            return None
        unless = builder.sides.side(FROM if role == "from" else TO, (ends,))
    if parts is None:
        return None
    found: list[tuple[Hook, Match]] = []
    for site in FILTER_SITES:
        match = builder.match_at(parts, site)
        if match is None:
            continue
        if unless is not None:
            outside = _outside(builder, unless, site, parts.families)
            if outside is None:
                continue
            match = all_of(match, outside)
        found.append((site.hook, match))
    if not found:
        builder.nothing(parts)
        return None
    bits = 0
    for flow in parts.flows:
        bits |= family_bits(flow)
    return Assertion(
        statement.quantifier, statement.strict, tuple(found), families_of(bits & parts.families), statement.span
    )


def _outside(builder: Builder, unless: Side, site: Site, families: int) -> Match | None:
    """What `unless` leaves at the site: everything where it names nothing of it; None where it takes all."""
    form = builder.forms.form(unless, site, families, cover=site in (Site.INPUT, Site.OUTPUT))
    if form is None:
        return all_of()
    match = form.match
    if isinstance(match, Always):
        return None if form.families == families else all_of()
    return negate(match)
