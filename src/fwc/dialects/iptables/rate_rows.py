"""What the options of the match modules that count mean: rates, connections, chance, recent addresses."""

from __future__ import annotations

from fractions import Fraction

from fwc.dialects.iptables.match_rows import Instance, Refused, mask_length, signed
from fwc.dialects.iptables.numbers import number
from fwc.ir.match import Chance, EveryNth, Field, Match, Per, Recent, RecentAct, WithinConnections, WithinRate
from fwc.net.addresses import parse_address
from fwc.net.hooks import Family

_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}


def rate(text: str) -> tuple[int, int] | None:
    """(amount, seconds) of `10/min`; iptables takes every beginning of second, minute, hour and day."""
    amount, slash, unit = text.partition("/")
    if not amount.isascii() or not amount.isdigit() or not int(amount):
        return None
    if not slash:
        return int(amount), 1
    for name in ("second", "minute", "hour", "day"):
        if unit and name.startswith(unit.lower()):
            return int(amount), _SECONDS[name]
    return None


def limit(instance: Instance) -> Match | None:
    given = {name: words[0] for name, words, _ in instance.options}
    found = rate(given.get("--limit", "3/hour"))
    burst = given.get("--limit-burst", "5")
    if any(negated for _, _, negated in instance.options):
        raise Refused("FW001", "the limit match cannot be negated", "use hashlimit --hashlimit-above")
    if found is None:
        raise Refused("FW001", f"{given.get('--limit')!r} is no rate", "write 10/min")
    if found[0] > 10_000 * found[1]:
        raise Refused("FW001", "the limit match counts up to 10000 packets a second")
    if not burst.isdigit() or int(burst) > 10_000:
        raise Refused("FW001", f"{burst!r} is no burst", "write a number up to 10000")
    return WithinRate(found[0], found[1], int(burst))


_KNOWN_WORDS = "upto above burst mode name srcmask dstmask"
_HASH_KNOWN = frozenset({"--hashlimit", *(f"--hashlimit-{word}" for word in _KNOWN_WORDS.split())})
_PER = {"": Per.ALL, "srcip": Per.SOURCE, "dstip": Per.DESTINATION}


def hashlimit(instance: Instance) -> Match | None:
    given = {name: (words[0] if words else "", negated) for name, words, negated in instance.options}
    mode = given.get("--hashlimit-mode", ("", False))[0]
    if mode and not set(mode.split(",")) <= {"srcip", "dstip", "srcport", "dstport"}:
        raise Refused("FW001", f"{mode!r} is no mode of hashlimit", "use srcip, dstip, srcport, dstport")
    if not given.keys() <= _HASH_KNOWN or mode not in _PER:
        return None
    over, text = False, ""
    for name in ("--hashlimit", "--hashlimit-upto", "--hashlimit-above"):
        if name in given:
            text, negated = given[name]
            over = (name == "--hashlimit-above") is not negated
    per = _PER[mode]
    side = "--hashlimit-srcmask" if per is Per.SOURCE else "--hashlimit-dstmask"
    mask = given.get(side, (str(instance.family.bits), False))[0]
    if not mask.isdigit() or (per is Per.ALL and ("--hashlimit-srcmask" in given or "--hashlimit-dstmask" in given)):
        return None
    masks = (int(mask), 128) if instance.family is Family.V4 else (32, int(mask))
    name = given.get("--hashlimit-name", ("", False))[0]
    burst = given.get("--hashlimit-burst", ("", False))[0]
    return _bucket(text, burst, per, masks, name, over)


def _bucket(text: str, burst: str, per: Per, masks: tuple[int, int], name: str, over: bool) -> Match | None:
    found = rate(text)
    if found is not None:
        if burst and not burst.isdigit():
            return None
        return WithinRate(found[0], found[1], int(burst or 5), "packets", per, masks[0], masks[1], name, over)
    amount = _bytes(text.removesuffix("/s").removesuffix("/sec").removesuffix("/second"))
    if amount is None:
        return None
    size = _bytes(burst) if burst else amount
    return None if size is None else WithinRate(amount, 1, size, "bytes", per, masks[0], masks[1], name, over)


