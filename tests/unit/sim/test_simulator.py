"""The simulator's path through the hooks, told by hand-made rulesets."""

from __future__ import annotations

from fwc.ir.match import (
    ALWAYS,
    CtState,
    CtStatus,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    SetRef,
    TupleIn,
    WithinRate,
    all_of,
    negate,
    state_in,
)
from fwc.ir.model import Base, Chain, NamedSet, Rule, Ruleset, Table, Zone
from fwc.ir.verdict import (
    ACCEPT,
    DROP,
    RETURN,
    AddToSet,
    Dnat,
    Goto,
    Jump,
    Log,
    Masquerade,
    NatTarget,
    NoTrack,
    PortChoice,
    Redirect,
    Reject,
    RejectKind,
    SetField,
    Verdict,
    VerdictMap,
)
from fwc.net.addresses import AddressSet, parse_address
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.sim.journey import Assumptions, Session
from fwc.sim.netfilter import Simulator, simulate
from fwc.sim.trace import lines


def address(text: str) -> int:
    found = parse_address(text)
    assert found is not None
    return found[1]


def single(text: str) -> AddressSet:
    found = parse_address(text)
    assert found is not None
    return AddressSet.of_family(found[0], IntervalSet.of(found[1]))


def tcp(source: str, destination: str, dport: int = 80, sport: int = 40000, **more: object) -> Packet:
    return Packet(Family.V4, 6, address(source), address(destination), sport, dport, **more)  # type: ignore[arg-type]


def dport(*ports: int) -> Match:
    return all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(6)), FieldIn(Field.DPORT, IntervalSet.of(*ports)))


def iif(name: str) -> Match:
    return FieldIn(Field.IIF, IfaceSet.of([name]))


def base(
    name: str,
    hook: Hook,
    *rules: Rule,
    policy: Verdict = ACCEPT,
    priority: int = 0,
    type: ChainType = ChainType.FILTER,
) -> Chain:
    return Chain(name, rules, Base(hook, type, priority, policy))


ESTABLISHED = Rule(state_in(CtState.ESTABLISHED, CtState.RELATED), verdict=ACCEPT, label="established")
WAN = Zone("wan", IfaceSet.of(["eth0"]), addresses=single("198.51.100.1"))
LAN = Zone(
    "lan",
    IfaceSet.of(["eth1"]),
    nets=AddressSet(IntervalSet.range(address("10.0.0.0"), address("10.0.0.255"))),
    has_nets=True,
    addresses=single("10.0.0.1"),
)


def router(*chains: Chain, sets: tuple[NamedSet, ...] = ()) -> Ruleset:
    return Ruleset((Table("fwc", "inet", chains, sets),), zones=(WAN, LAN))


def test_first_match_jump_goto_return_and_policy() -> None:
    """goto does not come back to the base chain, jump and return do."""
    ruleset = router(
        base(
            "input",
            Hook.INPUT,
            Rule(dport(1), verdict=Jump("side")),
            Rule(dport(2), verdict=Goto("side")),
            Rule(dport(1, 2), verdict=ACCEPT, label="main"),
            policy=DROP,
        ),
        Chain("side", (Rule(dport(9), verdict=DROP), Rule(verdict=RETURN), Rule(verdict=DROP))),
    )
    jumped = simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 1, iif="eth1"))
    assert (jumped.verdict, jumped.label, jumped.path) == ("accept", "main", "input")
    gone = simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 2, iif="eth1"))
    assert (gone.verdict, gone.rule, gone.chain) == ("drop", None, "input")


def test_every_base_chain_must_let_it_through() -> None:
    """An accept ends one chain only; a drop in a later table is final."""
    first = Table("a", "inet", (base("in", Hook.INPUT, Rule(verdict=ACCEPT)),))
    second = Table("b", "inet", (base("in2", Hook.INPUT, Rule(verdict=DROP, label="late"), priority=10),))
    trace = simulate(Ruleset((second, first)), tcp("10.0.0.7", "10.0.0.1", iif="eth1"))
    assert (trace.verdict, trace.label) == ("drop", "late")


