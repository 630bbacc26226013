"""Writes docs/lints/, docs/targets.md, the layers of ARCHITECTURE.md and the table of lints from what the code says: `make docs`.

CI compares.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from fwc.cli.explain_command import page
from fwc.dialects.registry import TARGETS, load_dialect
from fwc.lints._registry import CATEGORIES, load_lints

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "docs" / "lints"
TABLE = ROOT / "src" / "fwc" / "lints" / "_table.py"


def pages() -> dict[str, str]:
    """File names and texts: one page for each code, and the table."""
    lints = list(load_lints().values())
    out = {f"{each.name}.md": page(each) for each in lints}
    rows = ["# Codes", "", "`fwc explain CODE` prints these pages, `fwc rules` this table.", ""]
    for prefix, category in CATEGORIES.items():
        own = [each for each in lints if each.code.startswith(prefix)]
        if own:
            rows += [f"## {prefix}xx {category}", "", "| code | name | severity | persona | reads | what it finds |"]
            rows += ["|---|---|---|---|---|---|"]
            for each in own:
                reads = ", ".join(each.formats)
                rows.append(
                    f"| {each.code} | [{each.name}]({each.name}.md) | {each.severity} | {each.persona.value} | {reads} | "
                    f"{each.summary.replace('|', chr(92) + '|')} |"
                )
            rows.append("")
    out["README.md"] = "\n".join(rows).rstrip() + "\n"
    return dict(sorted(out.items()))


def targets() -> str:
    """What each target can express, from the tables that the compiler goes by."""
    out = [
        "# Targets",
        "",
        "What each target can express of the policy language. `fwc targets` prints these tables; they are the ones that refusals",
        "(FW031) quote. What a `partial` or `no` row leaves out is an error at the statement, never an approximation.",
        "",
    ]
    for target in TARGETS:
        out += [f"## {target}", "", "| feature | support | how, or what to do instead |", "|---|---|---|"]
        out += [
            f"| {row.feature} | {row.support} | {row.note.replace('|', '&#124;')} |"
            for row in load_dialect(target).capabilities
        ]
        out.append("")
    return "\n".join(out).rstrip() + "\n"


def layers(text: str) -> str:
    """ARCHITECTURE.md with the table of layers that tests/test_layers.py enforces."""
    table = runpy.run_path(str(ROOT / "tests" / "test_layers.py"))["LAYERS"]
    block = "\n".join(" · ".join(sorted(layer)) for layer in table)
    return re.sub(r"```layers\n.*?\n```", f"```layers\n{block}\n```", text, count=1, flags=re.S)


def table() -> str:
    """src/fwc/lints/_table.py: by it a run imports only the lints that read its kind of input and have something to look at."""
    out = [
        '"""Code, name, persona, kinds of input and module of every lint, the kinds of which it reads the tree, and what it needs.',
        "",
        "Written by `make docs` from the lints; do not edit.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "# ruff: noqa: E501",
        "# fmt: off",
        "Words = tuple[str, ...]",
        "ROWS: tuple[tuple[str, str, str, Words, str, Words, Words], ...] = (",
    ]
    for each in load_lints().values():
        row = (each.code, each.name, each.persona.value, each.formats, each.module, each.reads_tree, each.needs)
        out.append(f"    ({', '.join(map(_literal, row))}),")
    out += [")", '"""In the order of codes. The module is empty where reading the input reports the code."""', ""]
    return "\n".join(out)


def _literal(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"


def main() -> None:
    TABLE.write_text(table(), encoding="utf-8")
    architecture = ROOT / "ARCHITECTURE.md"
    architecture.write_text(layers(architecture.read_text(encoding="utf-8")), encoding="utf-8")
    (DIRECTORY.parent / "targets.md").write_text(targets(), encoding="utf-8")
    DIRECTORY.mkdir(exist_ok=True)
    wanted = pages()
    for path in DIRECTORY.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
