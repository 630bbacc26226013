"""Settings, the choice of the machine, `when`, expiry."""

from __future__ import annotations

import pytest
from tests.unit.elaborate.expansion_support import (
    at,
    error_of,
    errors_of,
    expand_text,
    messages,
    program_of,
    rules,
    texts,
)

from fwc.elaborate.program import Implicit, Limits
from fwc.net.hooks import Family

FLEET = """
host web1 { os linux; target nft; address 10.0.0.11, 2001:db8::11; allow ssh from web2 to self }
host web2 { target iptables; address 10.0.0.12; allow dns from any to self }
host mac1 { os macos; address 10.0.0.40 }
deny ping from any to self
"""


def test_every_setting() -> None:
    program = program_of(
        "settings {\n target iptables\n os linux\n stateful off\n implicit loopback off\n implicit rpfilter loose\n"
        ' implicit antispoof on\n log prefix "x "; log rate 10/minute burst 20; log level info\n reject-with tcp-reset\n'
        ' table "mine"; anchor "com.apple/mine"\n coexist docker\n coexist fail2ban\n on-expired keep\n}\n'
    )
    settings = program.settings
    assert (settings.target, settings.os, settings.families) == ("iptables", "linux", (Family.V4, Family.V6))
    assert not settings.stateful and settings.table == "mine" and settings.anchor == "com.apple/mine"
    assert settings.coexist == {"docker", "fail2ban"} and settings.rpfilter == "loose" and settings.log_prefix == "x "
    assert program.implicit == Implicit(loopback=False, rpfilter="loose", antispoof=True)
    assert program.log == Limits("x ", 10, 60, 20, "info")
    assert program.reject_with == "tcp-reset" and program.on_expired == "keep"


@pytest.mark.parametrize(
    ("line", "pointed"),
    [
        ("tagret nft", "tagret"),
        ("target nftable", "nftable"),
        ("family v5", "v5"),
        ("stateful maybe", "maybe"),
        ("implicit loopbak off", "loopbak"),
        ("implicit rpfilter on", "on"),
        ("implicit rpfilter", "implicit rpfilter"),
        ("log level loud", "level"),
        ("log colour red", "colour"),
        ('log prefix "a\\"b"', '"a\\"b"'),
        ("table fwc", "table fwc"),
        ('table "a b"', '"a b"'),
        ('table "1a"', '"1a"'),
        ('table "a{"', '"a{"'),
        ('table ""', '""'),
        ('anchor "a//b"', '"a//b"'),
        ('anchor "a b"', '"a b"'),
        ("coexist podman", "podman"),
        ("on-expired ignore", "ignore"),
        ("reject-with rst", "rst"),
    ],
)
def test_wrong_settings(line: str, pointed: str) -> None:
    found = error_of(f"settings {{\n {line}\n}}\n")
    assert found.code == "FW065"
    assert at(found) == pointed


def test_unknown_settings_are_guessed() -> None:
    assert "`target`" in error_of("settings { tagret nft }\n").help


def test_twice_set_shows_the_first() -> None:
    found = error_of('settings { table "a" }\nsettings { table "b" }\n')
    assert found.secondary[0].span.line == 1
    assert error_of("settings { implicit loopback off; implicit loopback on }\n").code == "FW065"
    assert error_of("settings { log level info; log rate 1/second level warn }\n").code == "FW065"


def test_host_settings_win_over_the_files() -> None:
    text = 'settings { table "all" }\nhost a { address 10.0.0.1; settings { table "mine" } }\nhost b { address 10.0.0.2 }\n'
    assert program_of(text, host="a").settings.table == "mine"
    assert program_of(text, host="b").settings.table == "all"


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("", "", ("nftables", "linux")),
        ("", "pf", ("pf", "macos")),
        ("settings { os macos }\n", "", ("pf", "macos")),
        ("settings { target pf }\n", "", ("pf", "macos")),
        ("settings { target pf }\n", "iptables", ("iptables", "linux")),
        ("settings { target nftables }\n", "", ("nftables", "linux")),
    ],
)
def test_target_and_os(text: str, target: str, expected: tuple[str, str]) -> None:
    settings = program_of(text, target=target).settings
    assert (settings.target, settings.os) == expected


def test_a_target_that_the_os_has_not() -> None:
    assert "does not run on macos" in error_of("settings { os macos }\n", target="nft").message
    assert "does not run on linux" in error_of("settings { os linux; target pf }\n").message


def test_a_fleet_wants_a_host() -> None:
    found = error_of(FLEET)
    assert found.code == "FW066" and "mac1, web1, web2" in found.message
    assert "`web1`" in error_of(FLEET, host="wbe1").help.replace("web1", "`web1`")
    assert error_of("allow ssh from any to self\n", host="x").code == "FW066"


