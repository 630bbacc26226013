"""The way of one packet."""

from __future__ import annotations

import contextlib

from fwc.api.policies import load_policy
from fwc.api.rulesets import import_ruleset
from fwc.diagnostics import Diagnostic, has_errors
from fwc.elaborate.program import ElaborateOptions
from fwc.errors import UsageError
from fwc.lang.files import Files
from fwc.net.packet_words import BadPacket, parse_packet
from fwc.sim.netfilter import simulate
from fwc.sim.trace import lines
from fwc.source import SourceFile


def trace_packet(
    source: SourceFile, files: Files, kind: str, packet: str, target: str, host: str, today: str
) -> tuple[list[str], list[Diagnostic]]:
    """The lines of a packet's way through a policy or ruleset. Raises UsageError when the packet's text is no packet."""
    if kind == "fwc":
        return _trace_policy(source, files, packet, ElaborateOptions(target, host, today))
    _, ruleset, diagnostics = import_ruleset(source, kind)
    if has_errors(diagnostics):
        return [], diagnostics
    try:
        return list(lines(simulate(ruleset, parse_packet(packet)))), diagnostics
    except BadPacket as problem:
        raise UsageError(str(problem)) from None


def _trace_policy(
    source: SourceFile, files: Files, packet: str, options: ElaborateOptions
) -> tuple[list[str], list[Diagnostic]]:
    """In a policy the packet may name zones and hosts, so it is read as a test packet at the end of the file."""
    elaborated, diagnostics = load_policy(source, files, options)
    if elaborated is None:
        return [], diagnostics
    if any(c in packet for c in '\n\r;{}"'):
        raise UsageError("the packet is one line, as `tcp 198.51.100.7 -> self:443 in wan`")
    tested = SourceFile(source.path, f'{source.text}\ntest "trace" {{ packet {packet} expect allow }}\n')
    traced, found = load_policy(tested, files, options)
    if traced is None:
        with contextlib.suppress(BadPacket):  # the packet may be a witness, in the form that rulesets know
            return list(lines(simulate(elaborated.ruleset, parse_packet(packet)))), diagnostics
        problem = next(d for d in found if d not in diagnostics)
        raise UsageError(f"not a packet: {problem.message}" + (f"; {problem.help}" if problem.help else ""))
    test = traced.tests[-1].packets[-1]
    return list(lines(simulate(elaborated.ruleset, test.packet, test.hook))), diagnostics
