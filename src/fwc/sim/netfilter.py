"""A packet's whole way through a ruleset: tracking, translation, routing and every base chain in the kernel's order.

Sources: net/netfilter/core.c (hook order), nf_conntrack_core.c, nf_nat_core.c (which chain translates what),
`dialects` notes on pf for PF_IN and PF_OUT (state first, then translation, then filter).
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.ir.match import CtState
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Drop, OpaqueVerdict, Reject, RejectKind
from fwc.net.hooks import PRIORITY_CONNTRACK, PRIORITY_FILTER, ChainType, Family, Hook
from fwc.net.packet import Packet
from fwc.sim.chain import Outcome, Recorder, changed, run_base
from fwc.sim.journey import STATES, Assumptions, Connection, Journey, Session, Tuple, mirrored, tuple_of
from fwc.sim.routing import Routes, is_local_multicast
from fwc.sim.trace import Trace
from fwc.sim.translation import translate_packet, translated_tuple

_HOOK_SIDE = {
    Hook.PREROUTING: "destination",
    Hook.OUTPUT: "destination",
    Hook.INPUT: "source",
    Hook.POSTROUTING: "source",
}
_FAMILY_TABLES = {Family.V4: ("inet", "ip", "pf", "netdev"), Family.V6: ("inet", "ip6", "pf", "netdev")}


class Simulator:
    """A ruleset prepared for many packets: base chains sorted by hook and priority once."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.routes = Routes(ruleset)
        self.sets = {each.name: each for table in ruleset.tables for each in table.sets}
        self.chains: dict[tuple[Hook, Family], list[tuple[Table, dict[str, Chain], Chain]]] = {}
        self.is_pf = False
        for table in ruleset.tables:
            by_name = {chain.name: chain for chain in table.chains}
            for chain in table.chains:
                if chain.base is None:
                    continue
                self.is_pf = self.is_pf or chain.base.hook in (Hook.PF_IN, Hook.PF_OUT)
                for family in Family:
                    if table.family in _FAMILY_TABLES[family]:
                        self.chains.setdefault((chain.base.hook, family), []).append((table, by_name, chain))
        for found in self.chains.values():
            found.sort(key=lambda item: _order(item[2]))

    def simulate(
        self,
        packet: Packet,
        hook: Hook | None = None,
        session: Session | None = None,
        assumptions: Assumptions | None = None,
        trace: bool = True,
    ) -> Trace:
        """What becomes of `packet`. `hook` (input, forward or output) states what routing makes of it as sent; without it the
        addresses of the ruleset decide. `session` carries connections and set contents from packet to packet."""
        at = Journey(packet, session or Session(), assumptions or Assumptions(), self.sets, self.ruleset.names)
        if self.ruleset.natives:
            at.assume("native text does not decide about the packet")
        return _Run(self, at, Recorder(trace), packet, hook).run()


def simulate(
    ruleset: Ruleset,
    packet: Packet,
    hook: Hook | None = None,
    session: Session | None = None,
    assumptions: Assumptions | None = None,
) -> Trace:
    """As `Simulator.simulate`, for a single packet."""
    return Simulator(ruleset).simulate(packet, hook, session, assumptions)


def _order(chain: Chain) -> tuple[int, int]:
    assert chain.base is not None
    # pf has no priorities: translation comes before filtering at either crossing.
    pf_filter = chain.base.hook in (Hook.PF_IN, Hook.PF_OUT) and chain.base.type is ChainType.FILTER
    return (1 if pf_filter else 0, chain.base.priority)


class _Stopped(Exception):
    """The packet's way has ended at a drop or reject."""

    def __init__(self, outcome: Outcome, chain: Chain) -> None:
        super().__init__()
        self.outcome = outcome
        self.chain = chain