def _bytes(text: str) -> int | None:
    for suffix, factor in (("mb", 1 << 20), ("kb", 1 << 10), ("b", 1)):
        if text.lower().endswith(suffix) and text[: -len(suffix)].isdigit():
            return int(text[: -len(suffix)]) * factor
    return None


def connlimit(instance: Instance) -> Match | None:
    given = {name: (words[0] if words else "", negated) for name, words, negated in instance.options}
    name = "--connlimit-upto" if "--connlimit-upto" in given else "--connlimit-above"
    text, negated = given.get(name, ("", False))
    mask = given.get("--connlimit-mask", (str(instance.family.bits), False))[0]
    bits = mask_length(mask, instance.family)
    if not text.isdigit() or bits is None:
        return None
    over = (name == "--connlimit-above") is not negated
    per = Per.ALL if bits == 0 else Per.DESTINATION if "--connlimit-daddr" in given else Per.SOURCE
    masks = (bits, 128) if instance.family is Family.V4 else (32, bits)
    if per is Per.ALL:
        masks = (32, 128)
    return WithinConnections(int(text), per, masks[0], masks[1], "", over)


def statistic(instance: Instance) -> Match | None:
    given = {name: (words[0], negated) for name, words, negated in instance.options}
    if given.get("--mode", ("", False))[0] == "nth":
        return _nth(given)
    if given.keys() != {"--mode", "--probability"} or given["--mode"][0] != "random":
        raise Refused("FW001", "statistic takes --mode random --probability, or --mode nth --every --packet")
    text, negated = given["--probability"]
    try:
        share = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise Refused("FW001", f"{text!r} is no probability", "write a number from 0 to 1") from None
    if not 0 <= share <= 1:
        raise Refused("FW001", f"{text!r} is no probability", "write a number from 0 to 1")
    return signed(Chance(round(share * 1_000_000)), negated)


def _nth(given: dict[str, tuple[str, bool]]) -> Match | None:
    if given.keys() != {"--mode", "--every", "--packet"}:
        raise Refused("FW001", "--mode nth needs --every and --packet", "write --packet 0")
    every, packet = number(given["--every"][0]), number(given["--packet"][0])
    if every is None or every < 1 or packet is None or packet >= every:
        raise Refused("FW001", "--every takes a number from 1 on, and --packet a smaller one")
    return signed(EveryNth(every, packet), given["--every"][1])


_RECENT_ACTS = {f"--{act.value}": act for act in RecentAct}


def recent(instance: Instance) -> Match | None:
    given = {name: (words[0] if words else "", negated) for name, words, negated in instance.options}
    acts = [name for name in given if name in _RECENT_ACTS]
    if len(acts) != 1:
        raise Refused("FW001", "the match recent takes one of --set, --rcheck, --update and --remove")
    act, negated = _RECENT_ACTS[acts[0]], given[acts[0]][1]
    seconds, hits = number(given.get("--seconds", ("0", False))[0]), number(given.get("--hitcount", ("0", False))[0])
    if seconds is None or hits is None or ("--seconds" in given and not seconds):
        raise Refused("FW001", "--seconds and --hitcount take a number")
    if act in (RecentAct.SET, RecentAct.REMOVE) and given.keys() & {"--seconds", "--hitcount", "--rttl"}:
        text = f"--seconds, --hitcount and --rttl do not go with --{act.value}"
        raise Refused("FW001", text, "use --update or --rcheck")
    if "--reap" in given and not seconds:
        raise Refused("FW001", "--reap needs --seconds")
    bits = instance.family.bits
    mask = (instance.family, (1 << bits) - 1)
    if "--mask" in given:
        found = parse_address(given["--mask"][0])
        if found is None or found[0] is not instance.family:
            raise Refused("FW001", f"{given['--mask'][0]!r} is no mask")
        mask = found
    side = Field.DADDR if "--rdest" in given else Field.SADDR
    name = given.get("--name", ("DEFAULT", False))[0]
    match = Recent(name, act, side, mask[1], seconds, hits, "--rttl" in given, "--reap" in given)
    return signed(match, negated)
