"""What pfctl refuses after parsing: sections out of order, ports without tcp or udp, families that do not meet.

Source: sbin/pfctl/parse.y of OpenBSD 4.3 (filter_consistent, rdr_consistent, expand_rule, check_rulestate), the release
XNU's headers name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.pf.tree import (
    Antispoof,
    Dummynet,
    Filter,
    Host,
    HostKind,
    IdTest,
    Peer,
    PfFile,
    RouteTo,
    Scrub,
    SetOption,
    Statement,
    TableDef,
    Translation,
)
from fwc.dialects.pf.words import PORT_PROTOCOLS
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import Span


class Environment(Record):
    """What pfctl asks the system while loading: addresses of interfaces (`en0`), their networks and broadcast addresses
    (`en0:network`, `en0:broadcast`), host names, users and groups."""

    ifaces: Mapping[str, AddressSet]
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    hosts: Mapping[str, AddressSet] | None = None


# stages of pfctl's check_rulestate
_OPTION, _SCRUB, _NAT, _DUMMYNET, _FILTER = range(5)
_EARLY_SETS = frozenset(
    (
        "timeout",
        "limit",
        "optimization",
        "loginterface",
        "debug",
        "fingerprints",
        "block-policy",
        "hostid",
        "ruleset-optimization",
    )
)


class _Check:
    __slots__ = ("environment", "macos", "out", "span")

    def __init__(self, macos: bool, environment: Environment | None) -> None:
        self.macos = macos
        self.environment = environment
        self.out: list[Diagnostic] = []
        self.span: Span | None = None

    def bad(self, message: str, help: str = "", code: str = "FW001") -> None:
        self.out.append(error(code, message, self.span, help=help, name="syntax-error" if code == "FW001" else ""))


def check_file(tree: PfFile, macos: bool, environment: Environment | None) -> list[Diagnostic]:
    check = _Check(macos, environment)
    stage, ordered = _OPTION, True
    for statement in tree.statements:
        check.span = statement.span
        if isinstance(statement, SetOption) and statement.name == "require-order":
            ordered = statement.values == (("yes",),)
        here = _stage(statement)
        if here is not None and ordered and macos:
            if here < stage:
                check.bad(
                    "sections stand in the order options, scrub, translation, filter",
                    "move this statement before the rules of later sections",
                )
            stage = max(stage, here)
        _check_statement(check, statement)
    return check.out


def _stage(statement: Statement) -> int | None:
    if isinstance(statement, SetOption):
        return _OPTION if statement.name in _EARLY_SETS else None
    if isinstance(statement, Scrub):
        return _SCRUB
    if isinstance(statement, Translation):
        return _NAT
    if isinstance(statement, Dummynet):
        return _DUMMYNET
    return _FILTER if isinstance(statement, Filter | Antispoof) else None


def _check_statement(check: _Check, statement: Statement) -> None:
    if isinstance(statement, Filter):
        _check_filter(check, statement)
        for inner in statement.body or ():
            check.span = inner.span
            _check_statement(check, inner)
    elif isinstance(statement, Translation):
        _check_translation(check, statement)
    elif isinstance(statement, Scrub):
        _ports(check, statement.protocols, statement.source, statement.dest)
        _families(check, statement.family, statement.protocols, statement.source, statement.dest)
    elif isinstance(statement, TableDef):
        _names(check, statement.hosts or ())
        if check.environment is not None:
            for file in statement.files:
                if not file.startswith("/dev/"):
                    check.bad(f"cannot read {file}")


def _names(check: _Check, hosts: Iterable[Host]) -> None:
    env = check.environment
    if env is None:
        return
    for host in hosts:
        if host.kind is HostKind.NAME:
            name = host.name.split(":")[0]
            if name not in env.ifaces and name not in (env.hosts or {}):
                check.bad(f"no address is known for {host.name}")


def _ids(check: _Check, tests: tuple[IdTest, ...], known: frozenset[str], what: str) -> None:
    for test in tests:
        for name in (test.low, test.high):
            if name and not name.isdigit() and name != "unknown" and name not in known:
                check.bad(f"unknown {what} {name}")
        if "unknown" in (test.low, test.high) and test.op not in ("=", "!="):
            check.bad(f"operator {test.op} does not go with unknown")


def _ports(check: _Check, protocols: tuple[int, ...], source: Peer, dest: Peer) -> None:
    if not (source.ports or dest.ports):
        return
    if not protocols and not check.macos:
        return
    if not protocols or any(p not in PORT_PROTOCOLS for p in protocols):
        check.bad("a port needs proto tcp or proto udp", "name the protocol: proto { tcp, udp }", "FW003")


def _check_filter(check: _Check, rule: Filter) -> None:
    _ports(check, rule.protocols, rule.source, rule.dest)
    if rule.answer == "return-rst" and (not rule.protocols or set(rule.protocols) != {6}) and check.macos:
        check.bad("return-rst needs proto tcp", code="FW006")
    if rule.fragment and (rule.source.ports or rule.dest.ports or rule.icmp or (rule.flags and rule.flags.mask)):
        check.bad("a fragment rule can test IP header fields only")
    if rule.allow_opts and rule.action == "block":
        check.bad("allow-opts is for pass rules only")
    if rule.action == "block" and rule.state is not None and rule.state.kind != "no":
        check.bad("a block rule keeps no state")
    if rule.protocols and 6 not in rule.protocols:
        if rule.flags is not None and not rule.flags.any:
            check.bad("flags only apply to tcp")
        if rule.source.os:
            check.bad("os only applies to tcp")
    _check_icmp(check, rule)
    _check_route(check, rule)
    if rule.state is not None:
        _check_state(check, rule)
    if check.environment is not None:
        _ids(check, rule.users, check.environment.users, "user")
        _ids(check, rule.groups, check.environment.groups, "group")
    _families(check, rule.family, rule.protocols, rule.source, rule.dest, tuple(i.family for i in rule.icmp))


def _check_icmp(check: _Check, rule: Filter) -> None:
    for protocol, family in ((1, Family.V6), (58, Family.V4)):
        if protocol in rule.protocols and rule.family is family and check.macos:
            check.bad("the protocol does not go with the address family", code="FW008")
    if not rule.icmp:
        return
    wanted = 1 if rule.icmp[0].family is Family.V4 else 58
    if any(p != wanted for p in rule.protocols):
        check.bad("icmp-type does not go with this protocol")
    elif not rule.protocols:
        check.bad("icmp-type needs proto icmp, icmp6-type proto ipv6-icmp")
    if check.macos and rule.family is None and not _only_family(rule.source) and not _only_family(rule.dest):
        check.bad("icmp-type needs inet, icmp6-type needs inet6")


def _only_family(peer: Peer) -> bool:
    return bool(peer.hosts) and all(h.family is not None for h in peer.hosts)


def _check_route(check: _Check, rule: Filter) -> None:
    route: RouteTo | None = rule.route
    if route is None:
        return
    if not rule.direction and check.macos:
        check.bad("a rule with route-to, reply-to, dup-to or fastroute needs in or out")
    families = {gw.family for _, gw in route.targets if gw is not None and gw.family is not None}
    af = rule.family
    if af is None and len(families) == 1:
        (af,) = families
    if families and af not in families:
        check.bad("no gateway has the family of the rule")
    for peer in (rule.source, rule.dest):
        if peer.hosts and af is not None and all(h.family not in (None, af) for h in peer.hosts):
            check.bad("the gateway's family is not the addresses'")


def _check_state(check: _Check, rule: Filter) -> None:
    assert rule.state is not None
    options = {o[0]: o for o in rule.state.options}
    if "max-src-nodes" in options and options.get("source-track", ()) == ("source-track", "global"):
        check.bad("max-src-nodes does not go with source-track global")
    if "overload" in options and not ({"max-src-conn", "max-src-conn-rate"} & options.keys()):
        check.bad("overload needs max-src-conn or max-src-conn-rate")
    if (
        "max-src-states" in options or "max-src-conn" in options or "max-src-conn-rate" in options
    ) and rule.state.kind == "no":
        check.bad("no state takes no limits")
    rate = options.get("max-src-conn-rate")
    if rate is not None:
        count, _, seconds = rate[1].partition("/")
        if int(count) == 0 or int(seconds) == 0:
            check.bad("max-src-conn-rate needs a count and seconds above 0")
    for name in ("max", "max-src-states", "max-src-conn", "max-src-nodes"):
        if name in options and int(options[name][1]) == 0:
            check.bad(f"{name} must be above 0")
    if "if-bound" in options and "floating" in options:
        check.bad("if-bound and floating exclude each other")


def _families(
    check: _Check,
    family: Family | None,
    protocols: tuple[int, ...],
    source: Peer,
    dest: Peer,
    others: tuple[Family, ...] = (),
) -> None:
    """At least one combination of addresses must be of one family (expand_rule's "no valid combination")."""
    _names(check, source.hosts)
    _names(check, dest.hosts)
    families = set(Family) if family is None else {family}
    for hosts in (source.hosts, dest.hosts):
        if hosts and all(h.family is not None for h in hosts):
            families &= {h.family for h in hosts if h.family is not None}
    if others:
        families &= set(others)
    if not families:
        check.bad("the addresses of this rule have no common family", code="FW007")


def _check_translation(check: _Check, rule: Translation) -> None:
    if rule.kind == "rdr" and check.macos:
        ports = rule.source.ports or rule.dest.ports or (rule.pool and rule.pool.ports)
        if ports and (not rule.protocols or any(p not in PORT_PROTOCOLS for p in rule.protocols)):
            check.bad("a port needs proto tcp or proto udp", "name the protocol: proto { tcp, udp }", "FW003")
        if any(t.op not in ("=", ":") for t in rule.dest.ports):
            check.bad("rdr takes single ports and LOW:HIGH only", "write the range with a colon")
    elif rule.source.ports or rule.dest.ports:
        _ports(check, rule.protocols, rule.source, rule.dest)
    pool = rule.pool
    family = rule.family
    if pool is not None:
        family = _check_pool(check, rule, family)
    if rule.kind == "binat" and rule.anchor is None:
        _check_binat(check, rule)
    _families(check, family, rule.protocols, rule.source, rule.dest)


def _check_pool(check: _Check, rule: Translation, family: Family | None) -> Family | None:
    pool = rule.pool
    assert pool is not None
    _names(check, pool.hosts)
    types = {o.split()[0] for o in pool.options} & {"bitmask", "random", "source-hash"}
    several = len(pool.hosts) > 1
    if types and several:
        check.bad("several translation addresses need round-robin")
    if types and any(h.kind in (HostKind.TABLE,) for h in pool.hosts):
        check.bad("a table as translation address needs round-robin")
    if "static-port" in pool.options and rule.kind != "nat":
        check.bad("static-port is for nat rules only")
    if "static-port" in pool.options and pool.ports:
        check.bad("static-port does not go with a port range")
    for host in pool.hosts:
        if host.negated or host.kind in (HostKind.NO_ROUTE, HostKind.URPF_FAILED):
            check.bad("this cannot be a translation address")
    fixed = {h.family for h in pool.hosts if h.family is not None}
    if len(fixed) == 1 and all(h.family is not None for h in pool.hosts):
        (own,) = fixed
        if family is not None and own is not family:
            check.bad("the translation address has another family than the rule", code="FW007")
        return family or own
    if (
        family is None
        and check.macos
        and any(h.kind is HostKind.DYNAMIC for h in pool.hosts + rule.source.hosts)
        and fixed
    ):
        check.bad("name the address family: inet or inet6")
    return family


def _check_binat(check: _Check, rule: Translation) -> None:
    hosts = rule.source.hosts
    if len(hosts) != 1 or len(rule.dest.hosts) > 1 or len(rule.protocols) > 1 or len(rule.ifaces) > 1:
        check.bad("binat takes one interface, one protocol, one source and one destination")
        return
    source = hosts[0]
    if source.negated or source.kind not in (HostKind.NET, HostKind.NAME, HostKind.DYNAMIC):
        check.bad("binat needs an address or prefix as source")
        return
    pool = rule.pool
    if pool is None:
        return
    if len(pool.hosts) != 1 or pool.ports:
        check.bad("binat takes one translation address and no port")
        return
    target = pool.hosts[0]
    if source.kind is HostKind.NET and target.kind is HostKind.NET:
        if source.family is not target.family:
            check.bad("binat needs one address family on both sides", code="FW007")
        elif source.high - source.low != target.high - target.low:
            check.bad("binat needs prefixes of the same length on both sides")
