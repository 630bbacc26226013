"""The result of elaboration: the IR of one host, and what the policy says about itself (tests, assertions, suppressions)."""

from __future__ import annotations

from fwc.ir.match import Match
from fwc.ir.model import Ruleset
from fwc.net.hooks import Family, Hook
from fwc.net.packet import Packet
from fwc.records import Record
from fwc.source import Span


class Expectation(Record):
    """`verdict` is allow, deny or reject; the addresses and ports after translation are None when not stated."""

    verdict: str
    by: str
    snat: tuple[int, int | None] | None  # (address, port)
    dnat: tuple[int, int | None] | None


class TestPacket(Record):
    """`hook` is input, output or forward: what the packet meets after routing, before any translation of the destination
    (the simulator routes again after NAT). Where the text left something open, a member of the zone was chosen."""

    packet: Packet
    hook: Hook
    expect: Expectation
    span: Span


class TestCase(Record):
    title: str
    packets: tuple[TestPacket, ...]
    span: Span


class Assertion(Record):
    """`quantifier` is never, always or some over the packets of `matches`, per hook. `strict` counts implicit rules too."""

    quantifier: str
    strict: bool
    matches: tuple[tuple[Hook, Match], ...]
    families: tuple[Family, ...]
    span: Span


class Suppression(Record):
    """`ignore LINT because "..."`: for the rules whose origin lies in `span`; file-wide when `span` is None."""

    lint: str
    reason: str
    span: Span | None
    where: Span


class LintSetting(Record):
    """`lint error|warn|off NAME`."""

    level: str
    lint: str
    where: Span


class Elaborated(Record):
    """`inputs` are (path, sha256) of set files, for the header. `notes` are header lines about what was decided (expiry
    date, losses). `native_conditions` tells that there are some, as text that nobody has read yet (`natives.modelled`)."""

    title: str
    ruleset: Ruleset
    tests: tuple[TestCase, ...]
    assertions: tuple[Assertion, ...]
    suppressions: tuple[Suppression, ...]
    lint_settings: tuple[LintSetting, ...]
    inputs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    native_conditions: bool = False