def test_a_forward_is_translated_before_the_filter_and_its_reply_back() -> None:
    ruleset = router(
        base(
            "dstnat",
            Hook.PREROUTING,
            Rule(
                all_of(iif("eth0"), dport(8443)),
                verdict=Dnat((NatTarget(Family.V4, address("10.0.0.20"), address("10.0.0.20"), (443, 443)),)),
            ),
            priority=-100,
            type=ChainType.NAT,
        ),
        base(
            "forward",
            Hook.FORWARD,
            ESTABLISHED,
            Rule(
                all_of(MaskedIn(Field.CT_STATUS, CtStatus.DNAT, IntervalSet.of(CtStatus.DNAT)), dport(443)),
                verdict=ACCEPT,
                label="web",
            ),
            policy=DROP,
        ),
    )
    simulator = Simulator(ruleset)
    session = Session()
    sent = tcp("203.0.113.9", "198.51.100.1", 8443, iif="eth0")
    there = simulator.simulate(sent, Hook.INPUT, session)
    assert (there.verdict, there.label, there.path, there.packet.oif) == ("accept", "web", "forward", "eth1")
    assert there.dnat == (address("10.0.0.20"), 443)
    reply = tcp("10.0.0.20", "203.0.113.9", 40000, 443, iif="eth1", flags=18)
    back = simulator.simulate(reply, Hook.FORWARD, session)
    assert (back.verdict, back.label) == ("accept", "established")
    assert back.snat == (address("198.51.100.1"), 8443)
    direct = simulator.simulate(tcp("203.0.113.9", "10.0.0.20", 443, iif="eth0"), Hook.FORWARD)
    assert direct.verdict == "drop"


def test_masquerade_takes_the_egress_address_and_replies_come_home() -> None:
    ruleset = router(
        base("forward", Hook.FORWARD, ESTABLISHED, Rule(iif("eth1"), verdict=ACCEPT), policy=DROP),
        base(
            "srcnat",
            Hook.POSTROUTING,
            Rule(FieldIn(Field.OIF, IfaceSet.of(["eth0"])), verdict=Masquerade()),
            priority=100,
            type=ChainType.NAT,
        ),
    )
    session = Session()
    there = simulate(ruleset, tcp("10.0.0.7", "192.0.2.8", iif="eth1"), Hook.FORWARD, session)
    assert (there.verdict, there.packet.oif, there.snat) == ("accept", "eth0", (address("198.51.100.1"), 40000))
    back = simulate(ruleset, tcp("192.0.2.8", "198.51.100.1", 40000, 80, iif="eth0"), Hook.INPUT, session)
    assert (back.verdict, back.path, back.packet.daddr) == ("accept", "forward", address("10.0.0.7"))
    stray = simulate(ruleset, tcp("192.0.2.8", "10.0.0.7", 40000, 80, iif="eth0"), Hook.FORWARD)
    assert stray.verdict == "drop"


def test_redirect_stays_here_and_port_ranges_keep_their_offset() -> None:
    ports = IntervalSet.range(8000, 8010)
    ranged = all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(6)), FieldIn(Field.DPORT, ports))
    target = NatTarget(Family.V4, address("10.0.0.20"), address("10.0.0.20"), (9000, 9010))
    ruleset = router(
        base(
            "dstnat",
            Hook.PREROUTING,
            Rule(dport(80), verdict=Redirect((3128, 3128))),
            Rule(ranged, verdict=Dnat((target,), PortChoice.OFFSET)),
            priority=-100,
            type=ChainType.NAT,
        ),
        base("input", Hook.INPUT, Rule(dport(3128), verdict=ACCEPT, label="proxy"), policy=DROP),
    )
    proxied = simulate(ruleset, tcp("10.0.0.7", "192.0.2.8", 80, iif="eth1"), Hook.FORWARD)
    assert (proxied.label, proxied.path, proxied.packet.daddr) == ("proxy", "input", address("10.0.0.1"))
    moved = simulate(ruleset, tcp("203.0.113.9", "198.51.100.1", 8004, iif="eth0"), Hook.INPUT)
    assert moved.packet.dport == 9004


def test_tracking_lies_between_raw_and_mangle() -> None:
    """Before tracking every packet is invalid; notrack makes it untracked."""
    raw = base(
        "raw",
        Hook.PREROUTING,
        Rule(negate(state_in(CtState.INVALID)), verdict=DROP),
        Rule(dport(53), (NoTrack(),)),
        priority=-300,
    )
    later = base(
        "input",
        Hook.INPUT,
        Rule(state_in(CtState.UNTRACKED), verdict=ACCEPT, label="untracked"),
        Rule(state_in(CtState.NEW), verdict=ACCEPT, label="new"),
        policy=DROP,
    )
    ruleset = router(raw, later)
    assert simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 53, iif="eth1")).label == "untracked"
    assert simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 80, iif="eth1")).label == "new"


