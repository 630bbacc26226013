"""Lines of a policy that are parsed in a second, by fwc and by Lark from the same grammar.

`python -m benchmarks.parsing fwc|lark FILE` prints the CPU seconds of one parse, without building tables or reading the file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.policies import random_policy, write_fwc
from benchmarks.processes import ENVIRONMENT, ROOT, exponent, repeats, table
from fwc.cli.collector import collect_rarely


def fwc_parser() -> Callable[[str], object]:
    from fwc.lang.parse import parse
    from fwc.source import SourceFile

    return lambda text: parse(SourceFile("policy.fw", text))


def lark_parser() -> Callable[[str], object]:
    """A tree with positions, which is less than fwc's parser gives."""
    from lark import Lark

    from fwc.lang.grammars import grammar_text

    grammar = grammar_text("policy")
    return Lark(grammar, parser="lalr", lexer="contextual", start="start", propagate_positions=True).parse


PARSERS = {"fwc": fwc_parser, "lark": lark_parser}


def main() -> None:
    collect_rarely()
    parser, text = PARSERS[sys.argv[1]](), Path(sys.argv[2]).read_text()
    start = time.process_time()
    parser(text)
    print(time.process_time() - start)


def section(sizes: Sequence[int], times: int) -> str:
    """Lines in a second for each size, the best of several processes that each parse once."""
    seconds: dict[tuple[str, int], float] = {}
    lines: dict[int, int] = {}
    with tempfile.TemporaryDirectory(prefix="fwc-bench-") as name:
        for size in sizes:
            path = Path(name) / f"{size}.fw"
            write_fwc(random_policy(size), path)
            lines[size] = path.read_text().count("\n")
            for parser in PARSERS:
                words = [sys.executable, "-m", "benchmarks.parsing", parser, str(path)]
                seconds[parser, size] = min(_seconds(words) for _ in range(repeats(size, times)))
    rows = []
    for parser in PARSERS:
        first, last = seconds[parser, sizes[0]], seconds[parser, sizes[-1]]
        rates = (lines[size] / seconds[parser, size] for size in sizes)
        growth = exponent(first, last, lines[sizes[-1]] / lines[sizes[0]])
        rows.append([parser, *(f"{rate:,.0f}" for rate in rates), growth])
    ratios = (seconds["lark", size] / seconds["fwc", size] for size in sizes)
    rows.append(["ratio", *(f"{ratio:.1f} x" for ratio in ratios), ""])
    return table(["parsing, lines a second", *(f"{size:,} rules" for size in sizes), "exponent"], rows)


def _seconds(words: Sequence[str]) -> float:
    done = subprocess.run(words, check=True, env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
