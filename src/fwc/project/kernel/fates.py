"""What became of each probe: events and copies on the wire matched to the probes that caused them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fwc.project.kernel.frames import (
    ACK,
    ICMP,
    ICMPV6,
    TCP,
    Identity,
    Probe,
    Seen,
    is_icmp_error,
    parse,
    reject_name,
)
from fwc.project.kernel.observation import GROUP, Event


class Fate:
    """`verdict` is accept, drop, reject, replied or noroute. `path` of an accepted packet is input, forward, output or
    loopback; `stage` of a lost one is the hook that did not let it go on (only with detail). `raw` is the packet as it was
    delivered or left, `replies` are packets sent back."""

    __slots__ = ("logs", "mark", "oif", "path", "probe", "raw", "replies", "sent", "stage", "verdict", "wire")

    def __init__(self, probe: Probe, sent: bytes) -> None:
        self.probe = probe
        self.sent = sent
        self.verdict = "drop"
        self.path = ""
        self.stage = ""
        self.oif = ""
        self.mark = 0
        self.raw: bytes | None = None
        self.wire: list[tuple[str, bytes]] = []
        self.replies: list[tuple[str, bytes]] = []
        self.logs: list[str] = []

    @property
    def packet(self) -> Seen:
        assert self.raw is not None, f"{self.verdict}: the packet did not arrive"
        return parse(self.raw)

    @property
    def reject(self) -> str:
        """The first refusal sent back, "" when there is none."""
        return next((name for _, raw in self.replies if (name := reject_name(parse(raw)))), "")

    def __repr__(self) -> str:
        detail = self.reject or self.stage or self.path
        return f"<{self.verdict} {detail} {self.oif} {self.logs or ''}>"


class Burst:
    """The probes of one burst by serial, with the tables that recognise their packets and the answers to them."""

    def __init__(self) -> None:
        self.fates: dict[int, Fate] = {}
        self.identities: dict[int, Identity] = {}
        self._acknowledged: dict[int, int] = {}
        self._reset: dict[int, int] = {}
        self._icmp_ids: dict[int, int] = {}

    def add(self, serial: int, fate: Fate, identity: Identity) -> None:
        self.fates[serial] = fate
        self.identities[serial] = identity
        if identity.seq is not None:
            self._acknowledged[(identity.seq + identity.length) & 0xFFFFFFFF] = serial
            self._acknowledged.setdefault((identity.seq + 1) & 0xFFFFFFFF, serial)
            if identity.flags & ACK:
                self._reset[identity.ack] = serial
        if fate.probe.icmp_id is not None:
            self._icmp_ids[fate.probe.icmp_id] = serial

    def recognise(self, raw: bytes) -> tuple[int | None, bool]:
        """The serial of the probe a packet belongs to, and whether it is the probe itself or something sent back."""
        serial, protocol, start = _numbers(raw)
        identity = self.identities.get(serial)
        if identity is not None and identity.protocol == protocol and identity.v6 == (raw[0] >> 4 == 6):
            if protocol == TCP:
                if int.from_bytes(raw[start + 4 : start + 8], "big") == identity.seq:
                    return serial, True
            elif protocol in (ICMP, ICMPV6):
                if raw[start] == identity.icmp_type and raw.endswith(identity.tail):
                    return serial, True
            else:
                return serial, True
        return self._answer(raw, protocol, start), False

    def _answer(self, raw: bytes, protocol: int, start: int) -> int | None:
        if protocol == TCP and len(raw) >= start + 14:
            if raw[start + 13] & ACK:
                found = self._acknowledged.get(int.from_bytes(raw[start + 8 : start + 12], "big"))
                if found is not None:
                    return found
            return self._reset.get(int.from_bytes(raw[start + 4 : start + 8], "big"))
        if protocol in (ICMP, ICMPV6) and len(raw) > start + 8:
            kind = raw[start]
            if is_icmp_error(protocol, kind) and len(raw) >= start + 28:
                serial = _numbers(raw[start + 8 :])[0]
                return serial if serial in self.fates else None
            if (protocol, kind) in ((ICMP, 0), (ICMPV6, 129)):
                number = raw[start + 4] << 8 | raw[start + 5]
                return self._icmp_ids.get(number, number if number in self.fates else None)
        return None

    def settle(
        self,
        events: Iterable[Event],
        wire: Iterable[tuple[str, bytes]],
        names: Mapping[int, str],
        dry: bool,
        detail: bool,
    ) -> None:
        """Fill in every fate."""
        finals: dict[int, list[tuple[str, Event]]] = {}
        stages: dict[int, str] = {}
        for event in events:
            if event.group != GROUP:
                serial, _ = self.recognise(event.payload)
                if serial is not None:
                    self.fates[serial].logs.append(event.prefix.decode("latin1"))
                continue
            self._note(event, finals, stages, names)
        for name, raw in wire:
            serial, itself = self.recognise(raw)
            if serial is not None:
                fate = self.fates[serial]
                (fate.wire if itself else fate.replies).append((name, raw))
        for serial, fate in self.fates.items():
            _judge(fate, finals.get(serial, []), stages.get(serial, ""), names, dry, detail)

    def _note(
        self,
        event: Event,
        finals: dict[int, list[tuple[str, Event]]],
        stages: dict[int, str],
        names: Mapping[int, str],
    ) -> None:
        stage = chr(event.prefix[0])
        if stage not in "DLJK":
            serial = _numbers(event.payload)[0]
            if serial in self.fates:
                stages[serial] = stages.get(serial, "") + stage
            return
        found, itself = self.recognise(event.payload)
        if found is None:
            return
        if itself:
            finals.setdefault(found, []).append((stage, event))
            stages[found] = stages.get(found, "") + stage
        elif stage != "J":
            index = event.oif if stage == "K" else event.iif
            self.fates[found].replies.append((names.get(index, "?"), event.payload))


def _numbers(raw: bytes) -> tuple[int, int, int]:
    """Serial, protocol and the offset of the transport header."""
    if raw[0] >> 4 == 4:
        return raw[4] << 8 | raw[5], raw[9], (raw[0] & 15) * 4
    return (raw[1] & 15) << 16 | raw[2] << 8 | raw[3], raw[6], 40


def _judge(
    fate: Fate, finals: list[tuple[str, Event]], stages: str, names: Mapping[int, str], dry: bool, detail: bool
) -> None:
    local = fate.probe.iface is None
    delivered = [event for stage, event in finals if stage in "DL"]
    left = [event for stage, event in finals if stage in "JK" and names.get(event.oif) != "lo"]
    if delivered:
        event = delivered[-1]
        fate.verdict, fate.path = "accept", "loopback" if local else "input"
        fate.raw, fate.mark = event.payload, event.mark
    elif left and (dry or fate.wire):
        event = left[-1]
        fate.verdict, fate.path = "accept", "output" if local else "forward"
        fate.raw, fate.mark, fate.oif = event.payload, event.mark, names.get(event.oif, "")
        if fate.wire and not dry:
            fate.raw = fate.wire[0][1]
    else:
        fate.stage = _died(stages, local) if detail else ""
        if fate.reject:
            fate.verdict = "reject"
        elif fate.replies:
            fate.verdict = "replied"
        elif fate.stage == "routing":
            fate.verdict = "noroute"


def _died(stages: str, local: bool) -> str:
    if "C" in stages:
        return "input"
    if "E" in stages:
        return "postrouting" if "F" in stages else "forward"
    if local and "A" not in stages:
        if "G" not in stages:
            return "routing"
        return "output" if "H" not in stages else "postrouting"
    if "A" not in stages:
        return "ingress"
    return "prerouting" if "B" not in stages else "routing"
