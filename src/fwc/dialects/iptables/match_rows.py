"""What the options of each -m module mean. Each function takes the options of one instance and gives its match."""

from __future__ import annotations

import re
from collections.abc import Callable

from fwc.dialects.iptables.lexer import join_words
from fwc.dialects.iptables.numbers import DSCP_CLASSES, icmp_values, number, port, value_and_mask
from fwc.dialects.iptables.setlines import SetNames
from fwc.dialects.iptables.transport import FLAGS
from fwc.dialects.iptables.tree import Words
from fwc.errors import FwcError
from fwc.ir.match import (
    ADDRESS_TYPES,
    ALWAYS,
    NEVER,
    AddressTypeIs,
    AnyOf,
    CgroupIs,
    CtState,
    CtStatus,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    Opaque,
    Owner,
    ReversePathFails,
    SetRef,
    TimeWindow,
    all_of,
    any_of,
    negate,
)
from fwc.net.address_types import MULTICAST
from fwc.net.addresses import AddressSet, parse_address, prefix_run
from fwc.net.clock import DAY, moment, moment_text, time_of_day
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.records import Record

Option = tuple[str, Words, bool]
"""Name, words, negated."""


class Instance(Record):
    """One `-m NAME` with its options, in order. `sets` are the ipsets that the file declares."""

    name: str
    options: tuple[Option, ...]
    family: Family
    sets: SetNames | None = None


Converter = Callable[[Instance], "Match | None"]
"""None: the options say something that the IR does not hold; the instance becomes opaque."""


