"""The names that the policy language has for lints in `ignore NAME because` (language.md 5.8), and their codes."""

from __future__ import annotations

ALIASES: dict[str, tuple[str, ...]] = {
    "shadowed-rule": ("FW101", "FW103", "FW104"),
    "partly-shadowed": ("FW107", "FW108"),
    "unreachable-chain": ("FW109", "FW111"),
    "missing-conntrack": ("FW201", "FW202"),
    "any-any": ("FW502",),
    "lockout": ("FW510",),
    "unused-name": ("FW840",),
    "empty-family": ("FW082",),
    "host-bits": ("FW012",),
    "wide-source": ("FW503", "FW504"),
    "dns-name": ("FW071",),
    "redundant-nat": ("FW101", "FW102", "FW103", "FW106", "FW307", "FW313"),
    "nat-without-net": ("FW031",),
    "linux-iface-on-pf": ("FW701",),
}
"""Names that are no lint's own."""
