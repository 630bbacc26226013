"""What an ipset file lists, as content of sets."""

from __future__ import annotations

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import has_errors
from fwc.dialects.iptables.set_content import as_loaded, with_content
from fwc.dialects.iptables.setlines import named_sets
from fwc.dialects.iptables.tree import SetLine
from fwc.errors import InternalError
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


def test_other_types_stay_unknown() -> None:
    assert content(lines("10.0.0.2,tcp:80", kind="hash:ip,port")) == ()


def test_a_set_that_the_policy_fills_stays_a_run_time_set() -> None:
    lifted = Ruleset((Table("t", sets=with_content(named_sets(lines("10.0.0.1")), lines("10.0.0.1"))),))
    policy = Ruleset((Table("t", sets=(NamedSet("bad", (), runtime=True),)),))
    assert as_loaded(lifted, policy).tables[0].sets[0].runtime
    assert not as_loaded(lifted, Ruleset()).tables[0].sets[0].runtime


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