class Refused(FwcError):
    """The real tool refuses these words, or they cannot mean what they seem to."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


def signed(match: Match, negated: bool) -> Match:
    return negate(match) if negated else match


def unmodelled(module: str, *options: Option) -> Opaque:
    """Options of a module that the IR does not hold, as a condition of their own."""
    words: list[str] = ["-m", module]
    for name, values, negated in options:
        words += [*(("!",) if negated else ()), name, *values]
    return Opaque("iptables", join_words(tuple(words)), module)


# ----- ports, icmp, flags ----------------------------------------------------


def port_range(text: str) -> IntervalSet:
    """`80`, `80:90`, `:90`, `80:`."""
    low, colon, high = text.partition(":")
    if not colon and "-" in text and text.replace("-", "").isdigit():
        raise Refused("FW001", f"{text!r} is no port or range", f"write {text.replace('-', ':')}")
    first = port(low) if low or not colon else 0
    last = first if not colon else port(high) if high else 65535
    if first is None or last is None:
        raise Refused("FW001", f"{text!r} is no port or range")
    if first > last:
        raise Refused("FW011", f"the port range {text} is reversed", f"write {high}:{low}")
    return IntervalSet.range(first, last)


_PORT_FIELD = {
    "--sport": Field.SPORT,
    "--source-port": Field.SPORT,
    "--sports": Field.SPORT,
    "--source-ports": Field.SPORT,
    "--dport": Field.DPORT,
    "--destination-port": Field.DPORT,
    "--dports": Field.DPORT,
    "--destination-ports": Field.DPORT,
}


def ports(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        field = _PORT_FIELD.get(name)
        if field is None:
            return None
        parts.append(signed(FieldIn(field, port_range(words[0])), negated))
    return all_of(*parts)


def multiport(instance: Instance) -> Match | None:
    if len(instance.options) != 1:
        return None
    name, words, negated = instance.options[0]
    items = words[0].split(",")
    if sum(2 if ":" in item else 1 for item in items) > 15:
        raise Refused("FW020", "multiport takes at most 15 ports, a range counts twice", "split the rule")
    values = IntervalSet(run for item in items for run in port_range(item).runs)
    field = _PORT_FIELD.get(name)
    if field is not None:
        return signed(FieldIn(field, values), negated)
    return signed(AnyOf((FieldIn(Field.SPORT, values), FieldIn(Field.DPORT, values))), negated)


_FLAG_BITS = {name: 1 << i for i, name in enumerate(FLAGS)} | {"ALL": 0x3F, "NONE": 0}


def _flags(text: str) -> int:
    bits = 0
    for word in text.split(","):
        if word.upper() not in _FLAG_BITS:
            raise Refused("FW001", f"{word!r} is no TCP flag", "use SYN, ACK, FIN, RST, URG, PSH, ALL, NONE")
        bits |= _FLAG_BITS[word.upper()]
    return bits


def tcp(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        if name == "--syn":
            parts.append(signed(MaskedIn(Field.TCP_FLAGS, 0x17, IntervalSet.of(2)), negated))
        elif name == "--tcp-flags":
            mask, value = _flags(words[0]), _flags(words[1])
            parts.append(signed(MaskedIn(Field.TCP_FLAGS, mask, IntervalSet.of(value)), negated))
        elif name in _PORT_FIELD:
            parts.append(signed(FieldIn(_PORT_FIELD[name], port_range(words[0])), negated))
        else:
            parts.append(unmodelled("tcp", (name, words, negated)))
    return all_of(*parts)


def icmp(instance: Instance) -> Match | None:
    parts: list[Match] = []
    field = Field.ICMP if instance.family is Family.V4 else Field.ICMPV6
    for _, words, negated in instance.options:
        values = icmp_values(words[0], instance.family)
        if values is None:
            raise Refused("FW001", f"{words[0]!r} is no ICMP type")
        parts.append(signed(FieldIn(field, values), negated))
    return all_of(*parts)


# ----- connection tracking ---------------------------------------------------

_STATES = {s.name: s.value for s in CtState}
_STATUS = {
    "EXPECTED": CtStatus.EXPECTED,
    "SEEN_REPLY": CtStatus.SEEN_REPLY,
    "ASSURED": CtStatus.ASSURED,
    "CONFIRMED": CtStatus.CONFIRMED,
}
_NAT_STATES = {"SNAT": CtStatus.SNAT, "DNAT": CtStatus.DNAT}


def bits_set(mask: int) -> Match:
    """Some bit of the connection status mask is set."""
    values = [v for v in range(1, mask + 1) if v & ~mask == 0]
    return MaskedIn(Field.CT_STATUS, mask, IntervalSet.of(*values))


def _state_list(text: str, nat: bool) -> Match:
    values: list[int] = []
    mask = 0
    for word in text.split(","):
        name = word.upper()
        if name in _STATES:
            values.append(_STATES[name])
        elif nat and name in _NAT_STATES:
            mask |= _NAT_STATES[name]
        else:
            raise Refused("FW001", f"{word!r} is no connection state")
    parts: list[Match] = [FieldIn(Field.CT_STATE, IntervalSet.of(*values))] if values else []
    if mask:
        parts.append(bits_set(mask))
    return any_of(*parts)


def state(instance: Instance) -> Match | None:
    return all_of(*(signed(_state_list(words[0], False), negated) for _, words, negated in instance.options))


def conntrack(instance: Instance) -> Match | None:
    if len(instance.options) > 1 and _holds_without_connection(instance.options):
        return None
    parts = (_conntrack_option(option, instance.family) for option in instance.options)
    return all_of(
        *(part or unmodelled("conntrack", option) for part, option in zip(parts, instance.options, strict=True))
    )


def _holds_without_connection(options: tuple[Option, ...]) -> bool:
    """Whether the states asked for are such that a packet has no connection: the kernel asks it no other option
    (conntrack_mt() in net/netfilter/xt_conntrack.c)."""
    for name, words, negated in options:
        if name == "--ctstate":
            named = bool({"INVALID", "UNTRACKED"} & set(words[0].upper().split(",")))
            return negated or named
    return False


def _conntrack_option(option: Option, family: Family) -> Match | None:
    """None for what the IR does not hold."""
    name, words, negated = option
    part: Match
    if name == "--ctstate":
        part = _state_list(words[0], True)
    elif name == "--ctstatus":
        names = words[0].upper().split(",")
        if any(n not in _STATUS for n in names):
            return None
        part = bits_set(sum({_STATUS[n] for n in names}))
    elif name == "--ctorigdstport":
        part = FieldIn(Field.CT_ORIG_DPORT, port_range(words[0]))
    elif name in ("--ctorigsrc", "--ctorigdst"):
        field = Field.CT_ORIG_SADDR if name == "--ctorigsrc" else Field.CT_ORIG_DADDR
        found = prefix(words[0], family)
        if found is None:
            return None
        part = FieldIn(field, AddressSet.of_family(family, IntervalSet((found,))))
    else:
        return None
    return signed(part, negated)


def prefix(text: str, family: Family) -> tuple[int, int] | None:
    """First and last address of `a`, `a/len` or `a/mask` with a contiguous mask; None for anything else."""
    address, slash, length = text.partition("/")
    parsed = parse_address(address)
    if parsed is None or parsed[0] is not family:
        return None
    bits = mask_length(length, family) if slash else family.bits
    return None if bits is None else prefix_run(parsed[1], bits, family.bits)


def mask_length(text: str, family: Family) -> int | None:
    """The length of `24` (`0x18`, `030`) or `255.255.255.0`, None when it is neither."""
    bits = number(text)
    if bits is not None:
        return bits if bits <= family.bits else None
    parsed = parse_address(text)
    if parsed is None or parsed[0] is not family:
        return None
    inverse = parsed[1] ^ ((1 << family.bits) - 1)
    return family.bits - inverse.bit_length() if inverse & (inverse + 1) == 0 else None


# ----- other fields ----------------------------------------------------------


def comment(instance: Instance) -> Match | None:
    return all_of()


def iprange(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        low_text, dash, high_text = words[0].partition("-")
        low, high = parse_address(low_text), parse_address(high_text if dash else low_text)
        if low is None or high is None:
            raise Refused("FW001", f"{words[0]!r} is no address range")
        if low[0] is not instance.family or high[0] is not instance.family:
            raise Refused("FW007", f"{words[0]} is of the other family")
        if low[1] > high[1]:
            raise Refused(
                "FW011", f"the range {words[0]} is reversed, so it matches nothing", f"write {high_text}-{low_text}"
            )
        field = Field.SADDR if name == "--src-range" else Field.DADDR
        values = AddressSet.of_family(instance.family, IntervalSet.range(low[1], high[1]))
        parts.append(signed(FieldIn(field, values), negated))
    return all_of(*parts)


def mac(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for _, words, negated in instance.options:
        octets = words[0].split(":")
        if len(octets) != 6 or not all(0 < len(o) <= 2 and _is_hex(o) for o in octets):
            raise Refused("FW001", f"{words[0]!r} is no MAC address")
        value = int("".join(o.rjust(2, "0") for o in octets), 16)
        parts.append(signed(FieldIn(Field.SMAC, IntervalSet.of(value)), negated))
    return all_of(*parts)


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdefABCDEF" for c in text)


def _mark(instance: Instance, field: Field) -> Match | None:
    parts: list[Match] = []
    for _, words, negated in instance.options:
        found = value_and_mask(words[0])
        if found is None:
            raise Refused("FW001", f"{words[0]!r} is no mark")
        value, mask = found
        parts.append(signed(masked_or_exact(field, value, mask), negated))
    return all_of(*parts)


def masked_or_exact(field: Field, value: int, mask: int) -> Match:
    """A mask of all ones is an exact value; a mask of leading ones is a range."""
    if mask == 0xFFFFFFFF:
        return FieldIn(field, IntervalSet.of(value))
    inverse = mask ^ 0xFFFFFFFF
    if mask and inverse & (inverse + 1) == 0 and not value & inverse:
        return FieldIn(field, IntervalSet.range(value, value | inverse))
    return MaskedIn(field, mask, IntervalSet.of(value))


def packet_mark(instance: Instance) -> Match | None:
    return _mark(instance, Field.MARK)


def connection_mark(instance: Instance) -> Match | None:
    return _mark(instance, Field.CT_MARK)


def _numbers(text: str, top: int, separator: str = ":") -> IntervalSet:
    low, found, high = text.partition(separator)
    first = number(low) if low or not found else 0
    last = first if not found else number(high) if high else top
    if first is None or last is None or first > last or last > top:
        raise Refused("FW001", f"{text!r} is no number or range up to {top}")
    return IntervalSet.range(first, last)


def dscp(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        if name == "--dscp-class":
            if words[0].upper() not in DSCP_CLASSES:
                raise Refused("FW001", f"{words[0]!r} is no DSCP class")
            values = IntervalSet.of(DSCP_CLASSES[words[0].upper()])
        else:
            values = _numbers(words[0], 63)
        parts.append(signed(FieldIn(Field.DSCP, values), negated))
    return all_of(*parts)


def ecn(instance: Instance) -> Match | None:
    return all_of(*(unmodelled("ecn", option) for option in instance.options))


def tos(instance: Instance) -> Match | None:
    """The traffic class under a mask: six bits are the DSCP, two are asked by `-m ecn` (tos_mt() in xt_dscp.c)."""
    parts: list[Match] = []
    for _, words, negated in instance.options:
        found = traffic_class(words[0])
        if found is None or found[1] & 3 not in (0, 3):
            return None
        parts.append(_traffic_class(*found, negated))
    return all_of(*parts)


def _traffic_class(value: int, mask: int, negated: bool) -> Match:
    if value & ~mask:
        return ALWAYS if negated else NEVER
    parts: list[Match] = []
    if mask >> 2:
        classes = IntervalSet.of(*(v for v in range(64) if v & mask >> 2 == value >> 2))
        parts.append(signed(FieldIn(Field.DSCP, classes), negated))
    if mask & 3:
        parts.append(unmodelled("ecn", ("--ecn-ip-ect", (str(value & 3),), negated)))
    return any_of(*parts) if negated and mask else all_of(*parts)


_TOS_NAMES = {
    "minimize-delay": 0x10, "maximize-throughput": 0x08, "maximize-reliability": 0x04, "minimize-cost": 0x02,
    "normal-service": 0x00,
}  # fmt: skip


def traffic_class(text: str) -> tuple[int, int] | None:
    """Value and mask of `0x10/0x3f`, `0x10` and `Minimize-Delay` (tos_parse_symbolic() in libxt_TOS)."""
    if text.lower() in _TOS_NAMES:
        return _TOS_NAMES[text.lower()], 0x3F
    value, slash, mask = text.partition("/")
    low, high = number(value), number(mask) if slash else 0xFF
    return None if low is None or high is None or max(low, high) > 0xFF else (low, high)


def ttl(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        value = number(words[0])
        if value is None or value > 255:
            raise Refused("FW001", f"{words[0]!r} is no TTL")
        if name.endswith("-gt"):
            values = IntervalSet.range(value + 1, 255) if value < 255 else IntervalSet()
        elif name.endswith("-lt"):
            values = IntervalSet.range(0, value - 1) if value else IntervalSet()
        else:
            values = IntervalSet.of(value)
        parts.append(signed(FieldIn(Field.TTL, values), negated))
    return all_of(*parts)


def length(instance: Instance) -> Match | None:
    return all_of(
        *(signed(FieldIn(Field.LENGTH, _numbers(words[0], 65535)), negated) for _, words, negated in instance.options)
    )


def pkttype(instance: Instance) -> Match | None:
    kinds = {"unicast": 0, "host": 0, "broadcast": 1, "bcast": 1, "multicast": 2, "mcast": 2, "otherhost": 3}
    parts: list[Match] = []
    for _, words, negated in instance.options:
        if words[0] not in kinds:
            raise Refused("FW001", f"{words[0]!r} is no packet type", f"use one of {', '.join(kinds)}")
        parts.append(signed(FieldIn(Field.PKTTYPE, IntervalSet.of(kinds[words[0]])), negated))
    return all_of(*parts)


_FRAGMENT_TEST = re.compile(r"(?:0x)?0*4&0x3fff=(\w+)(?::(\w+))?")
"""The offset and the more-fragments bit of the IPv4 header: zero for a whole packet."""


def u32(instance: Instance) -> Match | None:
    if len(instance.options) != 1:
        return None
    _, words, negated = instance.options[0]
    found = _FRAGMENT_TEST.fullmatch(words[0].lower().replace(" ", ""))
    if found is None or instance.family is not Family.V4:
        return None
    low, high = number(found[1]), number(found[2] or found[1])
    if (low, high) not in ((1, 0x3FFF), (0, 0)):
        return None
    return signed(FieldIn(Field.FRAGMENT, IntervalSet.of(1 if low else 0)), negated)


def ipv6header(instance: Instance) -> Match | None:
    options = {name: (words, negated) for name, words, negated in instance.options}
    words, negated = options.get("--header", ((), False))
    if words not in (("ipv6-frag",), ("frag",)) or "--soft" not in options:
        return None
    return signed(FieldIn(Field.FRAGMENT, IntervalSet.of(1)), negated)


def frag(instance: Instance) -> Match | None:
    return None if instance.options else FieldIn(Field.FRAGMENT, IntervalSet.of(1))


# ----- host and time ---------------------------------------------------------

_DAYS = {"mo": 0, "tu": 1, "we": 2, "th": 3, "fr": 4, "sa": 5, "su": 6}


def time(instance: Instance) -> Match | None:
    """Windows of UTC, or with --kerneltz of local time (net/netfilter/xt_time.c); no days of the month."""
    given = {name: (words[0] if words else "") for name, words, _ in instance.options}
    known = {"--timestart", "--timestop", "--weekdays", "--datestart", "--datestop", "--kerneltz"}
    for option in ("--timestart", "--timestop"):
        if option in given and time_of_day(given[option]) is None:
            raise Refused("FW001", f"{given[option]!r} is no time of day", "write 08:30 or 17:00:59")
    unknown = [
        w for w in given.get("--weekdays", "").split(",") if w and not w.isdigit() and w[:2].lower() not in _DAYS
    ]
    if unknown:
        raise Refused("FW001", f"{unknown[0]!r} is no day", "use Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    if not given.keys() <= known or any(n for _, _, n in instance.options):
        return None
    windows = _windows(given)
    if windows is None:
        return None
    days: set[int] = set()
    for word in given["--weekdays"].split(",") if "--weekdays" in given else ():
        day = int(word) - 1 if word in ("1", "2", "3", "4", "5", "6", "7") else _DAYS.get(word[:2].lower())
        if day is None:
            return None
        days.add(day)
    dates = []
    for option, open_end in (("--datestart", _FIRST), ("--datestop", _LAST)):
        text = given.get(option, open_end)
        second = moment(text)
        if second is None:
            return None
        dates.append("" if text == open_end else moment_text(second))
    utc = "--kerneltz" not in given
    since, until = dates
    return any_of(*(TimeWindow(start, end, frozenset(days), since, until, utc) for start, end in windows))


_FIRST, _LAST = "1970-01-01T00:00:00", "2038-01-19T03:14:07"
"""What iptables-save writes for a period without beginning or end."""


def _windows(given: dict[str, str]) -> list[tuple[int | None, int | None]] | None:
    """The times of day, two of them around midnight; None where the kernel's reading is not that of the words."""
    if not given.keys() & {"--timestart", "--timestop"}:
        return [(None, None)]
    start, last = time_of_day(given.get("--timestart", "00:00")), time_of_day(given.get("--timestop", "23:59:59"))
    if start is None or last is None or start == last:  # equal times mean the whole day
        return None
    if start < last:
        return [(start, last + 1)]
    return [(start, DAY), (0, last + 1)]


