"""What an ipset file lists, as content of sets."""

from __future__ import annotations

import re

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import has_errors
from fwc.dialects.iptables.set_content import as_loaded, with_content
from fwc.dialects.iptables.setlines import named_sets
from fwc.dialects.iptables.tree import SetLine
from fwc.errors import InternalError
from fwc.ir.match import Field
from fwc.ir.model import NamedSet, Ruleset, Table
from fwc.net.addresses import AddressSet
from fwc.net.intervals import IntervalSet
from fwc.roundtrip import prove
from fwc.source import SourceFile

POLICY = """syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
group office = 10.0.0.1, 10.0.0.3, 10.0.0.5, 10.0.0.9, 10.0.1.0/24, 10.0.3.0/24
allow tcp 22 from office in wan to lan
default input deny
default forward deny
"""


def lines(*members: str, kind: str = "hash:net") -> list[SetLine]:
    return [SetLine("create", "bad", (kind, "family", "inet")), *(SetLine("add", "bad", (m,)) for m in members)]


def content(rows: list[SetLine]) -> tuple[object, ...]:
    return with_content(named_sets(rows), rows)[0].elements


def test_members_become_one_set_of_addresses() -> None:
    found = content(lines("10.0.0.1", "10.0.1.0/24"))
    assert found == ((AddressSet(v4=IntervalSet(((0x0A000001, 0x0A000001), (0x0A000100, 0x0A0001FF)))),),)


@pytest.mark.parametrize("member", ["10.0.0.1-10.0.0.7", "10.0.0.1/33", "x", "10.0.0.1,tcp:80"])
def test_a_member_that_is_no_address_leaves_the_content_unknown(member: str) -> None:
    assert content(lines("10.0.0.2", member)) == ()


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        ("hash:ip,mark", "10.0.0.2,0x1"),
        ("hash:net,iface", "10.0.0.0/24,eth0"),
        ("hash:ip,port", "10.0.0.2,udplite:80"),
        ("hash:ip,port", "10.0.0.2,icmp:8/0"),
        ("hash:ip,port", "10.0.0.2"),
        ("hash:ip,port", "10.0.0.2,tcp:80-"),
        ("hash:ip,port", "10.0.0.2,tcp:90-80"),
        ("hash:ip,port,ip", "10.0.0.2,tcp:80,x"),
        ("hash:mac,port", "00:11:22:33:44:55,tcp:80"),
    ],
)
def test_what_is_not_read_leaves_the_content_unknown(kind: str, member: str) -> None:
    assert content(lines(member, kind=kind)) == ()


def test_combinations_are_few_rows() -> None:
    rows = lines("10.0.0.1,tcp:80", "10.0.0.3,tcp:80", "10.0.0.3,tcp:443-444", "10.0.0.1,tcp:443-444", "10.0.0.9,udp:53",
                 kind="hash:ip,port")  # fmt: skip
    (named,) = with_content(named_sets(rows), rows)
    pair = AddressSet(v4=IntervalSet.of(0x0A000001, 0x0A000003))
    assert named.fields == (Field.SADDR, Field.PROTOCOL, Field.DPORT)
    assert named.elements == (
        (pair, IntervalSet.of(6), IntervalSet(((80, 80), (443, 444)))),
        (AddressSet(v4=IntervalSet.of(0x0A000009)), IntervalSet.of(17), IntervalSet.of(53)),
    )


def test_two_addresses_and_networks() -> None:
    rows = lines("10.0.0.0/24,tcp:80,10.1.0.0/16", kind="hash:net,port,net")
    ((first, protocol, ports, second),) = content(rows)  # type: ignore[misc]
    assert (first.v4.runs, second.v4.runs) == (((0x0A000000, 0x0A0000FF),), ((0x0A010000, 0x0A01FFFF),))  # type: ignore[has-type]
    assert (protocol, ports) == (IntervalSet.of(6), IntervalSet.of(80))  # type: ignore[has-type]


def test_a_set_that_the_policy_fills_stays_a_run_time_set() -> None:
    lifted = Ruleset((Table("t", sets=with_content(named_sets(lines("10.0.0.1")), lines("10.0.0.1"))),))
    policy = Ruleset((Table("t", sets=(NamedSet("bad", (), runtime=True),)),))
    assert as_loaded(lifted, policy).tables[0].sets[0].runtime
    assert not as_loaded(lifted, Ruleset()).tables[0].sets[0].runtime


