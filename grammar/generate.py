"""Write src/fwc/lang/_tables.py from policy.lark: the terminals and the LALR tables that Lark computes.

Run by `make grammar`. tests/unit/lang/test_against_lark.py fails when the committed file is not what this prints.
"""

from __future__ import annotations

import json
import re
import re._constants as re_constants
import re._parser as re_parser
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lark import Lark
from lark.parsers.lalr_analysis import Shift

HERE = Path(__file__).resolve().parent
STARTS = ["start", "stmt", "_zone_prop", "setting", "packet", "_host_item", "_optline"]
LINE_KINDS = STARTS[1:]
BOUNDARY = r"(?![\w.:\/@$%*+\]]|-(?!>))"
"""Behind nearly every terminal: a word ends here."""
RESERVED = r"\(\?!\(\?:([a-z0-9|]+)\)\(\?!\[A-Za-z0-9_-\]\)\)(\[A-Za-z_\].*)"
"""Before a terminal made of the characters of names: words that it is not."""
HEADER = '''"""Generated from grammar/policy.lark by `make grammar`; do not edit.

Rows are decoded when the parser first enters their state: see tables.py for the format.
"""

from typing import Any

# ruff: noqa: E501
# fmt: off
'''


def build() -> Lark:
    """The whole grammar as Lark builds it; conflicts raise GrammarError."""
    return Lark(
        (HERE / "policy.lark").read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        start=STARTS,
        maybe_placeholders=False,
        propagate_positions=True,
    )


def tables(lark: Lark) -> dict[str, Any]:
    """The parts of Lark's tables that the run time needs, with small integers for symbols, states and rules."""
    table = lark.parser.parser._parse_table  # type: ignore[attr-defined]
    ignored = set(lark.lexer_conf.ignore)
    terminals = sorted(
        (t for t in lark.terminals if t.name not in ignored),
        key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name),
    )
    names = [t.name for t in terminals] + ["$END"]
    rules = sorted({r for row in table.states.values() for a, r in row.values() if a is not Shift}, key=str_of_rule)
    nonterminals = sorted({r.origin.name for r in rules} - set(names))
    symbols = {name: n for n, name in enumerate(names + nonterminals)}
    order = number_states(table)
    rule_ids = {rule: n for n, rule in enumerate(rules)}
    rows = []
    for state in order:
        pairs = sorted(
            (symbols[str(name)], order[arg] << 1 if action is Shift else rule_ids[arg] << 1 | 1)
            for name, (action, arg) in table.states[state].items()
        )
        rows.append(" ".join(f"{symbol} {code}" for symbol, code in pairs))
    bodies = {}
    for state in order:
        row = {str(name) for name in table.states[state]}
        if "_RBRACE" in row and (kinds := row.intersection(LINE_KINDS)):
            bodies[order[state]] = "_host_item" if "_host_item" in kinds else min(kinds)
    inline = {r.origin.name for r in rules if r.origin.name.startswith("_") or r.options.expand1}
    return {
        "terminals": [[t.name, *terminal(t.pattern.to_regexp())] for t in terminals],
        "rules": [
            [r.alias or r.origin.name, symbols[r.origin.name], len(r.expansion), r.origin.name in inline] for r in rules
        ],
        "starts": {s: [order[table.start_states[s]], order[table.end_states[s]]] for s in STARTS},
        "bodies": bodies,
        "rows": rows,
    }


def terminal(pattern: str) -> tuple[str, list[str], str, str, list[str]]:
    """What the cut words are compared with: an expression for the whole word, or the words that it lists if it is no more than a
    list, the characters that every match holds, those that one may begin with, and words that are none although they match.

    What stands behind a word, or would be behind a reserved one, is nothing where whole words are compared: those lookaheads
    are most of the work of compiling an expression, which is done at each start.
    """
    whole = pattern.removesuffix(BOUNDARY)
    listed = re.fullmatch(r"(?:\(\?:)?([a-z0-9]+(?:[|-][a-z0-9]+)*)\)?", whole)
    if listed:
        return "", listed[1].split("|"), "", "", []
    reserved = re.fullmatch(RESERVED, whole)
    if reserved:
        whole = reserved[2]
    parsed = list(re_parser.parse(whole))
    begin, needs = ("".join(sorted(each)) for each in (beginnings(parsed), needed(parsed)))
    return whole, [], needs, begin, reserved[1].split("|") if reserved else []


