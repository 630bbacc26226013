"""Policies made to break the compiler: every one ends in diagnostics or an answer, soon."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.elaborate.expansion_support import MemoryFiles, errors_of
from tests.unit.watchdog import ends

from fwc.diagnostics import Diagnostic
from fwc.elaborate.operands import resolve_ends, resolve_traffic
from fwc.elaborate.program import ElaborateOptions, Placed, dns_names, expand
from fwc.lang import ast
from fwc.lang.parse import parse
from fwc.source import SourceFile

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").rglob("*.fw"))
WORDS = [re.findall(r'"[^"\n]*"|[\w.:/@$*-]+|[^\w\s]|\n', path.read_text()) for path in EXAMPLES]
VOCABULARY = sorted({word for words in WORDS for word in words})


DEFAULT = ElaborateOptions(today="2026-11-23")


def run(text: str, options: ElaborateOptions = DEFAULT) -> list[Diagnostic]:
    """Everything this package does with a text, broken or not."""
    tree, out = parse(SourceFile("policy.fw", text))
    files = MemoryFiles({"a.fw": "host included = 192.0.2.1\n"}, {"mx.example.net": ["192.0.2.25"]})
    dns_names(tree, files)
    program, found = expand(tree, files, options)
    out += found
    if program is not None:
        pending: list[Placed] = list(program.statements)
        while pending:
            placed = pending.pop()
            pending += placed.body
            clauses = getattr(placed.statement, "clauses", None)
            traffic = getattr(placed.statement, "traffic", None)
            if traffic is not None:
                resolve_traffic(program, traffic, out)
            if isinstance(clauses, ast.Clauses):
                for ends in (clauses.source, clauses.destination):
                    if ends is not None:
                        resolve_ends(program, ends, out)
    for problem in out:
        assert problem.message and problem.code
        assert problem.primary is None or problem.primary.span.start <= problem.primary.span.end
        problem.sort_key()
    return out


@pytest.mark.skipif(not EXAMPLES, reason="no examples in this checkout")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_examples_never_crash(data: st.DataObject) -> None:
    words = list(data.draw(st.sampled_from(WORDS)))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(words) - 1))
        kind = data.draw(st.sampled_from(["drop", "replace", "swap", "repeat"]))
        other = data.draw(st.integers(0, len(words) - 1))
        if kind == "drop" and len(words) > 1:
            del words[at]
        elif kind == "replace":
            words[at] = data.draw(st.sampled_from(VOCABULARY))
        elif kind == "swap":
            words[at], words[other] = words[other], words[at]
        else:
            words.insert(at, words[other])
    target = data.draw(st.sampled_from(["", "nftables", "iptables", "pf"]))
    host = data.draw(st.sampled_from(["", "web1", "mac-build"]))
    run(" ".join(words), ElaborateOptions(target, host, "2026-11-23"))


STATEMENTS = [
    "host {n} = {a}",
    "group {n} = {n}, {a} except {n}",
    "zone {n} {{ iface eth0; net {a} }}",
    "zone {n} within {n} {{ net {a} }}",
    "zone {n} {{ iface eth*; overlaps {n} }}",
    "service {n} = {n}, tcp ${n}",
    "let {n} = ${n}",
    "let {n} = {n}",
    "let {n} = 22",
    "set {n} of networks = {n}, {a}",
    "set {n} of addresses dynamic",
    "template {n}({n}, {m} = {n}) {{ allow ${n} from {n} in ${m} to {m}\nuse {n}({m}) }}",
    "use {n}({m})",
    "use {n}($ {m}, @{n})".replace("$ ", "$"),
    "host {n} {{ address {a}; use {n}(any); zone {m} {{ iface eth1 }} }}",
    "when host {n} {{ host {m} = {a} }} else {{ use {n}(self) }}",
    "allow {n}, tcp ${m} from {n}, @{m} except {m} in {n} to {m}",
    "chain {n} {{ deny any from {m} to any }}",
    'include "a.fw"',
    'settings {{ family dual; table "{n}" }}',
    "from {n} {{ early {{ deny any to {m} }} }}",
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(STATEMENTS),
            st.sampled_from("abc"),
            st.sampled_from("abc"),
            st.sampled_from(["10.0.0.0/8", "fd00::1"]),
        ),
        max_size=12,
    ),
    st.sampled_from(["", "a"]),
)
def test_tangles_of_names_never_crash(parts: list[tuple[str, str, str, str]], host: str) -> None:
    text = "".join(form.format(n=n, m=m, a=a) + "\n" for form, n, m, a in parts)
    run(text, ElaborateOptions("", host, "2026-11-23"))


HOSTILE = {
    "unknown names": "when target pf {\n" + "".join(f"allow ssh from x{n} to self\n" for n in range(5000)) + "}\n",
    "ring of groups": "".join(f"group g{n} = g{(n + 1) % 3000}\n" for n in range(3000)),
    "ring of zones": "".join(f"zone z{n} within z{(n + 1) % 1000} {{ net 10.0.0.0/8 }}\n" for n in range(1000)),
    "chain of zones": "zone z0 { iface eth0 }\n"
    + "".join(f"zone z{n} within z{n - 1} {{ net 10.0.0.0/8 }}\n" for n in range(1, 1000)),
    "dense groups": "".join(
        f"group g{n} = 10.0.0.{n}" + "".join(f", g{m}" for m in range(n)) + "\n" for n in range(250)
    ),
    "everything overlaps": "".join(f"zone z{n} {{ iface eth0 }}\n" for n in range(1000)),
    "same name": "host h = 10.0.0.1\n" * 5000,
    "nested blocks": "when target nft {\n" * 5000 + "}\n" * 5000,
    "many hosts": "".join(f"host h{n} {{ address 10.{n >> 8}.{n & 255}.1; use base() }}\n" for n in range(2000))
    + "template base() { allow ssh from any to self }\n",
    "many hosts with zones of their own": "".join(
        f"host h{n} {{ address 10.{n >> 8}.{n & 255}.1; zone wan {{ iface eth0 }}; allow ssh from h0 in wan to self }}\n"
        for n in range(3000)
    ),
    "many uses": "template t(a) {\n" + "allow ssh from $a to self\n" * 500 + "}\n" + "use t(any)\n" * 50,
    "unclosed blocks": "when target nft {\n" * 5000,
    "long names": f"group {'x' * 100_000} = {'y' * 100_000}\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_policies_end_soon(name: str) -> None:
    with ends():
        run(HOSTILE[name], ElaborateOptions("", "h0" if "many hosts" in name else "", "2026-11-23"))


def test_files_that_all_include_all() -> None:
    files = {f"{n}.fw": 'include "*.fw"\n' for n in range(300)}
    with ends():
        found = errors_of('include "*.fw"\n', files)
    assert 0 < len(found) <= 1000
