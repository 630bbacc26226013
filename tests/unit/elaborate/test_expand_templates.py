"""`let`, templates, hygiene, bounds."""

from __future__ import annotations

import pytest
from tests.unit.elaborate.expansion_support import at, error_of, errors_of, program_of, rule
from tests.unit.watchdog import ends

from fwc.elaborate.operands import resolve_ends, resolve_traffic
from fwc.elaborate.program import Placed, Program
from fwc.lang import ast
from fwc.net.intervals import IntervalSet


def ports(program: Program, placed: Placed) -> IntervalSet | None:
    flows = resolve_traffic(program, rule(placed).traffic, [])
    assert flows is not None and len(flows) == 1
    return flows[0].dport


def source_names(program: Program, placed: Placed) -> list[str]:
    source = rule(placed).clauses.source
    assert source is not None
    out: list = []
    ends = resolve_ends(program, source, out)
    assert ends is not None, out
    return [e.name for e in ends.items]


def test_let_values_reach_ports_and_lets() -> None:
    program = program_of("let A = $B\nlet B = 8000-8010\nallow tcp $A, 22 from any to self\n")
    assert ports(program, program.statements[0]) == IntervalSet(((22, 22), (8000, 8010)))


@pytest.mark.parametrize("text", ["let A = $A\n", "let A = $B\nlet B = $C\nlet C = $A\n"])
def test_let_cycles(text: str) -> None:
    assert error_of(text).code == "FW843"


def test_an_unknown_value_is_reported_once() -> None:
    assert at(error_of("let A = $B\nlet B = $C\nlet C = $X\nlet D = $C\n")) == "$X"


def test_ten_thousand_lets_in_a_chain() -> None:
    text = (
        "".join(f"let A{n} = $A{n + 1}\n" for n in range(10_000)) + "let A10000 = 22\nallow tcp $A0 from any to self\n"
    )
    with ends():
        program = program_of(text)
    assert ports(program, program.statements[0]) == IntervalSet.of(22)


def test_parameters_with_and_without_dollar() -> None:
    text = (
        "zone wan { iface eth0 }\nhost a = 10.0.0.1\nhost who = 10.0.0.2\n"
        "template t(svc, who, r = 6/minute) { allow $svc from who in wan to self limit $r burst 6 }\n"
        "use t(tcp 22, a)\nuse t(https, @s, 3/minute)\nuse t(any, any)\nset s of addresses dynamic\n"
    )
    program = program_of(text)
    assert [source_names(program, p) for p in program.statements] == [["a"], ["@s"], ["any"]]
    assert ports(program, program.statements[0]) == IntervalSet.of(22)
    limits = [rule(p).clauses.options[0] for p in program.statements]
    assert [o.rate.amount for o in limits if isinstance(o, ast.LimitOption) and isinstance(o.rate, ast.Rate)] == [
        6,
        3,
        6,
    ]


def test_hygiene() -> None:
    """A template sees its parameters and the file's values, not those of the template that uses it."""
    text = (
        "let P = 1\n"
        "template inner() { allow tcp $P from any to self }\n"
        "template outer(P) { let Q = $P\nuse inner()\nallow tcp $Q from any to self }\n"
        "use outer(2)\n"
    )
    program = program_of(text)
    assert [ports(program, p) for p in program.statements] == [IntervalSet.of(1), IntervalSet.of(2)]
    assert at(error_of("template t() { let Q = 1 }\nuse t()\nallow tcp $Q from any to self\n")) == "$Q"


def test_arguments_pass_through_templates() -> None:
    text = (
        "host a = 10.0.0.1\ntemplate one(x) { allow ssh from x to self }\n"
        "template two(y) { use one(y)\nuse one($y) }\nuse two(a)\n"
    )
    program = program_of(text)
    assert [source_names(program, p) for p in program.statements] == [["a"], ["a"]]
    spans = program.statements[0].origin.spans
    assert [s.text for s in spans] == ["allow ssh from x to self", "use one(y)", "use two(a)"]


