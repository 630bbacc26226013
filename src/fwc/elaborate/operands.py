"""Operands of statements resolved to values: who (`Ends`) and what (`Flow`)."""

from __future__ import annotations

from fwc.elaborate.ends import End, Ends, resolve_ends
from fwc.elaborate.flows import ANY_FLOW, Flow, merge_flows, resolve_traffic
from fwc.elaborate.lookup import addresses_named, literal, resolve_host, runtime_set, set_named, zone_named

__all__ = [
    "ANY_FLOW",
    "End",
    "Ends",
    "Flow",
    "addresses_named",
    "literal",
    "merge_flows",
    "resolve_ends",
    "resolve_host",
    "resolve_traffic",
    "runtime_set",
    "set_named",
    "zone_named",
]
