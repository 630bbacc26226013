"""Lines of nat chains as `masquerade`, `snat`, `forward`, `redirect` and `no-nat`."""

from __future__ import annotations

import dataclasses

from fwc.analysis.fates import effect_text
from fwc.convert.policy.lines import Line
from fwc.convert.policy.phrases import Ends, Vocabulary, action_text, conditions, ends_of, meta_text, traffic_text
from fwc.convert.policy.statements import Statement, outer_of
from fwc.convert.policy.unsaid import Unsaid
from fwc.ir.verdict import Accept, Continue, Dnat, Masquerade, NatTarget, PortChoice, Redirect, Snat
from fwc.net.addresses import format_address
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import PORT_PROTOCOLS

_CHOICES = {
    PortChoice.DEFAULT: "",
    PortChoice.OFFSET: "",
    PortChoice.RANDOM: " random",
    PortChoice.PERSISTENT: " persistent",
}

_PORTED = IntervalSet.of(*PORT_PROTOCOLS)


def translation(line: Line, site: str, words: Vocabulary, plain: bool) -> list[Statement]:
    """The statement of one nat line; `plain` leaves out `without accept`. Raises Unsaid."""
    ends = ends_of(line.ends, site, words)
    if ends is None:
        return []
    if site == "output" and ends.source == ("any",):
        ends = Ends(("self",), ends.target, ends.conditions)
    if line.ends.connections is not None:
        raise Unsaid("a translation for a count of connections")
    said = [*conditions(line.ends), *ends.conditions]
    clauses = f" from {ends.source[-1]} to {ends.target[-1]}" + (f" if {' and '.join(said)}" if said else "")
    options = "".join(f" {action_text(a, words)}" for a in line.actions) + meta_text(line)
    outer = outer_of(ends)
    text = _text(_with_ports(line), site, words, clauses, plain)
    return [Statement(text + options, outer, line.notes)]


def _with_ports(line: Line) -> Line:
    """Where ports are translated the statement names the old ones, if need be all of them."""
    verdict = line.verdict
    targets = verdict.targets if isinstance(verdict, Dnat) else (verdict,) if isinstance(verdict, Redirect) else ()
    if not any(target.ports is not None for target in targets):
        return line
    boxes = tuple(
        dataclasses.replace(box, dport=IntervalSet.range(0, 65535))
        if box.dport is None and box.protocols is not None and box.protocols <= _PORTED
        else box
        for box in line.boxes
    )
    return dataclasses.replace(line, boxes=boxes)


def _text(line: Line, site: str, words: Vocabulary, clauses: str, plain: bool) -> str:
    verdict = line.verdict
    source = site == "postrouting"
    if isinstance(verdict, Accept):
        return _said("no-nat", traffic_text(line, words, True), clauses)
    if isinstance(verdict, Masquerade) and source:
        ports = "" if verdict.ports is None else f" ports {_span(*verdict.ports)}"
        what = traffic_text(line, words, True)
        if line.families == {Family.V6} and not what.startswith("v6"):
            what = f"v6 {what}".strip()
        if len(line.families) > 1:
            raise Unsaid("one masquerade for both families", "write one for each")
        return _said("masquerade", what.removeprefix("v4").strip(), clauses) + ports + _CHOICES[verdict.choice]
    if isinstance(verdict, Snat) and source:
        target = verdict.target
        ports = "" if target.ports is None else f" ports {_span(*target.ports)}"
        what = traffic_text(line, words, True)
        return _said("snat", what, clauses) + f" -> {_address(target)}{ports}{_CHOICES[verdict.choice]}"
    if isinstance(verdict, Dnat) and not source:
        to = ", ".join(_endpoint(t) for t in verdict.targets)
        accept = "" if plain else " without accept"
        return _said("forward", traffic_text(line, words), clauses) + f" -> {to}{_CHOICES[verdict.choice]}{accept}"
    if isinstance(verdict, Redirect) and not source:
        port = "" if verdict.ports is None else f":{_range(*verdict.ports)}"
        accept = "" if plain else " without accept"
        return (
            _said("redirect", traffic_text(line, words), clauses) + f" -> self{port}{_CHOICES[verdict.choice]}{accept}"
        )
    if isinstance(verdict, Continue):
        raise Unsaid("a rule of the nat table that translates nothing", "write it as a rule of the filter table")
    raise Unsaid(f"`{effect_text(verdict)}` in a nat chain", "filter in the filter table")


def _said(word: str, what: str, clauses: str) -> str:
    return f"{word} {what}{clauses}" if what else f"{word}{clauses}"


def _address(target: NatTarget) -> str:
    if target.family is None:
        raise Unsaid("a translation of the source port alone")
    low = format_address(target.family, target.low)
    return low if target.low == target.high else f"{low}-{format_address(target.family, target.high)}"


def _endpoint(target: NatTarget) -> str:
    if target.ports is None:
        return _address(target)
    if target.family is None:
        raise Unsaid("a translation of the destination port alone")
    if target.low != target.high:
        raise Unsaid("a range of addresses with a port", "name the addresses one by one")
    address = _address(target)
    return (f"[{address}]" if target.family is Family.V6 else address) + f":{_range(*target.ports)}"


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _span(low: int, high: int) -> str:
    """`ports` takes a range, also of one port."""
    return f"{low}-{high}"
