"""The chains of a ruleset and their jumps as text, DOT and Mermaid; `graph_svg` draws them."""

from __future__ import annotations

from fwc.ir.graph import reachable
from fwc.ir.model import Chain, Ruleset, Table
from fwc.ir.verdict import Accept, Goto
from fwc.ir.walk import target_chains
from fwc.net.hooks import Hook
from fwc.records import Record


class Node(Record):
    """One chain. `number` is its place in the whole graph, `hook` the line that says where it is attached (empty for a chain that
    is only jumped to), `lost` that no packet gets into it."""

    number: int
    table: str
    name: str
    hook: str
    rules: int
    lost: bool


class Arrow(Record):
    """`rules` rules of one chain jump (or go) to another. `missing` names a chain that the text does not define."""

    source: int
    target: int
    rules: int
    goes: bool
    missing: str = ""


class Graph(Record):
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]


def graph_of(ruleset: Ruleset) -> Graph:
    """Base chains in the order in which packets meet them, then the other chains as the file has them, table by table."""
    nodes: list[Node] = []
    arrows: list[Arrow] = []
    for table in ruleset.tables:
        entered = reachable(table)
        numbers: dict[str, int] = {}
        for chain in sorted(table.chains, key=_order):
            if chain.name in numbers:
                continue
            numbers[chain.name] = len(nodes)
            lost = chain.name not in entered
            nodes.append(Node(len(nodes), _table_name(table), chain.name, _hook(chain), len(chain.rules), lost))
        arrows.extend(_arrows(table, numbers))
    return Graph(tuple(nodes), tuple(arrows))


def _order(chain: Chain) -> tuple[int, int, int]:
    if chain.base is None:
        return (1, 0, 0)
    return (0, list(Hook).index(chain.base.hook), chain.base.priority)


def _table_name(table: Table) -> str:
    return f"{table.family} {table.name}" if table.name else table.family


def _hook(chain: Chain) -> str:
    if chain.base is None:
        return ""
    base = chain.base
    policy = "accept" if isinstance(base.policy, Accept) else "drop"
    device = f" on {base.device}" if base.device else ""
    return f"{base.hook}{device}, {base.type} {base.priority}, policy {policy}"


def _arrows(table: Table, numbers: dict[str, int]) -> list[Arrow]:
    out: list[Arrow] = []
    for chain in {c.name: c for c in reversed(table.chains)}.values():
        counts: dict[str, int] = {}
        goes: set[str] = set()
        for rule in chain.rules:
            for name in dict.fromkeys(target_chains(rule.verdict)):
                counts[name] = counts.get(name, 0) + 1
                if isinstance(rule.verdict, Goto):
                    goes.add(name)
        for name, count in counts.items():
            target = numbers.get(name, -1)
            out.append(Arrow(numbers[chain.name], target, count, name in goes, "" if target >= 0 else name))
    return sorted(out, key=lambda arrow: (arrow.source, arrow.target, arrow.missing))


# ----- text -------------------------------------------------------------------


def graph_text(graph: Graph) -> str:
    """Each base chain with what it leads to below it; a chain that was shown already is only named."""
    out: list[str] = []
    shown: set[int] = set()
    by_source = _by_source(graph)
    for node in graph.nodes:
        if node.hook:
            out.extend(_tree(graph, by_source, node, shown))
    lost = [node for node in graph.nodes if node.lost]
    if lost:
        out.append("unreachable: no packet gets into these chains")
        out.extend(f"  {_plain(node.table)} {_plain(node.name)}: {_rules(node)}" for node in lost)
    return "\n".join(out) + "\n" if out else "no chains\n"