def test_recursion_names_the_cycle() -> None:
    found = errors_of("template a() { use b() }\ntemplate b() { use a() }\nuse a()\n")
    assert [p.code for p in found] == ["FW062"]
    assert "a -> b -> a" in found[0].message


def test_expansion_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwc.elaborate.place.MOST_EXPANDED", 5000)  # 200,000 of them take some seconds
    text = "".join(f"template t{n}() {{ use t{n + 1}()\nuse t{n + 1}() }}\n" for n in range(40))
    with ends():
        found = errors_of(text + "template t40() { }\nuse t0()\n")
    assert [p.code for p in found] == ["FW064"]


def test_deep_templates_are_refused() -> None:
    text = "".join(f"template t{n}() {{ use t{n + 1}() }}\n" for n in range(3000))
    assert {p.code for p in errors_of(text + "template t3000() { }\nuse t0()\n")} == {"FW064"}


@pytest.mark.parametrize(
    ("use", "code"),
    [
        ("use t()", "FW063"),
        ("use t(a, 1, 2)", "FW063"),
        ("use u(a)", "FW841"),
        ("use a()", "FW070"),
        ("use t(5)", "FW063"),
        ("use t(a, a)", "FW063"),
        ("use t($nope)", "FW841"),
    ],
)
def test_wrong_uses(use: str, code: str) -> None:
    text = "host a = 10.0.0.1\ntemplate t(who, p = 22) { allow tcp $p from $who to self }\n"
    assert code in {p.code for p in errors_of(text + use + "\n")}


def test_wrong_kinds_show_where_they_were_bound() -> None:
    found = error_of("let P = 10/minute\nallow tcp $P from any to self\n")
    assert at(found) == "$P" and found.secondary[0].span.text == "P"


def test_declarations_have_no_place_in_templates() -> None:
    assert error_of("template t() { zone z { iface eth0 } }\n").code == "FW076"


def test_when_in_a_template() -> None:
    text = (
        "template t() { when target pf { allow ssh from any to self } else { allow dns from any to self } }\nuse t()\n"
    )
    assert "dns" in program_of(text).statements[0].origin.spans[0].text
    assert "ssh" in program_of(text, target="pf").statements[0].origin.spans[0].text


def test_scopes_around_a_use() -> None:
    text = (
        "zone wan { iface eth0 }\ntemplate t(z) { from z { early { allow ssh to self } } }\nfrom any { use t(wan) }\n"
    )
    placed = program_of(text).statements[0]
    assert placed.early
    sources = [s.source for s in placed.scopes]
    assert [type(s.items[0]).__name__ for s in sources if s is not None] == ["Any", "Name"]
    assert isinstance(sources[1] and sources[1].items[0], ast.Name)
    assert sources[1] is not None and sources[1].items[0] == ast.Name("wan", sources[1].items[0].span)


def test_values_inside_blocks_of_a_template() -> None:
    program = program_of("template t(p) { from any { let Q = $p\nallow tcp $Q to self } }\nuse t(7)\n")
    assert ports(program, program.statements[0]) == IntervalSet.of(7)


@pytest.mark.parametrize("body", ["let p = 1", "let Q = 1\nlet Q = 2"])
def test_values_declared_twice_in_a_template(body: str) -> None:
    assert error_of(f"template t(p) {{ {body}\nallow tcp $p from any to self }}\nuse t(7)\n").code == "FW845"


def test_labels_take_the_name_of_a_parameter_that_holds_one() -> None:
    text = "template t(svc) { allow $svc from any to self as svc }\nuse t(https)\nuse t(tcp 22)\n"
    labels = [rule(p).clauses.options[0] for p in program_of(text).statements]
    assert [o.name.text for o in labels if isinstance(o, ast.LabelOption)] == ["https", "svc"]
