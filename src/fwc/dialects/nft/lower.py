"""IR to tree: every table of a ruleset as one atomic, idempotent transaction on its own table."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, error, has_errors
from fwc.dialects.base import LowerOptions
from fwc.dialects.nft import tree as t
from fwc.dialects.nft.builder import TableBuilder
from fwc.dialects.nft.names import Refused, header_text
from fwc.ir.model import Chain, NativeText, Ruleset, Table
from fwc.ir.verdict import Drop
from fwc.net.hooks import (
    PRIORITY_DSTNAT,
    PRIORITY_FILTER,
    PRIORITY_MANGLE,
    PRIORITY_RAW,
    PRIORITY_SECURITY,
    PRIORITY_SRCNAT,
    ChainType,
    Hook,
)

_FAMILIES = ("inet", "ip", "ip6")


def lower(ruleset: Ruleset, options: LowerOptions) -> tuple[t.Tree | None, list[Diagnostic]]:
    """The tree, or None when something cannot be expressed; every such place is reported."""
    out: list[Diagnostic] = []
    items: list[t.Item] = [t.Remark("!/usr/sbin/nft -f")]
    items.extend(t.Remark(header_text(line)) for line in options.header)
    natives = [n for n in ruleset.natives if n.target in ("nft", "nftables")]
    for native in ruleset.natives:
        if native.target not in ("nft", "nftables"):
            out.append(
                error(
                    "FW031",
                    f"native text for {native.target} cannot be compiled for nftables",
                    native.origin.span,
                    help=f"put it inside `when target {native.target} {{ ... }}`",
                )
            )
    items.extend(t.Native(n.text.strip("\n")) for n in natives if n.place == "options")
    used: set[int] = set()
    for table in _merged(ruleset.tables):
        if table.family not in _FAMILIES:
            out.append(error("FW031", f"a table of family `{table.family}` cannot be written", table.origin.span))
            continue
        items.extend(_table(table, ruleset, natives, used, out))
    for index, native in enumerate(natives):
        if native.place != "options" and index not in used:
            out.append(
                error(
                    "FW031",
                    f"there is no place `{native.place}` in the nftables output",
                    native.origin.span,
                    help="places: options, table, input-start, input-end, forward-start, forward-end, output-start, output-end",
                )
            )
    return (None if has_errors(out) else t.Tree(tuple(items))), out


def _merged(tables: tuple[Table, ...]) -> Iterator[Table]:
    """Tables whose family and name are the same for nft (iptables' filter and nat of one family) keep apart by kind."""
    for table in tables:
        if table.kind and table.kind != table.name:
            yield Table(f"{table.name}_{table.kind}", table.family, table.chains, table.sets, "", table.origin)
        else:
            yield table


def _table(
    table: Table, ruleset: Ruleset, natives: list[NativeText], used: set[int], out: list[Diagnostic]
) -> Iterator[t.Item]:
    builder = TableBuilder(table, ruleset, out)
    chains = []
    for chain in table.chains:
        body = builder.chain_body(chain)
        start, end = _native_ends(chain, natives, used)
        chains.append(
            t.ChainNode(
                builder.chain(chain.name),
                (*start, *body, *end),
                hooking(chain, table.family),
                "" if chain.base is None else "drop" if isinstance(chain.base.policy, Drop) else "accept",
            )
        )
    verbatim: list[t.TableItem] = []
    for index, native in enumerate(natives):
        if native.place == "table":
            used.add(index)
            verbatim.append(t.Native(native.text.strip("\n")))
    name = builder.table_name
    yield t.Command("add", "table", table.family, name)
    yield t.Command("delete", "table", table.family, name)
    yield t.TableNode(
        table.family, name, (*builder.objects(), *builder.sets(), *verbatim, *chains, *builder.extra_chains())
    )


def _native_ends(chain: Chain, natives: list[NativeText], used: set[int]) -> tuple[list[t.Native], list[t.Native]]:
    start: list[t.Native] = []
    end: list[t.Native] = []
    base = chain.base
    if base is None or base.type is not ChainType.FILTER or base.priority != PRIORITY_FILTER:
        return start, end
    for index, native in enumerate(natives):
        if native.place == f"{base.hook.value}-start":
            used.add(index)
            start.append(t.Native(native.text))
        elif native.place == f"{base.hook.value}-end":
            used.add(index)
            end.append(t.Native(native.text))
    return start, end


def hooking(chain: Chain, family: str) -> t.Hooking | None:
    base = chain.base
    if base is None:
        return None
    if base.hook in (Hook.PF_IN, Hook.PF_OUT):
        raise Refused(f"the hook `{base.hook.value}`")
    names = {
        PRIORITY_RAW: "raw",
        PRIORITY_MANGLE: "mangle",
        PRIORITY_FILTER: "filter",
        PRIORITY_SECURITY: "security",
    }
    if base.hook is Hook.PREROUTING:
        names[PRIORITY_DSTNAT] = "dstnat"
    if base.hook is Hook.POSTROUTING:
        names[PRIORITY_SRCNAT] = "srcnat"
    devices = (base.device,) if base.device else ()
    return t.Hooking(base.type.value, base.hook.value, base.priority, names.get(base.priority, ""), devices)
