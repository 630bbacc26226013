"""Where chains are called from."""

from __future__ import annotations

from fwc.ir.graph import bases_of
from fwc.ir.model import Table
from fwc.net.hooks import Hook


def hooks_of(table: Table) -> dict[str, frozenset[Hook]]:
    """For each chain that packets get into, the hooks that they come from."""
    return {name: frozenset(base.hook for base in bases) for name, bases in bases_of(table).items()}
