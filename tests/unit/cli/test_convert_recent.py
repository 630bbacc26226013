"""Lists of `recent` in dumps: what they become, what is said of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import fwc

DUMP = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
{rules}
COMMIT
"""
SSH = "-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW"
PAIR = f"""{SSH} -m recent --set --name ssh --rsource
{SSH} -m recent --update --seconds 60 --hitcount 3 --name ssh --rsource -j DROP
{SSH} -j ACCEPT"""


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path


def converted(folder: Path, rules: str, target: str = "nftables") -> str:
    dump = folder / "rules.v4"
    dump.write_text(DUMP.format(rules=rules))
    ran = fwc("convert", dump, "--to", target)
    assert ran.code == 0, ran.err
    return ran.out


def refused(folder: Path, rules: str) -> str:
    dump = folder / "rules.v4"
    dump.write_text(DUMP.format(rules=rules))
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.code == 1 and ran.out == ""
    return ran.err


def test_one_packet_is_one_set(there: Path) -> None:
    rules = "-A INPUT -p tcp -m recent --update --seconds 90 --name seen --rsource -j DROP\n"
    text = converted(there, rules + "-A INPUT -p tcp -m recent --set --name seen --rsource -j ACCEPT")
    assert text.count("\tset ") == 1
    assert "meta l4proto tcp ip saddr @recent_seen_in_90s update @recent_seen_in_90s { ip saddr } drop" in text
    assert "meta l4proto tcp update @recent_seen_in_90s { ip saddr }\n\t\tmeta l4proto tcp accept" in text


def test_several_packets_are_a_ring_of_sets(there: Path) -> None:
    text = converted(there, PAIR)
    assert text.count("\tset ") == 6
    assert "tcp dport 22 ct state new jump recent_ssh_met" in text
    ring = " ".join(f"ip saddr @recent_ssh_{at}_of_3_in_60s" for at in (1, 2, 3))
    assert f"tcp dport 22 ct state new {ring} jump INPUT_met" in text
    assert "Except for how many addresses the lists of `recent` hold" in text


def test_the_way_back_gives_lists(there: Path) -> None:
    (there / "nftables.conf").write_text(converted(there, PAIR))
    ran = fwc("convert", there / "nftables.conf", "--to", "iptables")
    assert ran.code == 0 and "create" not in ran.out
    assert f"{SSH} -m recent --set --name ssh --mask 255.255.255.255 --rsource\n" in ran.out
    assert (
        f"{SSH} -m recent --rcheck --seconds 60 --hitcount 3 --name ssh --mask 255.255.255.255 --rsource -j INPUT_met\n"
        in ran.out
    )
    assert "the recent list ssh holds 100 addresses" in ran.err


@pytest.mark.parametrize("old", ["update @recent_ssh_2_of_3_in_60s", "size 65535", "timeout 1m", "return"])
def test_sets_that_are_not_quite_such_stay_sets(old: str, there: Path) -> None:
    """A name proves nothing: what another hand changed is converted as what it is."""
    new = {
        "update @recent_ssh_2_of_3_in_60s": "update @recent_ssh_1_of_3_in_60s",
        "size 65535": "size 1000",
        "timeout 1m": "timeout 2m",
        "return": "accept",
    }
    text = converted(there, PAIR)
    assert old in text
    (there / "nftables.conf").write_text(text.replace(old, new[old], 1))
    ran = fwc("convert", there / "nftables.conf", "--to", "iptables", "--out-dir", there / "out")
    assert ran.code == 0, ran.err
    assert "-m recent" not in (there / "out" / "rules.v4").read_text()
    assert (there / "out" / "ipset.conf").exists()


def test_a_list_is_warned_about_once(there: Path) -> None:
    dump = there / "rules.v4"
    dump.write_text(DUMP.format(rules=PAIR))
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.err.count("warning FW031") == 1
    assert "the sets for the recent list ssh hold 65535 addresses" in ran.err and f"{dump}:5:1" in ran.err


def test_a_list_that_nobody_asks_is_nothing(there: Path) -> None:
    text = converted(there, f"{SSH} -m recent --set --name ssh --rsource -j ACCEPT")
    assert "recent" not in text and "tcp dport 22 ct state new accept" in text


def test_a_list_of_both_families(there: Path) -> None:
    dump = there / "both"
    dump.write_text(
        DUMP.format(rules=PAIR) + DUMP.format(rules=PAIR.replace("ssh", "six") + "\n-A INPUT -s 2001:db8::/32")
    )
    ran = fwc("convert", dump, "--to", "nftables")
    assert ran.code == 0, ran.err
    assert "table ip fwc" in ran.out and "table ip6 fwc" in ran.out
    assert "ip6 saddr @recent_six_1_of_3_in_60s" in ran.out


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("-m recent --rcheck --name a -j DROP", "without --seconds it never forgets an address by itself"),
        (
            "-m recent --update --seconds 9 --rttl --name a -j DROP",
            "it compares with the TTL of the address's last packet (--rttl)",
        ),
        ("-m recent --update --seconds 9 --mask 255.255.255.0 --name a -j DROP", "the list holds networks (--mask)"),
        ("-m recent --update --seconds 9 --hitcount 49 --name a -j DROP", "it counts to 49 packets"),
        ("-m recent ! --update --seconds 9 --name a -j DROP", "`! --update` changes the list where it does not hold"),
        ("-m recent ! --set --name a -j DROP", "`! --set` changes the list where it does not hold"),
        ("-m recent --remove --name a -j DROP", "the rule asks whether --remove found the address"),
        (
            "-m recent --update --seconds 8 --reap --name a -j DROP",
            "--reap strikes off what another rule still asks for",
        ),
    ],
)
def test_what_no_set_can_do_is_refused_at_its_line(rule: str, why: str, there: Path) -> None:
    asked = "-A INPUT -m recent --rcheck --seconds 9 --name a -j ACCEPT\n"
    err = refused(there, f"{asked}-A INPUT {rule}")
    assert f"nftables cannot express `recent` (list a): {why}" in " ".join(err.split())
    assert "(list a): line 6 does with it what no set can" in err and "rules.v4:5:1" in err
    assert "rules.v4:6:1" in err
    assert "= help: " in err


def test_one_list_that_is_refused_leaves_the_others_alone(there: Path) -> None:
    err = refused(there, f"{PAIR}\n-A INPUT -m recent --rcheck --name a -j DROP")
    assert "list a" in err and "list ssh" not in err


def test_diff_knows_that_they_are_the_same(there: Path) -> None:
    nft = there / "nftables.conf"
    nft.write_text(converted(there, PAIR))
    assert "No packet is treated differently" in fwc("diff", there / "rules.v4", nft).out


def test_how_long_sets_remember_is_proved(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A printer that gets the timeout wrong is found out."""
    monkeypatch.setattr("fwc.dialects.nft.builder.duration", lambda seconds: "61s")
    assert "members of @recent_seen_in_90s live 61 seconds, not 90" in refused(
        there,
        "-A INPUT -p tcp -m recent --set --name seen\n-A INPUT -m recent --rcheck --seconds 90 --name seen -j DROP",
    )
