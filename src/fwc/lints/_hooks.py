"""Where chains are called from."""

from __future__ import annotations

from fwc.ir.graph import calls
from fwc.ir.model import Table
from fwc.net.hooks import Hook


def hooks_of(table: Table) -> dict[str, frozenset[Hook]]:
    """For each chain that packets get into, the hooks that they come from."""
    graph = calls(table)
    out: dict[str, set[Hook]] = {}
    for chain in table.chains:
        if chain.base is None:
            continue
        stack, seen = [chain.name], {chain.name}
        while stack:
            name = stack.pop()
            out.setdefault(name, set()).add(chain.base.hook)
            for target in graph.get(name, ()):
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
    return {name: frozenset(hooks) for name, hooks in out.items()}
