"""Rates, connection counts and their units, as iptables words."""

from __future__ import annotations

import dataclasses

from fwc.dialects.iptables.names import HASHLIMIT_LENGTH, clean, cut
from fwc.dialects.iptables.tree import Words
from fwc.errors import FwcError
from fwc.ir.match import AllOf, AnyOf, Match, Not, Per, WithinConnections, WithinRate
from fwc.net.hooks import Family

UNITS = ((1, "sec"), (60, "min"), (3600, "hour"), (86400, "day"))
LIMIT_SCALE = 10_000
"""XT_LIMIT_SCALE: `limit` counts in 1/10000 of a second, so it knows no more than 10,000 a second."""
HASHLIMIT_SCALE = 1_000_000
MAX_BURST = {"limit": 10_000, "hashlimit": 1_000_000}


class BadRate(FwcError):
    """The rate does not fit; the text says why."""


def rate_text(amount: int, seconds: int, scale: int) -> str:
    """`10/min`. Exact, or BadRate."""
    for unit, name in UNITS:
        if amount * unit % seconds == 0 and (seconds <= unit or unit == UNITS[-1][0]):
            number = amount * unit // seconds
            if number > scale * unit or number >= 1 << 32:
                raise BadRate(f"iptables cannot measure more than {scale} packets a second")
            return f"{number}/{name}"
    raise BadRate(f"iptables cannot express {amount} in {seconds} seconds exactly: use a second, minute, hour or day")


def rate_words(rate: WithinRate, negated: bool, family: Family) -> Words:
    """The token bucket as `-m limit` where it can, else `-m hashlimit`. Raises BadRate."""
    over = rate.over is not negated
    if rate.per is Per.ALL and not over and rate.unit == "packets" and rate.burst <= MAX_BURST["limit"]:
        text = rate_text(rate.amount, rate.seconds, LIMIT_SCALE)
        burst: Words = ("--limit-burst", str(rate.burst)) if rate.burst != 5 else ()
        return ("-m", "limit", "--limit", text, *burst)
    words = ["-m", "hashlimit", "--hashlimit-above" if over else "--hashlimit-upto", *_amount(rate)]
    if rate.per is not Per.ALL:
        source = rate.per is Per.SOURCE
        words += ["--hashlimit-mode", "srcip" if source else "dstip"]
        bits = rate.mask4 if family is Family.V4 else rate.mask6
        if bits != family.bits:
            words += ["--hashlimit-srcmask" if source else "--hashlimit-dstmask", str(bits)]
    words += ["--hashlimit-name", bucket_name(rate, family)]
    return tuple(words)


def _amount(rate: WithinRate) -> list[str]:
    if rate.burst > MAX_BURST["hashlimit"] and rate.unit == "packets":
        raise BadRate(f"iptables takes a burst of at most {MAX_BURST['hashlimit']}")
    if rate.unit == "packets":
        text = rate_text(rate.amount, rate.seconds, HASHLIMIT_SCALE)
        return [text, "--hashlimit-burst", str(rate.burst)]
    if rate.amount % rate.seconds:
        raise BadRate("iptables measures whole bytes a second")
    number = rate.amount // rate.seconds
    if number < 16 or number >= 1 << 32:
        raise BadRate("iptables measures between 16 bytes and 4 gigabytes a second")
    words = [f"{number}b/s"]
    if rate.burst > number:
        words += ["--hashlimit-burst", f"{rate.burst}b"]
    return words


def with_own_names(match: Match, name: str) -> Match:
    """The condition with a name for each bucket that has none: the kernel keeps them by name (xt_hashlimit.c)."""
    match match:
        case WithinRate(name=""):
            return dataclasses.replace(match, name=name)
        case Not(inner):
            named = with_own_names(inner, name)
            return match if named is inner else Not(named)
        case AllOf(parts) | AnyOf(parts):
            new = tuple(with_own_names(part, f"{name}-{at}" if at else name) for at, part in enumerate(parts))
            return match if all(a is b for a, b in zip(new, parts, strict=True)) else type(match)(new)
        case _:
            return match


def bucket_name(rate: WithinRate, family: Family) -> str:
    """Unique per bucket and family: two rules with the same name would share one table."""
    wish = rate.name or f"r{rate.amount}_{rate.seconds}_{rate.burst}_{rate.per.value}"
    suffix = "6" if family is Family.V6 else ""
    return cut(clean(wish).replace("_", "-"), HASHLIMIT_LENGTH - len(suffix)) + suffix


def connection_words(match: WithinConnections, negated: bool, family: Family) -> Words:
    """`--connlimit-upto N` counts the new connection too, as the policy does."""
    over = match.over is not negated
    bits = match.mask4 if family is Family.V4 else match.mask6
    mask = 0 if match.per is Per.ALL else bits
    side = "--connlimit-daddr" if match.per is Per.DESTINATION else "--connlimit-saddr"
    option = "--connlimit-above" if over else "--connlimit-upto"
    return ("-m", "connlimit", option, str(match.count), "--connlimit-mask", str(mask), side)