def test_host_blocks_are_spliced_in_place() -> None:
    web1 = program_of(FLEET, host="web1")
    assert rules(web1.statements) == ["allow ssh from web2 to self", "deny ping from any to self"]
    assert texts(web1.own_addresses) == ["10.0.0.11", "2001:db8::11"] and web1.settings.target == "nftables"
    web2 = program_of(FLEET, host="web2")
    assert rules(web2.statements) == ["allow dns from any to self", "deny ping from any to self"]
    assert web2.settings.target == "iptables" and web2.settings.os == "linux"
    assert texts(web2.groups["web1"]) == ["10.0.0.11", "2001:db8::11"]
    assert program_of(FLEET, host="mac1").settings.target == "pf"


@pytest.mark.parametrize("block", ["when target nft { %s }", "from any { %s }", "host b { address 10.0.0.2; %s }"])
def test_host_blocks_stand_at_the_top(block: str) -> None:
    text = "host a { address 10.0.0.1 }\n" + block % "host c { address 10.0.0.3 }" + "\n"
    assert "FW076" in {p.code for host in ("a", "b") for p in errors_of(text, host=host)}


def test_properties_said_twice() -> None:
    assert error_of("host a { os linux; os linux; address 10.0.0.1 }\n", host="a").code == "FW845"


@pytest.mark.parametrize(
    ("test", "taken"),
    [
        ("target nft", True),
        ("target pf", False),
        ("target pf, nftables", True),
        ("not target pf", True),
        ("os linux and target nft", True),
        ("os linux and not target nft", False),
        ("host web1", True),
        ("not host web2", True),
        ("host web2, mac1", False),
        ("family dual", True),
    ],
)
def test_when(test: str, taken: bool) -> None:
    text = FLEET + f"when {test} {{ allow ntp from any to self }} else {{ allow smtp from any to self }}\n"
    last = rules(program_of(text, host="web1").statements)[-1]
    assert ("ntp" in last) is taken


@pytest.mark.parametrize("test", ["target nftt", "os windows", "host web9", "family v5", "colour red"])
def test_when_with_unknown_words(test: str) -> None:
    assert error_of(FLEET + f"when {test} {{ }}\n", host="web1").code == "FW074"
    nested = f"when target pf {{ when {test} {{ }} }}\n"
    assert error_of(FLEET + nested, host="web1").code == "FW074"


def test_when_cannot_decide_what_it_depends_on() -> None:
    assert error_of("when target nft { settings { target pf } }\n").code == "FW065"
    program_of('when target nft { settings { table "x" } } else { settings { table "y" } }\n')


def test_declarations_in_the_taken_branch_only() -> None:
    text = "when target pf { host x = 10.0.0.1 } else { host x = 10.0.0.2 }\n"
    assert texts(program_of(text).groups["x"]) == ["10.0.0.2"]
    assert texts(program_of(text, target="pf").groups["x"]) == ["10.0.0.1"]


def test_deep_when() -> None:
    depth = 50
    text = "when target nft {\n" * depth + "allow ssh from any to self\n" + "}\n" * depth
    assert len(program_of(text).statements) == 1


EXPIRING = "allow ssh from any to self expires 2026-01-31\n"


def test_expired_rules() -> None:
    assert len(program_of(EXPIRING, today="2026-01-31").statements) == 1
    found = error_of(EXPIRING, today="2026-02-01")
    assert found.code == "FW075" and at(found) == "expires 2026-01-31"
    assert error_of(EXPIRING, today="").code == "FW075"
    kept = program_of("settings { on-expired keep }\n" + EXPIRING, today="2026-02-01")
    assert len(kept.statements) == 1
    omitted = program_of("settings { on-expired omit }\n" + EXPIRING, today="2026-02-01")
    assert not omitted.statements
    assert any("policy.fw:2:1" in note for note in omitted.notes) and any("2026-02-01" in n for n in omitted.notes)


@pytest.mark.parametrize(
    "rule",
    [
        "deny ssh from any to self",
        "reject ssh from any to self",
        "allow ssh from any to self limit 3/minute",
        "allow ssh from any to self max 3 connections",
        "allow ssh from any to self add source to @s",
        "forward ssh from any to self -> 10.0.0.1",
    ],
)
def test_what_would_open_something_is_never_omitted(rule: str) -> None:
    text = f"settings {{ on-expired omit }}\nset s of addresses dynamic\n{rule} expires 2026-01-01\n"
    assert error_of(text).code == "FW075"


def test_disabled_statements_are_left_out_whatever_they_do() -> None:
    text = 'deny ssh from any to self disabled because "OPS-1"\nallow dns from any to self\n'
    assert rules(program_of(text).statements) == ["allow dns from any to self"]


def test_disabled_statements_are_still_checked() -> None:
    assert at(error_of('deny ssh from nobody to self disabled because "OPS-1"\n')) == "nobody"


def test_used_names() -> None:
    program, problems = expand_text(
        "group a = b\nhost b = 10.0.0.1\nhost c = 10.0.0.2\nlet P = 1\nlet Q = 2\nallow tcp $P from any to self\n"
        "template t() { }\nuse t()\ntemplate u() { }\nservice s = tcp 1\nservice r = s, udp 1\n"
    )
    assert program is not None, messages(problems)
    assert program.used == {"b", "$P", "t", "service s"}
    assert set(program.declared) >= {"a", "b", "c", "$P", "$Q", "t", "u", "service s", "service r"}
