"""Rules that compare whole marks are proved without a look at each bit: the chains of a transparent proxy."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.run_fwc import fwc
from tests.unit.watchdog import ends

PROXY = """table inet proxy {
	chain prerouting {
		type filter hook prerouting priority -150
		meta l4proto tcp counter jump inbound
		meta l4proto tcp mark 1337 counter ct mark set mark
	}
	chain output {
		type route hook output priority -150
		oifname "lo" meta l4proto tcp mark 1337 counter return
		oifname "lo" meta l4proto tcp ip daddr != 127.0.0.1 skuid 1337 counter meta mark set 1338
		meta l4proto tcp ct mark 1337 counter meta mark set ct mark
	}
	chain inbound {
		meta l4proto tcp mark 1337 counter return
		iifname "lo" meta l4proto tcp ip saddr 127.0.0.6 counter return
		iifname "lo" meta l4proto tcp mark != 1338 counter return
		meta l4proto tcp ct state related,established tcp dport 32000 counter jump divert
		meta l4proto tcp tcp dport 32000 counter jump proxied
		meta l4proto tcp ct state related,established tcp dport 31000 counter jump divert
		meta l4proto tcp tcp dport 31000 counter jump proxied
	}
	chain proxied {
		meta l4proto tcp meta mark set 1337 counter accept
	}
	chain divert {
		counter meta mark set 1337
		counter accept
	}
}
"""


def test_proved(tmp_path: Path) -> None:
    path = tmp_path / "proxy.nft"
    path.write_text(PROXY)
    with ends():
        ran = fwc("convert", path, "--to", "iptables", "--out-dir", tmp_path)
    assert ran.code == 0, ran.err
    assert "-A inbound -i lo -p tcp -m mark ! --mark 0x53a" in (tmp_path / "rules.v4").read_text()
