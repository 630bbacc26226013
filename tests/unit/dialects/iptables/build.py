"""Short words for IR in the tests of this directory."""

from __future__ import annotations

from fwc.dialects.base import LowerOptions
from fwc.dialects.iptables import dialect
from fwc.dialects.iptables.tree import IptablesTree
from fwc.ir.match import Field, FieldIn
from fwc.ir.model import Base, Chain, NamedSet, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import ACCEPT, DROP, Verdict
from fwc.net.addresses import AddressSet, parse_address, prefix_run
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet, Run
from fwc.source import SourceFile


def net(*texts: str) -> AddressSet:
    v4: list[Run] = []
    v6: list[Run] = []
    for text in texts:
        address, _, length = text.partition("/")
        parsed = parse_address(address)
        assert parsed is not None
        family, value = parsed
        run = prefix_run(value, int(length) if length else family.bits, family.bits)
        (v4 if family is Family.V4 else v6).append(run)
    return AddressSet(IntervalSet(v4), IntervalSet(v6))


def proto(*numbers: int) -> FieldIn:
    return FieldIn(Field.PROTOCOL, IntervalSet.of(*numbers))


def dport(*ports: int | Run) -> FieldIn:
    return FieldIn(Field.DPORT, IntervalSet((p, p) if isinstance(p, int) else p for p in ports))


def saddr(*texts: str) -> FieldIn:
    return FieldIn(Field.SADDR, net(*texts))


def daddr(*texts: str) -> FieldIn:
    return FieldIn(Field.DADDR, net(*texts))


def iif(*names: str) -> FieldIn:
    return FieldIn(Field.IIF, IfaceSet.of(names))


def oif(*names: str) -> FieldIn:
    return FieldIn(Field.OIF, IfaceSet.of(names))


def base(
    hook: Hook = Hook.INPUT, priority: int = 0, kind: ChainType = ChainType.FILTER, policy: Verdict = DROP
) -> Base:
    return Base(hook, kind, priority, policy)


def ruleset(*chains: Chain, sets: tuple[NamedSet, ...] = (), settings: Settings | None = None) -> Ruleset:
    return Ruleset((Table("fwc", "inet", chains, sets),), settings=settings or Settings())


def of_input(*rules: Rule, sets: tuple[NamedSet, ...] = ()) -> Ruleset:
    return ruleset(Chain("input", rules, base()), sets=sets)


def nat(hook: Hook, *rules: Rule) -> Ruleset:
    priority = -100 if hook in (Hook.PREROUTING, Hook.OUTPUT) else 100
    return ruleset(Chain("nat", rules, base(hook, priority, ChainType.NAT, ACCEPT)))


def lowered(of: Ruleset, options: LowerOptions | None = None) -> IptablesTree:
    tree, found = dialect.lower(of, options or LowerOptions())
    assert tree is not None, [d.message for d in found]
    return tree


def lines(of: Ruleset, family: int = 4, options: LowerOptions | None = None) -> list[str]:
    """The -A lines of one family."""
    files = {f.name: f.text for f in dialect.print(lowered(of, options))}
    return [line for line in files[f"rules.v{family}"].splitlines() if line.startswith("-A")]


def refused(of: Ruleset) -> list[str]:
    """The messages of a compile that must fail."""
    tree, found = dialect.lower(of, LowerOptions())
    assert tree is None
    assert {d.code for d in found} == {"FW031"}
    return [d.message for d in found]


def read(text: str, name: str = "rules.v4") -> tuple[Ruleset, list[str]]:
    """Lifted text, and the codes of what was found."""
    tree, found = dialect.parse(SourceFile(name, text))
    lifted, more = dialect.lift(tree)
    return lifted, sorted(d.code for d in [*found, *more])


def rule_of(line: str, table: str = "filter", chain: str = "INPUT", name: str = "rules.v4") -> Rule:
    """The only rule of a table with one line."""
    lifted, found = read(f"*{table}\n-A {chain} {line}\nCOMMIT\n", name)
    assert not found, found
    return next(c for c in lifted.tables[0].chains if c.name == chain).rules[0]
