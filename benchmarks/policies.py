"""Random policies in the languages of fwc, ferm and aerleon: the same rules, once each."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

OBJECTS = 200
SERVICES = 60


@dataclass(frozen=True)
class Rule:
    """Names of a service, of sources and of a destination."""

    service: str
    sources: tuple[str, ...]
    destination: str
    comment: str


@dataclass(frozen=True)
class Policy:
    objects: dict[str, str]
    services: dict[str, tuple[str, ...]]
    rules: tuple[Rule, ...]


def random_policy(count: int, seed: int = 1) -> Policy:
    """`count` different rules among 200 networks and hosts and 60 services; a tenth has several sources, a third several
    ports."""
    rng = random.Random(seed)
    objects = {}
    for number in range(OBJECTS):
        address = f"10.{rng.randrange(250)}.{rng.randrange(256)}"
        # 5 networks to 3 hosts; the third byte keeps them apart
        name = f"net_{number}" if number % 8 < 5 else f"host_{number}"
        objects[name] = f"{address}.0/24" if name.startswith("net") else f"{address}.{rng.randrange(1, 255)}"
    ports = rng.sample(range(300, 32000), SERVICES * 3)
    services = {}
    for number in range(SERVICES):
        own = sorted(ports[number * 3 : number * 3 + (1 if number % 10 < 7 else rng.randint(2, 3))])
        texts = [f"{p}-{p + 5}" if number % 10 == 9 and at == 0 else str(p) for at, p in enumerate(own)]
        services[f"service_{number}"] = tuple(texts)
    names, kinds = sorted(objects), sorted(services)
    seen: set[tuple[str, str, str]] = set()
    rules: list[Rule] = []
    while len(rules) < count:
        sources = tuple(sorted(rng.sample(names, rng.randint(2, 4) if rng.random() < 0.1 else 1)))
        service, destination = rng.choice(kinds), rng.choice(names)
        if any((service, source, destination) in seen for source in sources):
            continue
        seen.update((service, source, destination) for source in sources)
        comment = f"ticket {len(rules)}" if len(rules) % 4 == 0 else ""
        rules.append(Rule(service, sources, destination, comment))
    used = {name for rule in rules for name in (*rule.sources, rule.destination, rule.service)}
    return Policy(
        {name: value for name, value in objects.items() if name in used},
        {name: value for name, value in services.items() if name in used},
        tuple(rules),
    )


def write_fwc(policy: Policy, path: Path) -> None:
    lines = ["syntax 1", "zone wan { iface eth0 }", "zone lan { iface eth1 }"]
    lines += [f"group {name} = {value}" for name, value in policy.objects.items()]
    lines += [f"service {name} = tcp {', '.join(ports)}" for name, ports in policy.services.items()]
    for rule in policy.rules:
        comment = f' comment "{rule.comment}"' if rule.comment else ""
        lines.append(
            f"allow {rule.service} from {', '.join(rule.sources)} in wan to {rule.destination} in lan{comment}"
        )
    path.write_text("\n".join([*lines, "default input deny", "default forward deny", ""]))


def write_ferm(policy: Policy, path: Path) -> None:
    lines = [f"@def ${name} = {value};" for name, value in policy.objects.items()]
    for name, ports in policy.services.items():
        lines.append(f"@def ${name} = ({' '.join(p.replace('-', ':') for p in ports)});")
    lines += [
        "domain ip table filter {",
        "chain FORWARD {",
        "policy DROP;",
        "mod state state (RELATED ESTABLISHED) ACCEPT;",
    ]
    for rule in policy.rules:
        comment = f'mod comment comment "{rule.comment}" ' if rule.comment else ""
        sources = " ".join(f"${name}" for name in rule.sources)
        lines.append(
            f"interface eth0 outerface eth1 saddr ({sources}) daddr ${rule.destination} "
            f"proto tcp dport ${rule.service} {comment}ACCEPT;"
        )
    path.write_text("\n".join([*lines, "}", "}", ""]))


def write_aerleon(policy: Policy, directory: Path) -> Path:
    """A policy file with its definitions beside it; the path of the policy."""
    definitions = directory / "def"
    definitions.mkdir(exist_ok=True)
    networks = [f"{name.upper()} = {value}" for name, value in policy.objects.items()]
    (definitions / "NETWORK.net").write_text("\n".join([*networks, ""]))
    services = [f"{name.upper()} = {' '.join(f'{p}/tcp' for p in ports)}" for name, ports in policy.services.items()]
    (definitions / "SERVICES.svc").write_text("\n".join([*services, ""]))
    lines = ["header {", "  target:: iptables FORWARD DROP", "}"]
    for number, rule in enumerate(policy.rules):
        lines += [
            f"term r{number} {{",
            *(f"  source-address:: {name.upper()}" for name in rule.sources),
            f"  destination-address:: {rule.destination.upper()}",
            "  protocol:: tcp",
            f"  destination-port:: {rule.service.upper()}",
            "  action:: accept",
            "}",
        ]
    path = directory / "policy.pol"
    path.write_text("\n".join([*lines, ""]))
    return path


def allow_list(count: int, seed: int = 1) -> list[tuple[int, int]]:
    """Different source addresses, each with a port."""
    rng = random.Random(seed)
    ports = (22, 25, 53, 80, 110, 143, 443, 993, 1433, 3306, 5432, 6379, 8080, 8443, 9090, 9200)
    return [(a, rng.choice(ports)) for a in rng.sample(range(10 << 24, (10 << 24) + (200 << 16)), count)]
