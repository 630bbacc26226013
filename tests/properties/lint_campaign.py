"""Dead rules by brute force, many of them: `python -m tests.properties.lint_campaign --count 2000 [--seed 1] [iptables nft pf]`.

Prints a line per dialect: rulesets, dead rules, missed, invented; exits 1 at the first disagreement, with its ruleset.
"""

from __future__ import annotations

import argparse
import sys
from random import Random

from tests.properties.lint_rulesets import GENERATORS, Generated

from fwc import api
from fwc.lints._settings import LintSettings
from fwc.project.loader import DiskFiles, standard_policies
from fwc.source import SourceFile

DEAD = ("FW010", "FW101", "FW102", "FW103", "FW104", "FW106", "FW111", "FW122", "FW307", "FW601", "FW801")
"""The codes that say that a rule never takes a packet; every dead rule is reported under exactly one."""


def reported(ruleset: Generated) -> dict[int, list[str]]:
    """The lines that lints call dead, with the codes that do."""
    source = SourceFile("ruleset", ruleset.text)
    request = api.LintRequest(ruleset.kind, LintSettings(select=DEAD))
    outcome = api.lint(source, DiskFiles("ruleset", standard_policies()), request)
    lines: dict[int, list[str]] = {}
    for finding in outcome.findings:
        assert finding.code in DEAD, f"{finding.code}: {finding.message}\n{ruleset.text}"
        for line in {span.line for span in finding.affects}:
            lines.setdefault(line, []).append(finding.code)
    return lines


def disagreement(ruleset: Generated) -> str:
    """What the lints miss or invent, empty when they are right."""
    found = reported(ruleset)
    missed = sorted(ruleset.dead - found.keys())
    overruled = {line for line, codes in found.items() if codes == ["FW601"]} & ruleset.overruled
    invented = sorted(found.keys() - ruleset.dead - overruled)
    twice = sorted(line for line, codes in found.items() if len(codes) > 1)
    if not missed and not invented and not twice:
        return ""
    return f"missed {missed}, invented {invented}, twice {twice}: {found}\n{ruleset.text}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialects", nargs="*", help="iptables, nft, pf; all by default")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    wrong = 0
    for dialect in options.dialects or list(GENERATORS):
        dead = bad = 0
        for number in range(options.count):
            ruleset = GENERATORS[dialect](Random(f"{options.seed} {dialect} {number}"))
            dead += len(ruleset.dead)
            problem = disagreement(ruleset)
            if problem:
                bad += 1
                print(f"{dialect} {number}: {problem}")
                if not options.keep_going:
                    return 1
        wrong += bad
        print(f"{dialect}: {options.count} rulesets, {dead} dead rules, {bad} rulesets judged wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