class _Run:
    __slots__ = ("at", "decider", "deciding_chain", "hinted", "out", "path", "sent", "simulator")

    def __init__(self, simulator: Simulator, at: Journey, out: Recorder, sent: Packet, hinted: Hook | None) -> None:
        self.simulator = simulator
        self.at = at
        self.out = out
        self.sent = sent
        self.hinted = hinted
        self.path = ""
        self.decider: Rule | None = None
        self.deciding_chain = ""

    def run(self) -> Trace:
        verdict, kind = "accept", None
        try:
            if self.simulator.is_pf:
                self.pf()
            elif self.is_output():
                self.output()
            else:
                self.received()
            self.confirm()
        except _Stopped as stop:
            self.decider, self.deciding_chain = stop.outcome.rule, stop.chain.name
            verdict = "drop"
            if isinstance(stop.outcome.verdict, Reject):
                verdict, kind = "reject", reject_kind(stop.outcome.verdict.kind, self.at.packet)
        return self.trace(verdict, kind)

    def trace(self, verdict: str, kind: RejectKind | None) -> Trace:
        at, sent = self.at, self.sent
        now = at.packet
        moved_source = (now.saddr, now.sport) != (sent.saddr, sent.sport)
        moved_destination = (now.daddr, now.dport) != (sent.daddr, sent.dport)
        return Trace(
            verdict,
            kind,
            self.path,
            self.decider,
            self.deciding_chain,
            sent,
            now,
            (now.saddr, now.sport) if moved_source else None,
            (now.daddr, now.dport) if moved_destination else None,
            tuple(self.out.logs),
            tuple(self.out.effects),
            tuple(self.out.steps),
            tuple(at.assumed),
        )

    # ----- the three ways ------------------------------------------------------

    def is_output(self) -> bool:
        return self.hinted is Hook.OUTPUT if self.hinted else not self.at.packet.iif

    def received(self) -> None:
        self.hook(Hook.INGRESS)
        self.hook(Hook.PREROUTING)
        self.deliver_or_forward()

    def deliver_or_forward(self) -> None:
        if self.is_local():
            self.path = self.path or "input"
            self.at.packet = changed(self.at.packet, oif="")
            self.out.note("route", "routing: to this machine")
            self.hook(Hook.INPUT)
            return
        self.path = "forward"
        self.route()
        self.hook(Hook.FORWARD)
        self.hook(Hook.POSTROUTING)

    def output(self) -> None:
        self.path = "output"
        if self.simulator.routes.is_own(self.at.packet) or self.at.packet.oif in ("lo", "lo0"):
            self.at.packet = changed(self.at.packet, oif="lo")
        else:
            self.route()
        before = self.at.packet.daddr
        self.hook(Hook.OUTPUT)
        if self.at.packet.daddr != before or self.at.forced_local:
            local = self.at.forced_local or self.simulator.routes.is_own(self.at.packet)
            self.at.packet = changed(self.at.packet, oif="lo" if local else "")
            if not local:
                self.route()
        self.hook(Hook.POSTROUTING)
        if self.at.packet.oif == "lo":
            self.path = "loopback"
            self.at.packet = changed(self.at.packet, iif="lo", oif="")
            self.hook(Hook.PREROUTING)
            self.hook(Hook.INPUT)

    def pf(self) -> None:
        """pf sees a forwarded packet twice; what matches a state passes without rules, in either direction."""
        self.track()
        if not self.is_output():
            self.fill_own_sets()
            self.pf_crossing(Hook.PF_IN)
            if self.is_local():
                self.path = "input"
                return
            self.path = "forward"
        else:
            self.path = "output"
        self.route()
        self.pf_crossing(Hook.PF_OUT)

    def fill_own_sets(self) -> None:
        """Sets of this machine's addresses hold the destination of a packet that is for this machine, as it is now."""
        own = [name for name, declared in self.at.sets.items() if declared.own]
        if own and self.is_local():
            for name in own:
                self.at.session.sets.setdefault(name, set()).add((self.at.packet.daddr, self.at.packet.family.value))

    def pf_crossing(self, hook: Hook) -> None:
        known = self.at.connection is not None and self.at.state is CtState.ESTABLISHED
        if known or (self.at.connection is None and self.at.state is CtState.RELATED):
            self.rewrite(hook)
            self.out.note("conntrack", "the packet matches a state: no rule is asked", hook)
            return
        self.hook(hook)

    # ----- routing -------------------------------------------------------------

    def is_local(self) -> bool:
        at, routes = self.at, self.simulator.routes
        if at.forced_local or at.packet.iif == "lo":
            return True
        if at.packet.daddr == self.sent.daddr and self.hinted is not None:
            return self.hinted is Hook.INPUT
        if routes.is_own(at.packet) or is_local_multicast(at.packet):
            return True
        if at.packet.daddr != self.sent.daddr or at.packet.oif:
            return False
        if routes.own_known(at.packet.family) or routes.known_elsewhere(at.packet):
            return False
        at.assume("the destination is an address of this machine")
        return True

    def route(self) -> None:
        at = self.at
        if at.packet.oif and at.packet.daddr == self.sent.daddr:
            return
        oif, text = self.simulator.routes.egress(at.packet)
        if not oif and self.sent.oif:
            oif, text = self.sent.oif, f"leaves by {self.sent.oif}"
        at.packet = changed(at.packet, oif=oif)
        self.out.note("route", f"routing: {text}")

    # ----- hooks ---------------------------------------------------------------

    def hook(self, hook: Hook) -> None:
        """Every base chain of a hook, with connection tracking between priorities where the kernel has it."""
        tracks = hook in (Hook.PREROUTING, Hook.OUTPUT) and not self.at.tracked and not self.simulator.is_pf
        rewritten = False
        for table, by_name, chain in self.bases(hook):
            base = chain.base
            assert base is not None
            if tracks and base.priority > PRIORITY_CONNTRACK:
                self.track()
                tracks = False
            if base.device and base.device != self.at.packet.iif:
                continue
            if base.type is ChainType.NAT:
                if not rewritten:
                    self.rewrite(hook)
                    rewritten = True
                self.nat_chain(hook, table, by_name, chain)
                if hook is Hook.PF_IN:
                    self.fill_own_sets()
                continue
            if not rewritten and self.translates_before(hook, base.priority):
                self.rewrite(hook)
                rewritten = True
            self.filter_chain(hook, table, by_name, chain)
        if tracks:
            self.track()
        if not rewritten:
            self.rewrite(hook)

    def bases(self, hook: Hook) -> Iterator[tuple[Table, dict[str, Chain], Chain]]:
        return iter(self.simulator.chains.get((hook, self.at.packet.family), ()))

    def translates_before(self, hook: Hook, priority: int) -> bool:
        """Known connections are rewritten at the nat priorities (-100 in, 100 out), before later chains look."""
        return priority >= (100 if _HOOK_SIDE.get(hook) == "source" else -100) if hook in _HOOK_SIDE else False

    def filter_chain(self, hook: Hook, table: Table, by_name: dict[str, Chain], chain: Chain) -> None:
        outcome = run_base(table, by_name, chain, self.at, self.out)
        if isinstance(outcome.verdict, Drop | Reject):
            raise _Stopped(outcome, chain)
        assert chain.base is not None
        main = hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.PF_IN, Hook.PF_OUT)
        if main and chain.base.priority == PRIORITY_FILTER and (outcome.rule is not None or self.decider is None):
            self.decider, self.deciding_chain = outcome.rule, chain.name

    def nat_chain(self, hook: Hook, table: Table, by_name: dict[str, Chain], chain: Chain) -> None:
        """nat chains see the first packet of a connection, until one of them has decided for this direction."""
        at = self.at
        source_side = hook in (Hook.POSTROUTING, Hook.INPUT, Hook.PF_OUT)
        connection = at.connection
        if connection is None or at.reply or at.state not in (CtState.NEW, CtState.RELATED):
            return
        if connection.replied or (connection.source_done if source_side else connection.destination_done):
            return
        outcome = run_base(table, by_name, chain, at, self.out)
        if isinstance(outcome.verdict, Drop | Reject):
            raise _Stopped(outcome, chain)
        if isinstance(outcome.verdict, Accept | OpaqueVerdict) or outcome.rule is None:
            return
        translate_packet(outcome.verdict, outcome.rule, at, self.simulator.routes)
        if source_side:
            connection.source_done = True
        else:
            connection.destination_done = True
        self.out.note("nat", f"nat: now {translated_tuple(at.packet)}", hook)

    # ----- connections ---------------------------------------------------------

    def track(self) -> None:
        """Connection tracking: find the packet's connection, or begin one."""
        at = self.at
        at.tracked = True
        if at.notrack or at.packet.state == "untracked" or _never_tracked(at.packet):
            at.state = CtState.UNTRACKED
            self.out.note("conntrack", "conntrack: untracked")
            return
        found, at.reply = at.session.find(tuple_of(at.packet))
        if found is not None:
            at.connection = found
            found.replied = found.replied or at.reply
            at.state = CtState.ESTABLISHED if found.replied else CtState.NEW
        else:
            at.state = STATES[at.packet.state]
            if at.state is CtState.NEW:
                at.connection = Connection(tuple_of(at.packet))
                at.connection.mark = at.packet.ct_mark
        self.out.note("conntrack", f"conntrack: {at.state.name.lower()}")

    def rewrite(self, hook: Hook) -> None:
        """Apply the translation of a known connection: the destination on the way in, the source on the way out."""
        at = self.at
        connection = at.connection
        side = {Hook.PF_IN: "destination", Hook.PF_OUT: "source"}.get(hook) or _HOOK_SIDE.get(hook)
        if connection is None or side is None or connection.original == connection.translated:
            return
        goal = mirrored(connection.original) if at.reply else connection.translated
        _, _, saddr, sport, daddr, dport = goal
        if side == "destination":
            new = _placed(at.packet, daddr=daddr, dport=dport)
        else:
            new = _placed(at.packet, saddr=saddr, sport=sport)
        if new != at.packet:
            at.packet = new
            self.out.note("nat", f"nat of the known connection: now {translated_tuple(new)}", hook)

    def confirm(self) -> None:
        at = self.at
        if at.connection is not None and not at.reply:
            at.connection.translated = _with_ports(at.connection.original, at.packet)
            # Without a verdict of a nat chain the kernel sets a null binding: no chain is asked again.
            at.connection.source_done = at.connection.destination_done = True
            at.session.confirm(at.connection)


