"""One random policy through every compiler: its cost without checks, with the proof and with the lints, and how that grows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.policies import random_policy, write_aerleon, write_ferm, write_fwc
from benchmarks.processes import FWC, Run, best, exponent, repeats, table

FERM = "ferm, iptables"
CHECKED = ", shadow check"
MANY = 10_000
"""Rules above which only the tools run whose cost grows with the rules and not with their square."""

RATIO_AT = 10_000


def commands(directory: Path, count: int, capirca: str) -> dict[str, Sequence[str]]:
    """The command of each tool for the same policy of `count` rules, written into `directory`."""
    policy = random_policy(count)
    fwc, ferm, out = directory / "policy.fw", directory / "policy.ferm", directory / "out"
    write_fwc(policy, fwc)
    write_ferm(policy, ferm)
    out.mkdir()
    found: dict[str, Sequence[str]] = {}
    for title, target in (("nftables", "nftables"), ("iptables (both families)", "iptables")):
        words = [*FWC, "compile", str(fwc), "--out-dir", str(out), "-t", target]
        found[f"fwc, {title}"] = [*words, "--no-lint", "--no-verify"]
        found[f"fwc, {title}, proved"] = [*words, "--no-lint"]
        found[f"fwc, {title}, proved and linted"] = words
    found["fwc lint"] = [*FWC, "lint", "--isolated", "--exit-zero", "-q", str(fwc)]
    if shutil.which("ferm"):
        found[FERM] = ["ferm", "--noexec", "--lines", str(ferm)]
    for name, tool in (("aerleon", shutil.which("aclgen")), ("capirca", shutil.which(capirca))):
        if tool and count <= MANY:
            pol = write_aerleon(policy, directory)
            words = [
                tool, "--base_directory", str(directory), "--definitions_directory", str(directory / "def"),
                "--policy_file", str(pol), "--output_directory", str(out),
            ]  # fmt: skip
            found[f"{name}, iptables"] = words
            found[f"{name}, iptables{CHECKED}"] = [*words, "--shade_check"]
    return found


def section(sizes: Sequence[int], times: int, capirca: str) -> str:
    """CPU of every tool for policies of these sizes."""
    found: dict[int, dict[str, Run]] = {}
    with tempfile.TemporaryDirectory(prefix="fwc-bench-") as name:
        for size in sizes:
            directory = Path(name) / str(size)
            directory.mkdir()
            words = commands(directory, size, capirca)
            slow = {tool: w for tool, w in words.items() if tool.endswith(CHECKED)}
            quick = {tool: w for tool, w in words.items() if tool not in slow}
            found[size] = best(quick, repeats(size, times)) | best(slow, 1)
    _add_differences(found)
    ferm = found.get(RATIO_AT, {}).get(FERM)
    rows = []
    for tool in dict.fromkeys(tool for size in sizes for tool in found[size]):
        runs = [found[size].get(tool) for size in sizes]
        known = [(size, done) for size, done in zip(sizes, runs, strict=True) if done]
        at = found.get(RATIO_AT, {}).get(tool)
        (few, first), (many, last) = known[0], known[-1]
        rows.append([
            tool, *(f"{done.cpu:.2f}" if done else "-" for done in runs),
            f"{at.cpu / ferm.cpu:.1f} x" if at and ferm else "-",
            f"{at.memory:.0f}" if at and at.memory else "-",
            exponent(first.cpu, last.cpu, many / few) if many > few else "-",
            exponent(known[-2][1].cpu, last.cpu, many / known[-2][0]) if len(known) > 1 else "-",
        ])  # fmt: skip
    head = [
        "compile, CPU s", *(f"{size:,} rules" for size in sizes), f"of ferm at {RATIO_AT:,}", f"MB at {RATIO_AT:,}",
        "exponent", "of the last step",
    ]  # fmt: skip
    return table(head, rows)


def _add_differences(found: dict[int, dict[str, Run]]) -> None:
    """The proof alone, which no command does."""
    for runs in found.values():
        with_proof, without = runs.get("fwc, nftables, proved"), runs.get("fwc, nftables")
        if with_proof and without:
            runs["the proof of nftables alone"] = Run(with_proof.cpu - without.cpu, 0)
