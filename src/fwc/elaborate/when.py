"""`when`: decided at compile time from the target, the OS, the host and the families."""

from __future__ import annotations

from collections.abc import Collection

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import WHEN
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.lang import ast
from fwc.records import Record

TARGETS = {"nft": "nftables", "nftables": "nftables", "iptables": "iptables", "pf": "pf"}
"""Words for targets and their canonical names."""

SYSTEMS = ("linux", "macos")
FAMILIES = ("dual", "v4", "v6")


class Machine(Record):
    """What is compiled: canonical target, OS, host ("" when the policy manages none), and the `family` setting."""

    target: str
    os: str
    host: str
    family: str


def holds(when: ast.When, machine: Machine, hosts: Collection[str], out: list[Diagnostic]) -> bool | None:
    """Whether the first branch is taken; None after an error. All tests must hold; the values of one test are alternatives.

    `family v4` compares with the setting: it is false in a `dual` policy.
    """
    before = len(out)
    result = True
    for test in when.tests:
        result = _test(test, machine, hosts, out) is not test.negated and result
    return None if len(out) != before else result


def check(when: ast.When, hosts: Collection[str], out: list[Diagnostic]) -> None:
    """Report what is wrong with the tests of a `when` that is not decided here."""
    for test in when.tests:
        _test(test, Machine("", "", "", ""), hosts, out)


def _test(test: ast.WhenTest, machine: Machine, hosts: Collection[str], out: list[Diagnostic]) -> bool:
    key = test.key.text
    known: dict[str, tuple[Collection[str], str]] = {
        "target": (TARGETS, machine.target),
        "os": (SYSTEMS, machine.os),
        "host": (hosts, machine.host),
        "family": (FAMILIES, machine.family),
    }
    if key not in known:
        meant = suggestion(key, known)
        help = f"did you mean `{meant}`?" if meant else "test target, os, host or family"
        out.append(mistake(WHEN, f"`when` cannot test `{key}`", test.key.span, help=help))
        return False
    words, actual = known[key]
    for value in test.values:
        if value.text not in words:
            meant = suggestion(value.text, words)
            listed = ", ".join(sorted(words)[:12]) or "none: no `host NAME { ... }` is declared"
            help = f"did you mean `{meant}`?" if meant else f"{key}s are {listed}"
            out.append(mistake(WHEN, f"there is no {key} `{value.text}`", value.span, help=help))
    values = {value.text for value in test.values}
    if key == "target":
        return actual in {TARGETS.get(value, "") for value in values}
    return actual in values
