"""Names: one namespace, any order, did-you-mean, both branches and other hosts checked."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.elaborate.expansion_support import at, error_of, errors_of, expand_text, messages, program_of, rules
from tests.unit.watchdog import ends

from fwc.diagnostics import Severity
from fwc.elaborate.names import dependency_order, edit_distance, suggestion
from fwc.elaborate.operands import resolve_ends
from fwc.lang import ast
from fwc.lang.services import standard_service


def test_names_are_found_before_their_declaration() -> None:
    program = program_of("allow ssh from admins to self\ngroup admins = boss\nhost boss = 10.0.0.1\n")
    assert set(program.groups) == {"admins", "boss"}
    assert rules(program.statements) == ["allow ssh from admins to self"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("zone x { iface eth0 }", "host x = 10.0.0.1"),
        ("host x = 10.0.0.1", "group x = 10.0.0.2"),
        ("group x = 10.0.0.1", "template x() { allow ssh from any to self }"),
        ("service x = tcp 1", "service x = tcp 2"),
        ("set x of addresses dynamic", "set x of networks dynamic"),
        ("let x = 1", "let x = 2"),
        ('policy "x"', 'policy "y"'),
    ],
)
def test_declared_twice_shows_both_places(first: str, second: str) -> None:
    found = error_of(f"{first}\n{second}\n")
    assert found.code == "FW845"
    assert found.primary is not None and found.primary.span.line == 2
    assert found.secondary[0].span.line == 1


def test_services_and_sets_have_namespaces_of_their_own() -> None:
    program_of(
        "group web = 10.0.0.1\nservice web = tcp 80\nset web of addresses dynamic\nallow web from web, @web to self\n"
    )


def test_redefining_a_shipped_service_is_a_note() -> None:
    program, problems = expand_text("service https = tcp 8443\nallow https from any to self\n")
    assert program is not None
    assert [(p.severity, p.code) for p in problems] == [(Severity.INFO, "FW845")]


def test_repeating_a_shipped_service_word_for_word_is_fine() -> None:
    shipped = standard_service("https")
    assert shipped is not None
    assert expand_text(shipped.span.text + "\n")[1] == []


def test_names_of_a_skipped_block_end_with_it() -> None:
    text = (
        "when target pf { host x = 10.0.0.1\nallow ssh from x to self }\nwhen target pf { allow ssh from x to self }\n"
    )
    assert str(error_of(text).primary and error_of(text).primary.span) == "policy.fw:3:33"  # type: ignore[union-attr]


def test_unknown_names_in_a_branch_not_taken_are_errors() -> None:
    text = "host web = 10.0.0.1\nwhen target pf { allow ssh from wbe to self } else { allow htps from web to self }\n"
    assert {at(p) for p in errors_of(text)} == {"wbe"}
    assert {at(p) for p in errors_of(text, target="pf")} == {"htps"}
    assert "`web`" in error_of(text).help


def test_unknown_names_in_another_hosts_block_are_errors() -> None:
    text = "host a { address 10.0.0.1 }\nhost b { address 10.0.0.2\nallow ssh from stfaf to self }\ngroup staff = 10.9.9.9\n"
    found = error_of(text, host="a")
    assert at(found) == "stfaf" and "`staff`" in found.help


def test_another_hosts_block_sees_its_own_declarations() -> None:
    text = (
        "host a { address 10.0.0.1 }\n"
        "host b { address 10.0.0.2; zone wan { iface eth0 }; let P = 8080\n"
        "group g = 10.0.0.9; set s of addresses dynamic; service q = tcp 1\n"
        "allow q, tcp $P from g, @s in wan to self }\n"
    )
    program_of(text, host="a")
    program_of(text, host="b")


def test_a_name_of_another_host_says_where_it_is() -> None:
    text = (
        "host a { address 10.0.0.1 }\nhost b { address 10.0.0.2; zone wan { iface eth0 } }\n"
        "when host b { } else { allow ssh from any in wan to self }\n"
    )
    program = program_of(text, host="a")
    out: list = []
    statement = program.statements[0].statement
    assert isinstance(statement, ast.Rule) and statement.clauses.source is not None
    assert resolve_ends(program, statement.clauses.source, out) is None
    assert "inside host b" in out[0].message


def test_templates_nobody_uses_are_checked() -> None:
    text = "template t(who, port = 22) { allow tcp $port from $who to nowhere\nallow $svc from who to self }\n"
    assert sorted(at(p) for p in errors_of(text)) == ["$svc", "nowhere"]


def test_a_group_with_a_mistake_does_not_cause_more_messages() -> None:
    assert len(errors_of("group a = b\ngroup c = a\nallow ssh from c, a to self\n")) == 1


def test_tests_of_other_hosts_are_left_out_and_checked() -> None:
    text = (
        "host a { address 10.0.0.1 }\nhost b { address 10.0.0.2 }\n"
        'test "t" on b { packet tcp 10.0.0.1 -> self:22 expect allow }\n'
        "assert on b never ssh from b to self\nassert on c never ssh from b to self\n"
    )
    found = error_of(text, host="a")
    assert at(found) == "c"


def test_a_syntax_of_the_future_is_refused() -> None:
    assert error_of("syntax 2\n").code == "FW079"


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edit_distance_is_a_symmetric_number_of_edits(left: str, right: str) -> None:
    distance = edit_distance(left, right, 12)
    assert distance == edit_distance(right, left, 12)
    assert (distance == 0) == (left == right)
    assert abs(len(left) - len(right)) <= distance <= max(len(left), len(right))
    assert edit_distance(left, right, distance - 1) == distance if distance else True


@pytest.mark.parametrize(
    ("written", "meant"), [("htps", "https"), ("sttaf", "staff"), ("x", ""), ("dns", ""), ("guset", "guest")]
)
def test_suggestions(written: str, meant: str) -> None:
    assert suggestion(written, ["https", "staff", "guest", "admins"]) == meant


@given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 9), max_size=3)))
def test_dependency_order_puts_needs_first(graph: dict[int, list[int]]) -> None:
    needs = {str(k): tuple(map(str, v)) for k, v in graph.items()}
    order, cycles = dependency_order(needs, needs.__getitem__)
    assert sorted(order) == sorted(needs)
    if not cycles:
        for name in needs:
            for need in needs[name]:
                assert need not in needs or order.index(need) < order.index(name)
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(b in needs[a] for a, b in pairwise(cycle))


def test_thousands_of_unknown_names_are_quick() -> None:
    hosts = "".join(f"host host-{n} = 10.0.{n >> 8}.{n & 255}\n" for n in range(3000))
    group = "group g = " + ", ".join(f"hots-{n}" for n in range(3000)) + "\n"
    with ends():
        found = errors_of(hosts + group)
    assert len(found) == 3000, messages(found[:3])


@pytest.mark.parametrize(
    ("statement", "pointed"),
    [
        ("group g = nobody", "nobody"),
        ("host h = nobody", "nobody"),
        ("zone z within nowhere { net 10.0.0.0/8 }", "nowhere"),
        ("zone z { iface eth9; overlaps nowhere }", "nowhere"),
        ("forward https from any to self -> nobody", "nobody"),
        ("map 192.0.2.0/24 <-> 10.0.0.0/24 on nowhere", "nowhere"),
        ("use t(nobody)", "nobody"),
        ("use t(@nothing)", "@nothing"),
        ("use u(any)", "u"),
        ("use t()", "use t()"),
        ("jump nowhere for any", "nowhere"),
        ("deny any from any to self add source to @nothing", "@nothing"),
        ("allow tcp $N from any to self", "$N"),
        ('settings { tabel "x" }', "tabel"),
        ("from nobody { allow ssh to self }", "nobody"),
        ("from any { from nobody { } }", "nobody"),
        ("early { deny any from nobody to self }", "nobody"),
        ("chain c { deny any from nobody to self }", "nobody"),
        ("host m { address 10.0.0.9 }", "m"),
        ("when target pff { }", "pff"),
    ],
)
def test_everything_in_a_branch_not_taken_is_bound(statement: str, pointed: str) -> None:
    found = error_of(f"template t(x) {{ allow ssh from x to self }}\nwhen target pf {{ {statement} }}\n")
    assert at(found) == pointed


def test_an_empty_prefix_block_is_bound() -> None:
    assert at(error_of("from nobody { }\n")) == "nobody"