def needed(parsed: Iterable[Any]) -> set[str]:
    """The characters that every match of a parsed expression holds."""
    found: set[str] = set()
    for kind, value in parsed:
        if kind is re_constants.LITERAL:
            found.add(chr(value))
        elif kind is re_constants.MAX_REPEAT and value[0] > 0:
            found |= needed(value[2])
        elif kind is re_constants.SUBPATTERN:
            found |= needed(value[3])
        elif kind is re_constants.BRANCH:
            found |= set.intersection(*(needed(each) for each in value[1]))
    return found


def beginnings(parsed: Iterable[Any]) -> set[str]:
    """The characters with which a match of a parsed expression may begin; ValueError when it may be empty."""
    found: set[str] = set()
    for kind, value in parsed:
        if kind is re_constants.LITERAL:
            return found | {chr(value)}
        if kind is re_constants.IN:
            return found.union(*(_members(*each) for each in value))
        if kind is re_constants.SUBPATTERN:
            return found | beginnings(value[3])
        if kind is re_constants.BRANCH:
            return found.union(*(beginnings(each) for each in value[1]))
        if kind is not re_constants.MAX_REPEAT:
            raise ValueError(f"what {kind} begins with is not known")
        found |= beginnings(value[2])
        if value[0] > 0:
            return found
    raise ValueError("a match may be empty")


def _members(kind: Any, value: Any) -> set[str]:
    if kind is re_constants.LITERAL:
        return {chr(value)}
    if kind is not re_constants.RANGE:
        raise ValueError(f"what {kind} holds is not known")
    return set(map(chr, range(value[0], value[1] + 1)))


def str_of_rule(rule: Any) -> tuple[str, list[str], str]:
    return (rule.origin.name, [s.name for s in rule.expansion], rule.alias or "")


def number_states(table: Any) -> dict[Any, int]:
    """Lark's states numbered breadth first by symbol name, so that the output does not depend on hashing."""
    order: dict[Any, int] = {}
    queue = [table.start_states[s] for s in STARTS]
    for state in queue:
        if state in order:
            continue
        order[state] = len(order)
        row = {str(name): arg for name, (action, arg) in table.states[state].items() if action is Shift}
        queue.extend(row[name] for name in sorted(row))
    return order


def module_text() -> str:
    data = tables(build())
    lines = ["DATA: dict[str, Any] = {"]
    for n, (key, value) in enumerate(data.items()):
        comma = "," if n < len(data) - 1 else ""
        if key in ("rows", "terminals", "rules"):
            body = ",\n".join(literal(v) for v in value)
            lines.append(f'"{key}":(\n{body}\n){comma}')
        else:
            lines.append(f'"{key}":{literal(value)}{comma}')
    return HEADER + "\n".join([*lines, "}", ""])


def literal(value: Any) -> str:
    """A value as Python writes it, lists as tuples: constants, which the compiled module holds ready to use."""
    if isinstance(value, list):
        return f"({''.join(literal(each) + ',' for each in value)})"
    if isinstance(value, dict):
        return "{" + ",".join(f"{literal(k)}:{literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=True)  # as Python would read it, and always in double quotes
    return repr(value)


def services_text() -> str:
    """The module that carries policies/std/services.fw."""
    text = (HERE.parent / "policies/std/services.fw").read_text(encoding="utf-8")
    return (
        '"""Generated from policies/std/services.fw by `make grammar`; do not edit."""\n\n'
        f"# fmt: off\nTEXT = r'''{text}'''\n"
    )


def outputs() -> dict[Path, str]:
    """What this script writes, by path."""
    package = HERE.parent / "src/fwc/lang"
    return {package / "_tables.py": module_text(), package / "_services.py": services_text()}


def main(arguments: list[str]) -> int:
    stale = [p for p, text in outputs().items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    if arguments == ["--check"]:
        for path in stale:
            print(f"{path.name} is not what the grammar says: run `make grammar`", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(outputs()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