def test_sets_limits_logs_and_marks() -> None:
    blocked = NamedSet("banned", (Field.SADDR,), runtime=True)
    ruleset = router(
        base("mangle", Hook.PREROUTING, Rule(ALWAYS, (SetField(Field.MARK, 0x10, 0xFF),)), priority=-150),
        base(
            "input",
            Hook.INPUT,
            Rule(SetRef("banned", (Field.SADDR,)), (Log("ban "),), DROP, "banned"),
            Rule(all_of(dport(22), WithinRate(6, 60, 5)), verdict=ACCEPT, label="ssh"),
            Rule(dport(22), (AddToSet("banned", (Field.SADDR,)),), Reject(), "excess"),
            Rule(MaskedIn(Field.MARK, 0xFF, IntervalSet.of(0x10)), verdict=ACCEPT, label="marked"),
            policy=DROP,
        ),
        sets=(blocked,),
    )
    session = Session()
    packet = tcp("10.0.0.7", "10.0.0.1", 22, iif="eth1")
    assert simulate(ruleset, packet, session=session).label == "ssh"
    excess = simulate(ruleset, packet, session=session, assumptions=Assumptions(within_rate=False))
    assert (excess.label, excess.reject) == ("excess", RejectKind.TCP_RESET)
    banned = simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 80, iif="eth1"), session=session)
    assert (banned.label, banned.logs) == ("banned", ("ban ",))
    assert simulate(ruleset, tcp("10.0.0.8", "10.0.0.1", 80, iif="eth1"), session=session).label == "marked"


def test_verdict_maps_and_tuples() -> None:
    lan, other = IfaceSet.of(["eth1"]), IfaceSet.of(["wg*"])
    pair = TupleIn((Field.IIF, Field.SADDR), ((lan, single("10.0.0.7")), (other, single("10.8.0.2"))))
    ruleset = router(
        base(
            "input",
            Hook.INPUT,
            Rule(pair, verdict=VerdictMap((Field.DPORT,), (((IntervalSet.of(22),), ACCEPT),))),
            Rule(ALWAYS, verdict=Reject(RejectKind.ADMIN_PROHIBITED), label="rest"),
        )
    )
    assert simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 22, iif="eth1")).verdict == "accept"
    assert simulate(ruleset, tcp("10.8.0.2", "10.0.0.1", 22, iif="wg7")).verdict == "accept"
    assert simulate(ruleset, tcp("10.8.0.2", "10.0.0.1", 22, iif="eth1")).label == "rest"
    refused = simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 23, iif="eth1"))
    assert (refused.verdict, refused.reject) == ("reject", RejectKind.ADMIN_PROHIBITED)


def test_a_chain_that_calls_itself_ends() -> None:
    loop = Chain("loop", (Rule(verdict=Jump("loop")),))
    ruleset = router(base("input", Hook.INPUT, Rule(verdict=Jump("loop"))), loop)
    assert simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", iif="eth1")).verdict == "drop"


def test_loopback_passes_output_and_input() -> None:
    ruleset = router(
        base("output", Hook.OUTPUT, policy=ACCEPT),
        base("input", Hook.INPUT, Rule(iif("lo"), verdict=ACCEPT, label="lo"), policy=DROP),
    )
    trace = simulate(ruleset, tcp("127.0.0.1", "127.0.0.1"), Hook.OUTPUT)
    assert (trace.verdict, trace.path, trace.label) == ("accept", "loopback", "lo")


def test_pf_filters_a_forwarded_packet_twice() -> None:
    table = Table(
        "pf",
        "pf",
        (
            base("in", Hook.PF_IN, Rule(iif("eth1"), verdict=ACCEPT, label="in"), policy=DROP),
            base(
                "out",
                Hook.PF_OUT,
                Rule(FieldIn(Field.OIF, IfaceSet.of(["eth0"])), verdict=DROP, label="out"),
                policy=ACCEPT,
            ),
        ),
    )
    trace = simulate(Ruleset((table,), zones=(WAN, LAN)), tcp("10.0.0.7", "192.0.2.8", iif="eth1"), Hook.FORWARD)
    assert (trace.verdict, trace.label) == ("drop", "out")


def test_the_trace_says_why() -> None:
    ruleset = router(base("input", Hook.INPUT, Rule(dport(22), verdict=ACCEPT, label="ssh"), policy=DROP))
    text = "\n".join(lines(simulate(ruleset, tcp("10.0.0.7", "10.0.0.1", 80, iif="eth1"))))
    assert "ssh: no: the port is not 22" in text
    assert "policy drop" in text
    assert text.endswith("drop, decided by the policy of input")
