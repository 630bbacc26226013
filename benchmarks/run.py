"""Runs every benchmark and writes docs/performance.md: `make bench`, or `python -m benchmarks.run --help`.

All times are CPU seconds of whole processes, the least of several runs taken in turn; compare the ratios, not the seconds.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import compiling, linting, packets, parsing, rule_lists, shapes
from benchmarks.policies import allow_list, random_policy, write_fwc
from benchmarks.processes import ENVIRONMENT, FWC, ROOT, best, table

# ----- start-up -----------------------------------------------------------------


def start_section(times: int) -> str:
    with tempfile.TemporaryDirectory(prefix="fwc-bench-") as name:
        policy = Path(name) / "policy.fw"
        write_fwc(random_policy(20), policy)
        # a virtual environment of its own: start-up files of other packages would make bare Python slow and the ratio good
        venv.create(Path(name) / "venv", symlinks=True)
        bare_python = [str(Path(name) / "venv/bin/python")]
        commands: dict[str, Sequence[str]] = {
            "python -c pass": [*bare_python, "-c", "pass"],
            "fwc --help": [*bare_python, "-m", "fwc", "--help"],
            "fwc lint, 20 rules": [*bare_python, "-m", "fwc", "lint", "--isolated", str(policy)],
        }
        found = best(commands, times * 5)
    bare = found["python -c pass"].cpu
    rows = [[name, f"{done.cpu * 1000:.0f}", f"{done.cpu / bare:.1f} x"] for name, done in found.items()]
    return table(["start-up", "CPU ms", "of bare Python"], rows)


# ----- packets ------------------------------------------------------------------


def compiled(directory: Path, policy: str, target: str, *more: str) -> packets.Load:
    """A policy, compiled; what would be dropped passes, so that a miss costs only the evaluation."""
    source, sets = directory / "policy.fw", directory / "ipset.conf"
    source.write_text(policy)
    sets.unlink(missing_ok=True)
    words = [*FWC, "compile", str(source), "-t", target, "--no-lint", "--no-verify", "--out-dir", str(directory), *more]
    subprocess.run(words, check=True, env=ENVIRONMENT, capture_output=True)
    if target == "nftables":
        return [(["nft", "-f", "-"], (directory / "nftables.conf").read_text().replace("policy drop", "policy accept"))]
    text = (directory / "rules.v4").read_text().replace("FORWARD DROP", "FORWARD ACCEPT")
    load = [(["ipset", "restore"], sets.read_text())] if sets.exists() else []
    return [*load, (["iptables-legacy-restore"], text)]


def _allow_policy(flows: Sequence[packets.Flow]) -> str:
    return rule_lists.policy([f"allow tcp {p} from {shapes.text(a)} in z0 to z1" for a, p, *_ in flows])


def _loads(directory: Path, flows: list[tuple[int, int]]) -> dict[str, dict[str, packets.Load]]:
    """The rulesets that are measured side by side: those of each base, and its list alone, which takes all of the cache."""
    policy = _allow_policy(flows)
    return {
        "nftables": {
            "nftables, compiled": compiled(directory, policy, "nftables"),
            "nftables, set by hand": shapes.nft_set(flows),
        },
        "nftables list": {"nftables, list by hand": shapes.nft_list(flows)},
        "iptables": {
            "iptables-legacy, compiled": compiled(directory, policy, "iptables"),
            "iptables-legacy, halving chains by hand": shapes.iptables_halves(flows),
            "iptables-legacy, compiled with ipset": compiled(directory, policy, "iptables", "--ipset"),
            "iptables-legacy, ipset by hand": shapes.ipset(flows),
        },
        "iptables list": {"iptables-legacy, list by hand": shapes.iptables_list(flows)},
    }


BEST = {
    "nftables, compiled": "nftables, set by hand",
    "iptables-legacy, compiled": "iptables-legacy, halving chains by hand",
    "iptables-legacy, compiled with ipset": "iptables-legacy, ipset by hand",
}


def packet_section(sizes: Sequence[int], repetitions: int) -> str:
    """The allow-list in each tool."""
    missing = packets.available()
    if missing:
        return f"Not measured: {missing}.\n"
    found: dict[str, dict[tuple[int, str], float]] = {}
    with packets.workspace() as name:
        directory = Path(name)
        bench = packets.Bench(directory, repetitions)
        for size in sizes:
            flows = allow_list(size)
            hits = flows[:: max(1, size // packets.FLOWS)][: packets.FLOWS]
            for tool, loads in _loads(directory, flows).items():
                base = shapes.iptables([]) if tool.startswith("iptables") else shapes.nft("")
                for case, chosen in (("hit", hits), ("miss", [(a, rule_lists.UNUSED) for a, _ in hits])):
                    for shape, value in bench.measure(loads, chosen, base).items():
                        found.setdefault(shape, {})[size, case] = value
    columns = [(size, case) for size in sizes for case in ("hit", "miss")]
    rows = []
    for shape, values in found.items():
        hand = found.get(BEST.get(shape, ""), {})
        rows.append([shape, *(_ratio(values[column], hand.get(column)) for column in columns)])
    return table(["ns per packet", *(f"{size:,} {case}" for size, case in columns)], rows)


def _ratio(value: float, hand: float | None) -> str:
    return f"{value:,.0f} ({value / hand:.1f} x)" if hand else f"{value:,.0f}"


def shape_section(sizes: Sequence[int], repetitions: int, times: int) -> str:
    """Policies of other shapes for nftables: packets, and loading the output."""
    missing = packets.available()
    if missing:
        return f"Not measured: {missing}.\n"
    rows = []
    with packets.workspace() as name:
        directory = Path(name)
        bench = packets.Bench(directory, repetitions)
        for title, make in rule_lists.SHAPES.items():
            for size in sizes:
                shape = make(size, random.Random(size))
                loads = {
                    "compiled": compiled(directory, rule_lists.policy(shape.statements), "nftables"),
                    "hand": shape.hand,
                }
                cells = []
                for flows in (shape.hits, shape.misses):
                    step = max(1, len(flows) // packets.FLOWS)
                    value = bench.measure(loads, flows[::step][: packets.FLOWS], shapes.nft(""))
                    cells.append(
                        f"{value['compiled']:,.0f} / {value['hand']:,.0f} ({value['compiled'] / value['hand']:.1f} x)"
                    )
                own, hand = packets.load_time(loads["compiled"], loads["hand"], times=times)
                rows.append([title, f"{size:,}", *cells, f"{own:.0f} / {hand:.0f} ({own / hand:.1f} x)"])
    return table(["rules", "number", "hit, ns", "miss, ns", "load, ms"], rows)


# ----- the cost model -------------------------------------------------------------


def _estimate(directory: Path, load: packets.Load) -> float:
    """What `fwc cost` says of a typical new forwarded IPv4 packet, in nanoseconds."""
    words, text = load[-1]
    file = directory / ("ruleset.nft" if words[0] == "nft" else "ruleset.v4")
    file.write_text(text)
    done = subprocess.run(
        [*FWC, "cost", str(file), "--output-format", "json"],
        check=True,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    hooks = json.loads(done.stdout)["hooks"]
    return next(float(h["typical_new"]["nanoseconds"]) for h in hooks if (h["hook"], h["family"]) == ("forward", 4))


def cost_section(repetitions: int) -> str:
    """The estimate of `fwc cost` beside the kernel, for ten rulesets."""
    missing = packets.available()
    if missing:
        return f"Not measured: {missing}.\n"
    rows = []
    with packets.workspace() as name:
        directory = Path(name)
        bench = packets.Bench(directory, repetitions)
        cases: list[tuple[str, packets.Load, list[packets.Flow]]] = []
        for size, titles in ((100, ["hosts and networks"]), (10_000, list(rule_lists.SHAPES))):
            for title in titles:
                shape = rule_lists.SHAPES[title](size, random.Random(size))
                load = compiled(directory, rule_lists.policy(shape.statements), "nftables")
                cases.append((f"nftables, {title}, {size:,}", load, shape.hits))
        long: list[tuple[int, int]] = allow_list(10_000)
        short = long[:1000]
        cases.append(("nftables, list, 1,000", shapes.nft_list(short), list(short)))
        cases.append(("iptables, compiled, 10,000", compiled(directory, _allow_policy(long), "iptables"), list(long)))
        cases.append(("iptables, halving chains, 10,000", shapes.iptables_halves(long), list(long)))
        cases.append(("iptables, ipset, 10,000", shapes.ipset(long), list(long)))
        cases.append(("iptables, list, 1,000", shapes.iptables_list(short), list(short)))
        for title, load, flows in cases:
            base = shapes.nft("") if title.startswith("nftables") else shapes.iptables([])
            chosen = flows[:: max(1, len(flows) // packets.FLOWS)][: packets.FLOWS]
            measured = bench.measure({"it": load}, chosen, base)["it"]
            estimated = _estimate(directory, load) - _estimate(directory, base)
            rows.append([title, f"{measured:,.0f}", f"{estimated:,.0f}", f"{estimated / measured:.2f}"])
    return table(["ruleset, members", "measured, ns", "`fwc cost`, ns", "of measured"], rows)


# ----- the page -----------------------------------------------------------------


def machine() -> str:
    model = "unknown processor"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} processors ({model}), {system}, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="rules of the policies and rulesets")
    parser.add_argument(
        "--packet-sizes", default="100,10000", help="members of the allow-lists to send packets through"
    )
    parser.add_argument("--times", type=int, default=3, help="runs of each command")
    parser.add_argument("--repetitions", type=int, default=500, help="pairs of bursts for each packet figure")
    parser.add_argument(
        "--capirca", default="capirca-aclgen", help="the aclgen of capirca; `aclgen` itself is aerleon's"
    )
    parser.add_argument(
        "--only", nargs="+", help="print these tables and write nothing: compile, parse, lint, start, ..."
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    arguments = parser.parse_args()
    compileall.compile_dir(ROOT / "src", quiet=2)  # as an installation does, whatever the environment says
    sizes = [int(size) for size in arguments.sizes.split(",")]
    packet_sizes = [int(size) for size in arguments.packet_sizes.split(",")]
    times, repetitions = arguments.times, arguments.repetitions
    sections: dict[str, Callable[[], str]] = {
        "machine": machine,
        "compile": lambda: compiling.section(sizes, times, arguments.capirca),
        "parse": lambda: parsing.section(sizes, times),
        "lint": lambda: linting.section(sizes, times),
        "start": lambda: start_section(times),
        "packets": lambda: packet_section(packet_sizes, repetitions),
        "cost": lambda: cost_section(repetitions),
        "shapes": lambda: shape_section(packet_sizes, repetitions, times),
    }
    unknown = [name for name in arguments.only or () if name not in sections]
    if unknown:
        parser.error(f"there is no table {unknown[0]!r}; there are {', '.join(sections)}")
    if arguments.only:
        for name in arguments.only:
            sys.stdout.write(sections[name]() + "\n")
        return
    page = (Path(__file__).parent / "page.md").read_text()
    for name, make in sections.items():
        page = page.replace(f"{{{name}}}", make().rstrip("\n"))
    arguments.output.write_text(page)
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
