"""Dumps converted to a policy and compiled back to iptables, judged by the kernel: every packet must fare as under the original.

`python -m tests.kernel.policy_campaign` runs all loadable dumps of ../shared/corpora as root; `--packets N`, `--every N`,
`--only TEXT`.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.kernel.convert_campaign import RESTORE, Drawn, Figures, compare_fates, dumps, laboratory, probes
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, ReadRequest, compile_policy, convert
from fwc.diagnostics import Severity
from fwc.project.kernel.laboratory import LaboratoryError, LoadError
from fwc.source import SourceFile


def back(text: str, version: int, name: str) -> tuple[str, str, str] | str:
    """The policy, the iptables text of this version and the sets that it compiles to; or why there are none."""
    output, found = convert(SourceFile(name, text), ReadRequest("iptables-save", family=f"v{version}"), "fwc")
    if output is None:
        return next(d.message for d in found if d.severity is Severity.ERROR)
    policy = output.files[0].text
    if f"family v{10 - version}" in policy:
        return "read as the other family"
    options = CompileOptions(("iptables",), lint=False)
    compiled, found = compile_policy(SourceFile("policy.fw", policy), NoFiles(), options)
    if not compiled:
        return "compile: " + next(d.message for d in found if d.severity is Severity.ERROR)
    files = {f.name: f.text for f in compiled[0].files}
    return policy, files[f"rules.v{version}"], files.get("ipset.conf", "")


def judge(text: str, version: int, count: int, seed: int, figures: Figures, name: str = "dump") -> None:
    figures.dumps += 1
    drawn = Drawn(text, version, seed)
    try:
        with laboratory(drawn.interfaces) as lab:
            try:
                lab.load((RESTORE[version], text))
            except LoadError:
                figures.skipped["does not load"] += 1
                return
            figures.loaded += 1
            found = back(text, version, name)
            if isinstance(found, str):
                figures.refused[found[:110]] += 1
                return
            if found[2]:
                figures.skipped["needs sets that other programs fill"] += 1
                return
            figures.converted += 1
            original = ("the original", RESTORE[version], text)
            again = (("the policy", RESTORE[version], found[1]),)
            compare_fates(lab, original, again, probes(drawn, count), figures, name)
            figures.judged += 1
    except (LoadError, LaboratoryError) as problem:
        figures.differences.append(f"{name}: {problem}"[:300])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=250)
    parser.add_argument("--every", type=int, default=1, help="take one dump in N")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    figures, started = Figures(), time.monotonic()
    for seed, (name, version, text) in enumerate(dumps()):
        if arguments.only in name and seed % arguments.every == 0:
            judge(text, version, arguments.packets, seed, figures, name)
    for difference in figures.differences[:40]:
        print(difference)
    for title, counter in (("refused", figures.refused), ("not judged", figures.skipped)):
        for reason, times in counter.most_common(40):
            print(f"{title} {times}x: {reason}")
    print(
        f"{figures.loaded} dumps load, {figures.converted} converted and compiled back, {figures.judged} judged with "
        f"{figures.packets} packets {dict(figures.fates)}: {len(figures.differences)} differences "
        f"({time.monotonic() - started:.0f} s)"
    )
    return 1 if figures.differences or not figures.judged else 0


if __name__ == "__main__":
    sys.exit(main())