def _tree(graph: Graph, by_source: dict[int, list[Arrow]], top: Node, shown: set[int]) -> list[str]:
    out: list[str] = []
    stack: list[tuple[Node, int, str]] = [(top, 0, "")]
    while stack:
        node, depth, how = stack.pop()
        again = " (shown above)" if node.number in shown and by_source.get(node.number) else ""
        place = f"{_plain(node.table)} " if node.hook else ""
        hook = f" [{_plain(node.hook)}]" if node.hook else ""
        out.append(f"{'  ' * depth}{how}{place}{_plain(node.name)}{hook}: {_rules(node)}{again}")
        if node.number in shown:
            continue
        shown.add(node.number)
        for arrow in reversed(by_source.get(node.number, ())):
            label = _label(arrow)
            if arrow.missing:
                missing = Node(-1, "", arrow.missing, "", 0, True)
                stack.append((missing, depth + 1, f"{label} undefined "))
            else:
                stack.append((graph.nodes[arrow.target], depth + 1, f"{label} "))
    return out


def _by_source(graph: Graph) -> dict[int, list[Arrow]]:
    out: dict[int, list[Arrow]] = {}
    for arrow in graph.arrows:
        out.setdefault(arrow.source, []).append(arrow)
    return out


def _rules(node: Node) -> str:
    return f"{node.rules} rule{'' if node.rules == 1 else 's'}"


def _label(arrow: Arrow) -> str:
    word = "goto" if arrow.goes else "jump"
    return f"{word} x{arrow.rules}" if arrow.rules > 1 else word


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


# ----- DOT and Mermaid --------------------------------------------------------


def graph_dot(graph: Graph) -> str:
    """For Graphviz: one cluster a table, base chains bold, unreachable ones dashed."""
    out = ["digraph chains {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for number, (table, nodes) in enumerate(_tables(graph).items()):
        out += [f"  subgraph cluster_{number} {{", f"    label={_dot(table)};"]
        for node in nodes:
            style = ", style=dashed" if node.lost else ", style=bold" if node.hook else ""
            out.append(f"    n{node.number} [label={_dot(*_lines(node))}{style}];")
        out.append("  }")
    for at, arrow in enumerate(graph.arrows):
        target = f"n{arrow.target}"
        if arrow.missing:
            target = f"m{at}"
            out.append(f"  {target} [label={_dot(arrow.missing, 'undefined')}, style=dashed];")
        out.append(f"  n{arrow.source} -> {target} [label={_dot(_label(arrow))}];")
    return "\n".join([*out, "}"]) + "\n"


def _dot(*lines: str) -> str:
    """A quoted string of DOT; a line end inside is the two characters that DOT reads as one."""
    texts = [_plain(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(texts) + '"'


def graph_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart, as Markdown pages draw it."""
    out = ["flowchart LR"]
    for number, (table, nodes) in enumerate(_tables(graph).items()):
        out.append(f"  subgraph t{number}[{_mermaid(table)}]")
        out.extend(f"    n{node.number}[{_mermaid(*_lines(node))}]" for node in nodes)
        out.append("  end")
    for at, arrow in enumerate(graph.arrows):
        target = f"n{arrow.target}"
        if arrow.missing:
            target = f"m{at}"
            out.append(f"  {target}[{_mermaid(arrow.missing, 'undefined')}]")
        out.append(f"  n{arrow.source} -->|{_mermaid(_label(arrow))}| {target}")
    lost = [f"n{node.number}" for node in graph.nodes if node.lost]
    if lost:
        out += ["  classDef unreachable stroke-dasharray: 5 5", f"  class {','.join(lost)} unreachable"]
    return "\n".join(out) + "\n"


def _mermaid(*lines: str) -> str:
    """Quoted text in which everything but letters, digits and a few signs is an entity: nothing of it is markup."""
    return '"' + "<br/>".join("".join(_entity(c) for c in _plain(line)) for line in lines) + '"'


def _entity(character: str) -> str:
    return character if character.isalnum() or character in " .,-_:/()" else f"#{ord(character)};"


def _tables(graph: Graph) -> dict[str, list[Node]]:
    out: dict[str, list[Node]] = {}
    for node in graph.nodes:
        out.setdefault(node.table, []).append(node)
    return out


def _lines(node: Node) -> tuple[str, ...]:
    state = ("unreachable",) if node.lost else ()
    return (node.name, *((node.hook,) if node.hook else ()), _rules(node), *state)