FORMS = {
    "hash:ip,port": ("10.0.{n}.1", "10.1.0.1"),
    "hash:net,port": ("10.0.{n}.0/24", "10.1.0.1"),
    "hash:ip,port,ip": ("10.0.0.{n}", "10.1.0.{n}"),
    "hash:ip,port,net": ("10.0.0.{n}", "10.1.{n}.0/24"),
    "hash:net,port,net": ("10.0.{n}.0/24", "10.1.{n}.0/24"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_lookup_of_combinations_is_one_set(kind: str) -> None:
    source, target = FORMS[kind]
    rules = "\n".join(
        f"allow {'udp' if n % 5 == 0 else 'tcp'} {8000 + n} from {source.format(n=n)} in wan to {target.format(n=n)} in lan"
        for n in range(1, 41)
    )
    text = f"syntax 1\nzone wan {{ iface eth0 }}\nzone lan {{ iface eth1 }}\n{rules}\ndefault forward deny\n"
    outputs, found = compile_policy(
        SourceFile("p.fw", text), NoFiles(), CompileOptions(("iptables",), ipset=True, lint=False)
    )
    assert not has_errors(found)
    files = {f.name: f.text for f in outputs[0].files}
    (name,) = re.findall(f"create -exist (\\S+) {kind} family inet\n", files["ipset.conf"])
    assert files["ipset.conf"].count("\nadd ") == 40
    assert files["rules.v4"].count(f"--match-set {name} src,dst") == 1
    assert files["rules.v4"].count("-A FORWARD") == 3


@pytest.mark.parametrize("family", ["family v6", ""])
def test_sets_of_ipv6_are_proved_too(family: str) -> None:
    rules = "\n".join(
        f"allow tcp {8000 + n} from 10.0.{n}.1, 2001:db8:{n}::1 in wan to 10.1.0.1, 2001:db8::1 in lan"
        for n in range(1, 41)
    )
    if family:
        rules = rules.replace("10.1.0.1, ", "")
        rules = "\n".join(line.split("10.0.")[0] + line.split(", ", 1)[1] for line in rules.splitlines())
    head = f"syntax 1\nsettings {{ {family} }}\nzone wan {{ iface eth0 }}\nzone lan {{ iface eth1 }}\n"
    nets = ", ".join(f"2001:db8:a{n}::/48" for n in range(1, 9, 2))
    text = f"{head}group many = {nets}, 2001:db8:ff::1\n{rules}\nallow tcp 22 from many in wan to lan\ndefault forward deny\n"
    outputs, found = compile_policy(
        SourceFile("p.fw", text), NoFiles(), CompileOptions(("iptables",), ipset=True, lint=False)
    )
    assert not has_errors(found), [d.message for d in found]
    sets = next(f.text for f in outputs[0].files if f.name == "ipset.conf")
    assert re.search(r"create -exist \S+6 hash:ip,port family inet6", sets)
    assert "create -exist many6 hash:net family inet6" in sets


def test_a_wrong_combination_is_found() -> None:
    rules = "\n".join(f"allow tcp {8000 + n} from 10.0.{n}.1 in wan to 10.1.0.1 in lan" for n in range(1, 41))
    text = f"syntax 1\nzone wan {{ iface eth0 }}\nzone lan {{ iface eth1 }}\n{rules}\ndefault forward deny\n"
    source = SourceFile("p.fw", text)
    outputs, _ = compile_policy(source, NoFiles(), CompileOptions(("iptables",), ipset=True, lint=False))
    from fwc.api import load_policy
    from fwc.dialects.base import OutputFile
    from fwc.elaborate.program import ElaborateOptions

    elaborated, _ = load_policy(source, NoFiles(), ElaborateOptions("iptables", "", "2026-01-01"))
    assert elaborated is not None
    for old, new in (("tcp:8007", "tcp:8077"), ("tcp:8007", "udp:8007"), ("10.0.7.1", "10.0.7.2"), ("create", "create"),
                     ("src,dst", "dst,dst"), ("src,dst", "src,src")):  # fmt: skip
        files = [OutputFile(f.name, f.text.replace(old, new)) for f in outputs[0].files]
        if old == new:
            prove("iptables", files, elaborated.ruleset)
            continue
        with pytest.raises(InternalError, match="does not mean"):
            prove("iptables", files, elaborated.ruleset)


def test_a_compile_with_ipsets_is_proved_and_a_wrong_member_is_found() -> None:
    source = SourceFile("p.fw", POLICY)
    outputs, found = compile_policy(source, NoFiles(), CompileOptions(("iptables",), ipset=True, lint=False))
    assert not has_errors(found)
    files = list(outputs[0].files)
    at = next(n for n, f in enumerate(files) if f.name == "ipset.conf")
    assert "10.0.1.0/24" in files[at].text
    from fwc.api import load_policy
    from fwc.dialects.base import OutputFile
    from fwc.elaborate.program import ElaborateOptions

    elaborated, _ = load_policy(source, NoFiles(), ElaborateOptions("iptables", "", "2026-01-01"))
    assert elaborated is not None
    prove("iptables", files, elaborated.ruleset)
    files[at] = OutputFile("ipset.conf", files[at].text.replace("10.0.1.0/24", "10.0.2.0/24"))
    with pytest.raises(InternalError, match="does not mean"):
        prove("iptables", files, elaborated.ruleset)