def _is_id_range(word: str) -> bool:
    """`1000-1999`; a name may hold a hyphen too."""
    low, hyphen, high = word.partition("-")
    return bool(hyphen) and low.isdigit() and high.isdigit()


def owner(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        if name not in ("--uid-owner", "--gid-owner") or _is_id_range(words[0]):
            return None
        parts.append(signed(Owner("user" if name == "--uid-owner" else "group", (words[0],)), negated))
    return all_of(*parts)


def helper(instance: Instance) -> Match | None:
    return all_of(*(signed(HelperIs(words[0]), negated) for _, words, negated in instance.options))


def cgroup(instance: Instance) -> Match | None:
    if any(name != "--path" for name, _, _ in instance.options):
        return None
    return all_of(*(signed(CgroupIs(words[0]), negated) for _, words, negated in instance.options))


def ip_set(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        if name not in ("--match-set", "--set"):
            return None
        known = instance.sets.fields(words[0], words[1]) if instance.sets is not None else None
        fields = known or set_fields(words[1])
        if fields is None:
            return None
        bare = instance.sets.name(words[0]) if instance.sets is not None else words[0]
        parts.append(signed(SetRef(bare, fields), negated))
    return all_of(*parts)


def set_fields(directions: str) -> tuple[Field, ...] | None:
    """Without the set's type `src` is an address and a second `dst` a port, as in hash:ip and hash:ip,port."""
    words = directions.split(",")
    if not words or any(w not in ("src", "dst") for w in words) or len(words) > 2:
        return None
    first = Field.SADDR if words[0] == "src" else Field.DADDR
    if len(words) == 1:
        return (first,)
    return (first, Field.SPORT if words[1] == "src" else Field.DPORT)


def policy(instance: Instance) -> Match | None:
    given = {name: words[0] if words else "" for name, words, _ in instance.options}
    if given["--dir"] not in ("in", "out") or given["--pol"] not in ("ipsec", "none"):
        raise Refused("FW001", "policy takes --dir in or out and --pol ipsec or none")
    if given.keys() != {"--dir", "--pol"} or any(n for _, _, n in instance.options):
        return None
    field = Field.IPSEC if given["--dir"] == "in" else Field.IPSEC_OUT
    return FieldIn(field, IntervalSet.of(1 if given["--pol"] == "ipsec" else 0))


def rpfilter(instance: Instance) -> Match | None:
    """The language's condition is that the check *fails*."""
    names = {name for name, _, _ in instance.options}
    known = {"--loose", "--invert"} if instance.family is Family.V6 else {"--loose", "--invert", "--validmark"}
    if not names <= known:
        return None
    fails = ReversePathFails("--loose" in names, "--validmark" in names)
    return fails if "--invert" in names else negate(fails)


_ADDRESS_TYPES = frozenset(
    [
        "UNSPEC",
        "UNICAST",
        "LOCAL",
        "BROADCAST",
        "ANYCAST",
        "MULTICAST",
        "BLACKHOLE",
        "UNREACHABLE",
        "PROHIBIT",
        "THROW",
        "NAT",
        "XRESOLVE",
    ]
)


def addrtype(instance: Instance) -> Match | None:
    parts: list[Match] = []
    for name, words, negated in instance.options:
        if name not in ("--src-type", "--dst-type"):
            return None
        kinds = words[0].upper().split(",")
        unknown = [kind for kind in kinds if kind not in _ADDRESS_TYPES]
        if unknown:
            raise Refused("FW001", f"{unknown[0]!r} is no address type", "use LOCAL, BROADCAST, MULTICAST, UNICAST")
        if not _modelled(kinds, instance.family):
            return None
        field = Field.SADDR if name == "--src-type" else Field.DADDR
        parts.append(signed(any_of(*(_address_type(kind, field, instance.family) for kind in kinds)), negated))
    return all_of(*parts)


def _modelled(kinds: list[str], family: Family) -> bool:
    """ip6tables asks for several types at once where iptables asks for one of them, and looks the rarer ones up in its own
    way (net/netfilter/xt_addrtype.c, match_type6())."""
    if family is Family.V6:
        return kinds in (["LOCAL"], ["MULTICAST"])
    return all(kind == "MULTICAST" or kind.lower() in ADDRESS_TYPES for kind in kinds)


def _address_type(kind: str, field: Field, family: Family) -> Match:
    if kind == "MULTICAST":
        return FieldIn(field, MULTICAST.only(family))
    return AddressTypeIs(field, kind.lower())
