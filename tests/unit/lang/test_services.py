"""The shipped services: the copy in the package is the file, every one is read alone, and well-known numbers are right."""

from __future__ import annotations

import pytest

from fwc.lang import ast
from fwc.lang.format import same_tree
from fwc.lang.parse import parse
from fwc.lang.services import standard_names, standard_service, standard_source
from fwc.source import SourceFile

from .conftest import ROOT


def file_services() -> dict[str, ast.Service]:
    text = (ROOT / "policies/std/services.fw").read_text(encoding="utf-8")
    tree, found = parse(SourceFile("services.fw", text))
    assert not found
    return {s.name.text: s for s in tree.statements if isinstance(s, ast.Service)}


def test_the_package_carries_the_file() -> None:
    assert standard_source().text == (ROOT / "policies/std/services.fw").read_text(encoding="utf-8")


def test_every_service_alone_is_the_service_of_the_file() -> None:
    services = file_services()
    assert len(services) >= 120
    assert tuple(sorted(services)) == standard_names()
    for name, service in services.items():
        alone = standard_service(name)
        assert same_tree(alone, service)
        assert alone is not None and alone.name.span.text == name


def test_unknown_names_are_none() -> None:
    for name in ("nope", "", "ssh = tcp 22", "ss", "sh", "ssh\nservice http"):
        assert standard_service(name) is None


# IANA Service Name and Transport Protocol Port Number Registry, Assigned Internet Protocol Numbers
KNOWN = {
    "ssh": "tcp 22", "http": "tcp 80", "https": "tcp 443 udp 443", "dns": "tcp 53 udp 53", "ntp": "udp 123",
    "smtp": "tcp 25", "submission": "tcp 587", "submissions": "tcp 465", "imap": "tcp 143", "imaps": "tcp 993",
    "pop3": "tcp 110", "pop3s": "tcp 995", "mdns": "udp 5353", "dhcp": "udp 67", "dhcpv6": "udp 547", "bgp": "tcp 179",
    "snmp": "udp 161", "postgres": "tcp 5432", "mysql": "tcp 3306", "ldap": "tcp 389 udp 389", "ldaps": "tcp 636",
    "kerberos": "tcp 88 udp 88", "smb": "tcp 445", "nfs": "tcp 2049 udp 2049", "rdp": "tcp 3389 udp 3389",
    "telnet": "tcp 23", "ftp": "tcp 21", "ident": "tcp 113", "syslog": "udp 514", "syslog-tls": "tcp 6514",
    "isakmp": "udp 500", "openvpn": "tcp 1194 udp 1194", "vxlan": "udp 4789", "radius": "udp 1812", "sieve": "tcp 4190",
    "mqtts": "tcp 8883", "amqps": "tcp 5671", "sips": "tcp 5061", "ripng": "udp 521", "rpki-rtr": "tcp 323",
    "nts-ke": "tcp 4460", "tacacs": "tcp 49", "whois": "tcp 43", "redis": "tcp 6379", "git": "tcp 9418",
    "netconf-ssh": "tcp 830", "ipp": "tcp 631 udp 631", "rsync": "tcp 873", "l2tp": "udp 1701", "dns-tls": "tcp 853 udp 853",
    "esp": "proto 50", "ah": "proto 51", "ospf": "proto 89", "gre": "proto 47", "vrrp": "proto 112", "pim": "proto 103",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_known_numbers(name: str) -> None:
    service = standard_service(name)
    assert service is not None
    words = []
    for item in service.traffic.items:
        if isinstance(item, ast.Protocol):
            words.append(f"proto {item.protocol}")
        else:
            assert isinstance(item, ast.L4) and isinstance(item.port, ast.Ports)
            words.append(f"{item.protocol} {item.port.low}")
    assert " ".join(words) == KNOWN[name]
