"""The call graph of a table's chains: who jumps where, cycles, what a packet can reach, how deep it nests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fwc.ir.model import Base, Rule, Table
from fwc.ir.walk import CALLS, target_chains


def calls(table: Table) -> dict[str, dict[str, Rule]]:
    """For each chain the chains it jumps or goes to, each with the first rule that does so, in file order."""
    out: dict[str, dict[str, Rule]] = {}
    for chain in table.chains:
        targets = out.setdefault(chain.name, {})
        for rule in chain.rules:
            if isinstance(rule.verdict, CALLS):
                for name in target_chains(rule.verdict):
                    targets.setdefault(name, rule)
    return out


def reached(graph: Mapping[str, Iterable[str]], start: str) -> frozenset[str]:
    """The chains that `start` leads to, itself included."""
    stack, seen = [start], {start}
    while stack:
        for name in graph.get(stack.pop(), ()):
            if name not in seen:
                seen.add(name)
                stack.append(name)
    return frozenset(seen)


def sources(graph: Mapping[str, Iterable[str]], starts: Iterable[str]) -> dict[str, frozenset[str]]:
    """For each chain that some of `starts` lead to, those; a start leads to itself."""
    out: dict[str, set[str]] = {}
    for start in starts:
        for name in reached(graph, start):
            out.setdefault(name, set()).add(start)
    return {name: frozenset(found) for name, found in out.items()}


def bases_of(table: Table) -> dict[str, tuple[Base, ...]]:
    """For each chain that packets get into how the base chains that lead to it are attached, in the order of the table; a base
    chain leads to itself."""
    graph = calls(table)
    out: dict[str, tuple[Base, ...]] = {}
    for chain in table.chains:
        if chain.base is not None:
            for name in reached(graph, chain.name):
                out[name] = (*out.get(name, ()), chain.base)
    return out


def reachable(table: Table) -> frozenset[str]:
    """The chains that a packet can get into: base chains and what they lead to."""
    return frozenset(bases_of(table))


def cycles(graph: Mapping[str, Mapping[str, object]]) -> list[tuple[str, ...]]:
    """One closed path for each back edge of a depth-first walk, each starting at the chain that it returns to.

    Empty when there is no cycle. Every cycle of the graph contains a back edge, so breaking those named here breaks all.
    """
    done: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in graph:
        if start in done:
            continue
        path = [start]
        on_path = {start: 0}
        todo = [iter(graph[start])]
        while todo:
            for name in todo[-1]:
                if name in on_path:
                    found.append((*path[on_path[name] :], name))
                elif name not in done and name in graph:
                    on_path[name] = len(path)
                    path.append(name)
                    todo.append(iter(graph[name]))
                    break
            else:
                last = path.pop()
                del on_path[last]
                done.add(last)
                todo.pop()
    return found


def depths(table: Table) -> dict[str, int]:
    """How many jumps lead to each reachable chain on the longest way from a base chain (0 for base chains).

    Only for tables without cycles.
    """
    return depths_in(calls(table), {chain.name: 0 for chain in table.chains if chain.base is not None})


def depths_in(graph: Mapping[str, Mapping[str, object]], starts: Mapping[str, int]) -> dict[str, int]:
    """The same in a graph without cycles, from chains that stand as deep as `starts` says."""
    depth = dict(starts)
    for name in topological(graph):
        if name in depth:
            for target in graph[name]:
                if target in graph:
                    depth[target] = max(depth.get(target, 0), depth[name] + 1)
    return depth


def topological(graph: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Callers before callees; chains on a cycle come in some fixed order."""
    done: set[str] = set()
    post: list[str] = []
    for start in graph:
        if start in done:
            continue
        done.add(start)
        todo = [(start, iter(graph[start]))]
        while todo:
            name, rest = todo[-1]
            for target in rest:
                if target in graph and target not in done:
                    done.add(target)
                    todo.append((target, iter(graph[target])))
                    break
            else:
                post.append(name)
                todo.pop()
    post.reverse()
    return post
