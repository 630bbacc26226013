"""Hosts, groups, `dns`, sets and their files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.elaborate.expansion_support import (
    MemoryFiles,
    at,
    error_of,
    errors_of,
    expand_text,
    messages,
    program_of,
    texts,
)
from tests.unit.watchdog import ends

from fwc.elaborate.program import dns_names
from fwc.lang.parse import parse
from fwc.net.addresses import AddressSet
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import SourceFile


def test_except_is_a_difference_of_the_whole_list() -> None:
    program = program_of("group g = 10.0.0.0/30, 10.0.0.8, h except 10.0.0.1, h\nhost h = 10.0.0.2, 2001:db8::1\n")
    assert texts(program.groups["g"]) == ["10.0.0.0", "10.0.0.3", "10.0.0.8"]


def test_groups_in_groups_any_order_any_depth() -> None:
    text = (
        "".join(f"group g{n} = g{n + 1}, 10.0.{n >> 8}.{n & 255}\n" for n in range(3000)) + "group g3000 = 192.0.2.1\n"
    )
    program = program_of(text)
    assert program.groups["g0"].v4.size() == 3001


def test_cycles_name_all_groups() -> None:
    found = errors_of("group a = b\ngroup b = c, 10.0.0.1\ngroup c = 10.0.0.2 except a\n")
    assert [p.code for p in found] == ["FW843"] and "a -> b -> c -> a" in found[0].message


def test_an_emptied_group_is_an_error() -> None:
    found = error_of("group g = 10.0.0.0/24 except 10.0.0.0/23\n")
    assert found.code == "FW844" and at(found) == "g"


@pytest.mark.parametrize(("member", "code"), [("lan", "FW070"), ("t", "FW070"), ("nobody", "FW841"), ("m", "FW070")])
def test_members_of_the_wrong_kind(member: str, code: str) -> None:
    text = "zone lan { iface eth0 }\ntemplate t() { }\nhost m { os linux }\nhost n { address 10.0.0.1 }\n"
    assert error_of(f"{text}group g = 10.0.0.1, {member}\n", host="n").code == code


_ITEM = st.tuples(st.integers(0, 63), st.integers(26, 32))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.lists(_ITEM, min_size=1, max_size=4), st.lists(_ITEM, max_size=3)), min_size=1, max_size=4)
)
def test_groups_are_sets_of_integers(groups: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]) -> None:
    """Each group also includes the one before it; an emptied one is exactly an empty Python set."""

    def items(parts: list[tuple[int, int]]) -> tuple[list[str], set[int]]:
        fixed = [(value >> 32 - size << 32 - size, size) for value, size in parts]
        return [f"10.0.0.{v}/{s}" for v, s in fixed], {v + n for v, s in fixed for n in range(1 << 32 - s)}

    lines, expected, empty = [], [], False
    for number, (included, excluded) in enumerate(groups):
        words, values = items(included)
        without, gone = items(excluded)
        if number:
            words.append(f"g{number - 1}")
            values = values | expected[-1]
        expected.append(values - gone)
        lines.append(
            f"group g{number} = {', '.join(words)}" + (f" except {', '.join(without)}" if without else "") + "\n"
        )
        if not expected[-1]:
            empty = True
            break
    program, problems = expand_text("".join(lines))
    assert program is not None
    if empty:
        assert [p.code for p in problems] == ["FW844"]
        return
    for number, values in enumerate(expected):
        assert {v - (10 << 24) for v in program.groups[f"g{number}"].v4} == values


def test_dns_names_come_from_the_lock() -> None:
    text = 'host relay = dns "mail.example.net"\ngroup g = dns "mail.example.net", 10.0.0.1\n'
    program = program_of(text, lock={"mail.example.net": ["192.0.2.7", "2001:db8::7"]})
    assert texts(program.groups["relay"]) == ["192.0.2.7", "2001:db8::7"]
    found = errors_of(text)
    assert {p.code for p in found} == {"FW071"} and all("fwc lock" in p.help for p in found)
    assert {p.code for p in errors_of(text, lock={"mail.example.net": []})} == {"FW071"}
    assert {p.code for p in errors_of(text, lock={"mail.example.net": ["192.0.2.7", "x"]})} == {"FW071"}


def test_all_dns_names_of_a_policy() -> None:
    text = (
        'host a = dns "a.example"\nhost m { address 10.0.0.1; allow ssh from dns "b.example" to self }\n'
        'when target pf { allow ssh from any except dns "c.example" to self }\ninclude "x.fw"\n'
        'template t() { allow ssh from dns "d.example" to self }\n'
    )
    tree, problems = parse(SourceFile("policy.fw", text))
    assert not problems
    names, found = dns_names(tree, MemoryFiles({"x.fw": 'group g = dns "e.example", dns "a.example"\n'}))
    assert not found
    assert names == ("a.example", "b.example", "c.example", "d.example", "e.example")


def test_file_sets() -> None:
    content = (
        "# list\n10.0.0.0/24 ; first\n\n10.0.2.0-10.0.2.9\r\n 192.0.2.1\n2001:db8::/32\n2001:db8:1::1-2001:db8:1::2\n"
    )
    program = program_of('set drop of networks = file "drop.txt"\n', {"drop.txt": content})
    ((known,),) = program.sets["drop"].elements
    assert isinstance(known, AddressSet)
    assert texts(known) == ["10.0.0.0/24", "10.0.2.0-10.0.2.9", "192.0.2.1", "2001:db8::/32"]
    assert not program.sets["drop"].runtime
    assert [path for path, digest in program.inputs if len(digest) == 64] == ["drop.txt"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("10.0.0.5/24", "FW012"),
        ("10.0.0.256", "FW072"),
        ("010.0.0.1", "FW072"),
        ("10.0.0.9-10.0.0.1", "FW072"),
        ("10.0.0.1-2001:db8::1", "FW072"),
        ("10.0.0.0/33", "FW072"),
        ("10.0.0.0/", "FW072"),
        ("10.0.0.0/٢٤", "FW072"),
        ("2001:db8::1/32", "FW012"),
        ("example.net", "FW072"),
        ("10.0.0.1 10.0.0.2", "FW072"),
        ("\x00", "FW072"),
    ],
)
def test_bad_lines_have_line_and_column(line: str, code: str) -> None:
    found = error_of('set s of networks = file "s.txt"\n', {"s.txt": f"10.0.0.1\n  {line} # why\n"})
    assert found.code == code
    assert str(found.primary and found.primary.span) == "s.txt:2:3"
    assert at(found) == line


def test_many_bad_lines_are_counted() -> None:
    found = errors_of('set s of addresses = file "s.txt"\n', {"s.txt": "x\n" * 5000})
    assert len(found) == 21 and "4,980 more" in found[-1].message


def test_a_hundred_thousand_lines_are_quick() -> None:
    content = "".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}\n" for n in range(0, 200_000, 2))
    with ends():
        program = program_of('set s of addresses size 100000 = file "s.txt"\n', {"s.txt": content})
    ((known,),) = program.sets["s"].elements
    assert isinstance(known, AddressSet) and known.v4.size() == 100_000


def test_sets_of_other_kinds() -> None:
    files = {"p": "80\n8000-8010\n", "m": "52:54:00:12:34:56\n", "i": "eth0\nwg*\n"}
    program = program_of(
        'set p of ports = file "p"\nset m of macs = file "m"\nset i of ifaces = file "i"\nset j of ifaces = eth8, eth9\n',
        files,
    )
    assert program.sets["p"].elements == ((IntervalSet(((80, 80), (8000, 8010))),),)
    assert program.sets["m"].elements == ((IntervalSet.of(0x525400123456),),)
    assert program.sets["i"].elements == ((IfaceSet.of(["eth0", "wg*"]),),)
    assert program.sets["j"].elements == ((IfaceSet.of(["eth8", "eth9"]),),)
    for kind in ("ports", "macs", "ifaces"):
        assert {p.code for p in errors_of(f'set s of {kind} = file "x"\n', {"x": "no no\n"})} == {"FW072"}


def test_runtime_sets() -> None:
    program = program_of("set b of addresses dynamic timeout 6h size 65536 counters\nset c of networks\n")
    banned = program.sets["b"]
    assert banned.runtime and banned.timeout == 21600 and banned.size == 65536 and banned.counters
    assert program.sets["c"].runtime and not banned.elements


@pytest.mark.parametrize(
    "declaration",
    [
        'set s of addresses dynamic = file "f"',
        "set s of addresses timeout 1h = 10.0.0.1",
        "set s of addresses size 1 = 10.0.0.1, 10.0.0.9",
        "set s of addresses dynamic size 0",
        "set s of addresses dynamic = 10.0.0.0/24",
        "set s of ifaces dynamic",
        "set s of addresses dynamic timeout 0s",
    ],
)
def test_attributes_that_do_not_fit(declaration: str) -> None:
    assert "FW073" in {p.code for p in errors_of(declaration + "\n", {"f": "10.0.0.1\n"})}


def test_set_members_by_name() -> None:
    program = program_of("let A = 10.0.0.9\nhost h = 10.0.0.1\nset s of addresses = h, $A\n")
    ((known,),) = program.sets["s"].elements
    assert isinstance(known, AddressSet) and texts(known) == ["10.0.0.1", "10.0.0.9"]


def test_twenty_thousand_members() -> None:
    text = "group g = {\n" + "".join(f"10.{n >> 8}.{n & 255}.1\n" for n in range(20_000)) + "}\n"
    with ends():
        assert program_of(text).groups["g"].v4.size() == 20_000


def test_messages_never_show_a_traceback_for_a_missing_file() -> None:
    assert "no such file" in error_of('set s of addresses = file "gone"\n').message
    assert messages(errors_of("group g = 10.0.0.1\n")) == []