def _with_ports(original: Tuple, packet: Packet) -> Tuple:
    key = tuple_of(packet)
    return (original[0], original[1], key[2], key[3], key[4], key[5])


def _placed(packet: Packet, **fields: int) -> Packet:
    if packet.protocol in (1, 58):
        fields = {name: value for name, value in fields.items() if name.endswith("addr")}
    return changed(packet, **fields)


def _never_tracked(packet: Packet) -> bool:
    """Neighbour discovery and MLD (nf_conntrack_proto_icmpv6.c): types 130-132, 133-137 and 143."""
    kind = packet.icmp >> 8
    return packet.protocol == 58 and (130 <= kind <= 137 or kind == 143)


_V6_KINDS = {
    RejectKind.HOST_UNREACHABLE: RejectKind.ADDRESS_UNREACHABLE,
    RejectKind.NET_UNREACHABLE: RejectKind.NO_ROUTE,
    RejectKind.HOST_PROHIBITED: RejectKind.ADMIN_PROHIBITED,
    RejectKind.NET_PROHIBITED: RejectKind.ADMIN_PROHIBITED,
}
_V4_KINDS = {
    RejectKind.NO_ROUTE: RejectKind.NET_UNREACHABLE,
    RejectKind.ADDRESS_UNREACHABLE: RejectKind.HOST_UNREACHABLE,
}


def reject_kind(kind: RejectKind, packet: Packet) -> RejectKind:
    """What the sender gets: the default is a reset for tcp and port unreachable for the rest; every other kind is the code of
    the packet's family that says the same."""
    if kind is RejectKind.DEFAULT:
        return RejectKind.TCP_RESET if packet.protocol == 6 else RejectKind.PORT_UNREACHABLE
    return (_V4_KINDS if packet.family is Family.V4 else _V6_KINDS).get(kind, kind)
