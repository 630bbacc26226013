"""Packets that a machine sends to itself."""

from __future__ import annotations

from fwc.ir.match import Field, FieldIn, Match
from fwc.ir.model import Ruleset
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet

_HERE = AddressSet(IntervalSet.of(127 << 24 | 1), IntervalSet.of(1))
_OWN = AddressSet(IntervalSet.of(0xC6336405), IntervalSet.of(0x2A000000 << 96 | 5))

LOOPBACK = (FieldIn(Field.SADDR, _HERE), FieldIn(Field.DADDR, _HERE))
"""From 127.0.0.1 to 127.0.0.1, ::1 to ::1."""

OWN = (FieldIn(Field.SADDR, _OWN), FieldIn(Field.DADDR, _OWN))
"""From the machine's own outer address (198.51.100.5, 2a00::5) to the same: that goes over the loopback interface, too."""


def on_lo(ruleset: Ruleset, hook: Hook) -> Match:
    """On the loopback interface of the system that the ruleset is for."""
    name = "lo0" if ruleset.settings.os == "macos" else "lo"
    return FieldIn(Field.OIF if hook is Hook.OUTPUT else Field.IIF, IfaceSet(frozenset({name})))
