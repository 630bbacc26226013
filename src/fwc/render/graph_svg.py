"""The chains of a ruleset as a drawing in SVG that needs nothing else: no program, no script, no font, no link."""

from __future__ import annotations

from xml.sax.saxutils import escape

from fwc.records import Record
from fwc.render.graph_forms import Arrow, Graph, Node

_LETTER = 7.2  # width of a character of the monospaced font at 12 px
_HEIGHT = 46
_GAP = 18
_COLUMN_GAP = 90
_MARGIN = 20
_TITLE = 28
_MOST_LETTERS = 60

_STYLE = (
    "text{font:12px monospace;fill:#222}.name{font-weight:bold}.small{font-size:11px;fill:#555}"
    "rect{fill:#f4f6f8;stroke:#5b6770}.base{fill:#e3eefb;stroke:#1f5fa8}.lost{fill:#fff;stroke:#b03030;stroke-dasharray:5 4}"
    "path{fill:none;stroke:#5b6770}.goto{stroke-dasharray:2 3}"
)


class _Placed(Record):
    node: Node
    x: float
    y: float
    width: float


def graph_svg(graph: Graph) -> str:
    """Base chains on the left, what they lead to on their right; unreachable chains are dashed, gotos dotted."""
    columns = _columns(graph)
    widths = _widths(graph, columns)
    lefts = [_MARGIN + sum(widths[:at]) + at * _COLUMN_GAP for at in range(len(widths))]
    placed: dict[int, _Placed] = {}
    titles: list[tuple[str, float]] = []
    top = float(_MARGIN)
    for table in dict.fromkeys(node.table for node in graph.nodes):
        titles.append((table, top + 14))
        heights = [top + _TITLE] * len(widths)
        for node in graph.nodes:
            if node.table == table:
                column = columns[node.number]
                placed[node.number] = _Placed(node, lefts[column], heights[column], widths[column])
                heights[column] += _HEIGHT + _GAP
        top = max(heights) + _GAP
    width = (lefts[-1] + widths[-1] if widths else 200) + _MARGIN + _COLUMN_GAP / 2
    body = [f'<text class="name" x="{_MARGIN}" y="{y:g}">{_text(title)}</text>' for title, y in titles]
    body += [_arrow(arrow, placed) for arrow in graph.arrows if not arrow.missing]
    body += [part for each in placed.values() for part in _box(each)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{top:g}" viewBox="0 0 {width:g} {top:g}">'
        f"<style>{_STYLE}</style>"
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,1 L7,4 L0,7"/></marker></defs>'
    )
    return "\n".join([head, *body, "</svg>"]) + "\n"


def _columns(graph: Graph) -> dict[int, int]:
    """How many jumps lead to each chain on the shortest way from a base chain; unreachable ones stand on the left."""
    after: dict[int, list[int]] = {}
    for arrow in graph.arrows:
        if arrow.target >= 0:
            after.setdefault(arrow.source, []).append(arrow.target)
    out = {node.number: 0 for node in graph.nodes if node.hook}
    front = list(out)
    while front:
        reached = []
        for number in front:
            for target in after.get(number, ()):
                if target not in out:
                    out[target] = out[number] + 1
                    reached.append(target)
        front = reached
    return out | {node.number: 0 for node in graph.nodes if node.number not in out}


def _widths(graph: Graph, columns: dict[int, int]) -> list[float]:
    out = [0.0] * (max(columns.values(), default=-1) + 1)
    for node in graph.nodes:
        letters = max(len(_cut(node.name)), len(_cut(node.hook or _state(node))))
        out[columns[node.number]] = max(out[columns[node.number]], letters * _LETTER + 20)
    return out


def _box(placed: _Placed) -> list[str]:
    node, x, y = placed.node, placed.x, placed.y
    kind = ' class="lost"' if node.lost else ' class="base"' if node.hook else ""
    second = f"{node.hook}" if node.hook else _state(node)
    tip = f"{node.name}: {_state(node)}"
    return [
        f'<g><title>{_text(tip)}</title><rect{kind} x="{x:g}" y="{y:g}" width="{placed.width:g}" height="{_HEIGHT}" rx="4"/>',
        f'<text class="name" x="{x + 10:g}" y="{y + 19:g}">{_text(_cut(node.name))}</text>',
        f'<text class="small" x="{x + 10:g}" y="{y + 36:g}">{_text(_cut(second))}</text></g>',
    ]


def _state(node: Node) -> str:
    rules = f"{node.rules} rule{'' if node.rules == 1 else 's'}"
    return f"{rules}, unreachable" if node.lost else rules


def _arrow(arrow: Arrow, placed: dict[int, _Placed]) -> str:
    source, target = placed[arrow.source], placed[arrow.target]
    x1, y1 = source.x + source.width, source.y + _HEIGHT / 2
    x2, y2 = target.x, target.y + _HEIGHT / 2
    bend = _COLUMN_GAP / 2
    if x2 <= x1:  # to the same column or back: in at the right side
        x2, bend2 = target.x + target.width, -bend
    else:
        bend2 = bend
    kind = ' class="goto"' if arrow.goes else ""
    path = f"M{x1:g},{y1:g} C{x1 + bend:g},{y1:g} {x2 - bend2:g},{y2:g} {x2:g},{y2:g}"
    return f'<path{kind} d="{path}" marker-end="url(#tip)"/>'


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 3]}..."


def _text(text: str) -> str:
    """Text that is no markup; characters that XML does not allow become `?`."""
    return escape("".join(c if c.isprintable() else "?" for c in text), {'"': "&quot;", "'": "&apos;"})
