"""Token buckets and connection counts as nft statements."""

from __future__ import annotations

from fwc.dialects.nft import tree as t
from fwc.dialects.nft.names import Refused
from fwc.dialects.nft.words import UNITS
from fwc.ir.match import Per, WithinConnections, WithinRate
from fwc.net.addresses import format_address
from fwc.net.hooks import Family

METER_SIZE = 65535


def limit_statement(rate: WithinRate) -> t.Limit:
    """`limit rate ...` with the largest unit that says the rate exactly."""
    amount, unit = _per_unit(rate.amount, rate.seconds)
    if rate.unit == "bytes":
        # the kernel's bucket for bytes holds rate + burst (net/netfilter/nft_limit.c, nft_limit_init)
        return t.Limit(rate.over, amount, "bytes", unit, max(rate.burst, 0), "bytes")
    return t.Limit(rate.over, amount, "", unit, rate.burst, "packets")


def _per_unit(amount: int, seconds: int) -> tuple[int, str]:
    for unit, size in UNITS.items():
        if size == seconds:
            return amount, unit
    for unit, size in UNITS.items():
        if amount * size % seconds == 0:
            return amount * size // seconds, unit
    raise Refused(f"{amount} per {seconds} seconds", "use a rate per second, minute, hour, day or week")


def refill_seconds(rate: WithinRate) -> int:
    """After this time without packets a bucket is full, so forgetting it changes nothing; at least a minute."""
    return max(60, -(-rate.burst * rate.seconds // rate.amount))


def meter_key(per: Per, mask4: int, mask6: int, family: Family) -> t.Expr:
    side = "saddr" if per is Per.SOURCE else "daddr"
    field = t.Selector(f"{'ip' if family is Family.V4 else 'ip6'} {side}")
    length = mask4 if family is Family.V4 else mask6
    if length >= family.bits:
        return field
    if length <= 0:
        raise Refused("a bucket per prefix of no bits", "leave `per` away")
    mask = ((1 << length) - 1) << (family.bits - length)
    return t.Operation("&", field, t.Word(format_address(family, mask)))


def rate_key(state: WithinRate | WithinConnections, family: Family) -> t.Expr:
    return meter_key(state.per, state.mask4, state.mask6, family)
