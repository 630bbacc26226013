"""What was printed is read back and compared with the policy, before a byte is written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType

from fwc.analysis.equivalence import Difference, compare
from fwc.analysis.programs import Programs
from fwc.diagnostics import Diagnostic, Severity, error, has_errors
from fwc.dialects.base import OutputFile
from fwc.dialects.registry import load_dialect
from fwc.errors import InternalError
from fwc.ir.match import Values, WithinConnections, WithinRate
from fwc.ir.model import Base, Chain, NamedSet, NativeText, Ruleset, Table
from fwc.ir.verdict import ACCEPT, AssignHelper
from fwc.ir.walk import match_nodes, only_compares, rules
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.asked import asking
from fwc.passes.comparable import comparable
from fwc.source import SourceFile

RULESETS = ("nftables.conf", "rules.v4", "rules.v6", "ipset.conf", "pf.conf", "pf.anchor")
"""Output files that hold rules and sets; the others are scripts that load them."""

_STRANGE = "FW008"
"""ICMP of the other family: pointless, but it loads, and a converted ruleset may have said so."""

_HOOK_LINE = re.compile(
    r"^(?P<tool>ip6?tables) -w .*-w (?:-t (?P<table>\w+) )?(?:-I (?P<first>[A-Z]+) 1|-A (?P<last>[A-Z]+)) "
    r"-j (?P<chain>\S+)$",
    re.M,
)
"""How the script of `coexist` puts a chain where it belongs."""


def read_back(target: str, files: Sequence[OutputFile], policy: Ruleset) -> Ruleset:
    """The IR of emitted text. Zones and own addresses come from the policy: the text of a target does not hold them.

    Raises InternalError when fwc cannot read its own output.
    """
    lifted, found = _read(target, files)
    if has_errors(found):
        raise InternalError(f"cannot read back: {_first_error(found)}")
    tables = lifted.tables
    for file in files:
        if file.executable:
            tables = _hooked(tables, file.text)
    return dataclasses.replace(
        lifted, tables=tables, zones=policy.zones, own_addresses=policy.own_addresses, settings=policy.settings
    )


def _read(target: str, files: Sequence[OutputFile]) -> tuple[Ruleset, list[Diagnostic]]:
    dialect = load_dialect(target)
    sources = [SourceFile(file.name, file.text) for file in files if file.name in RULESETS]
    tree, diagnostics = dialect.parse_all(sources)
    lifted, more = dialect.lift(tree)
    return lifted, [each for each in (*diagnostics, *more) if each.code != _STRANGE]


def native_mistakes(target: str, files: Sequence[OutputFile], policy: Ruleset) -> list[Diagnostic]:
    """What the target's reader refuses of native text, at the statement that it stands in."""
    if not policy.natives:
        return []
    found = []
    for problem in _read(target, files)[1]:
        span = problem.primary.span if problem.primary is not None else None
        if problem.severity is not Severity.ERROR or span is None:
            continue
        line = " ".join(span.file.text.splitlines()[span.line - 1].split())
        for native in policy.natives:
            text = _written(native, line)
            if text:
                message = f"{target} does not take the native text `{text[:80]}`: {problem.message}"
                found.append(error("FW031", message, native.origin.span, help=problem.help, name="lossy-compile"))
    return list(dict.fromkeys(found))


def _written(native: NativeText, line: str) -> str:
    """The text of which a line of an output was made; iptables has the chain before it."""
    texts = (" ".join(each.split()).removeprefix("-4 ").removeprefix("-6 ") for each in native.text.splitlines())
    return next((text for text in texts if text and f" {line}".endswith(f" {text}")), "")


def _hooked(tables: tuple[Table, ...], script: str) -> tuple[Table, ...]:
    """Chains that the script hooks into a builtin chain, as base chains. What they return goes on to the rules of other
    programs, so for us it is accepted."""
    from fwc.dialects.iptables.builtin import attachment

    out = []
    for table in tables:
        tool = "ip6tables" if table.family == "ip6" else "iptables"
        hooks = {
            m["chain"]: attachment(table.kind, m["first"] or m["last"])
            for m in _HOOK_LINE.finditer(script)
            if m["tool"] == tool and (m["table"] or "filter") == table.kind
        }
        chains = tuple(
            dataclasses.replace(c, base=Base(*hooks[c.name], ACCEPT)) if c.name in hooks else c for c in table.chains
        )
        out.append(dataclasses.replace(table, chains=chains))
    return tuple(out)


def prove(
    target: str,
    files: Sequence[OutputFile],
    policy: Ruleset,
    known: Mapping[Family, Programs] = MappingProxyType({}),
) -> None:
    """Raise InternalError unless the emitted text treats every packet as `policy` does, with a packet that shows it.

    `known` is what was worked out of the policy before, so that it is not done twice.
    """
    wanted, lifted = load_dialect(target).proof_terms(policy, read_back(target, files, policy))
    found = difference(target, policy, wanted, lifted, known)
    if found is not None:
        text = found if isinstance(found, str) else found.describe()
        raise InternalError(f"the {target} output does not mean what the policy means: {text}")


def difference(
    target: str,
    policy: Ruleset,
    wanted: Ruleset,
    lifted: Ruleset,
    known: Mapping[Family, Programs] = MappingProxyType({}),
) -> Difference | str | None:
    """What shows that text of `target`, read as `lifted`, does not mean `wanted`, which is `policy` in the terms of the target:
    packets, or what is wrong with a set. `known` is what was worked out of the policy before."""
    for family, names in policy_names(policy, target, lifted, policy.settings.families).items():
        spelled = _Spelled(names, cut=target == "iptables")
        left = comparable(wanted, family, lambda name: name)
        right = comparable(lifted, family, spelled)
        left, right = asking(left, right)
        found = compare(left, right, families=(family,), known=known)
        if found is None and any_before_tracking(left, right):
            found = compare(before_tracking(left), before_tracking(right), families=(family,))
        problem = found or spelled.shared() or _other_sets(wanted, lifted, spelled, KEEPS[target])
        if problem:
            return problem
    return None


CONNECTION_TRACKING = -200
"""Priority of connection tracking in prerouting and output (NF_IP_PRI_CONNTRACK): what runs before it sees no state."""


def _is_before_tracking(chain: Chain) -> bool:
    base = chain.base
    return base is not None and base.hook in (Hook.PREROUTING, Hook.OUTPUT) and base.priority < CONNECTION_TRACKING


def any_before_tracking(*rulesets: Ruleset) -> bool:
    return any(_is_before_tracking(c) for ruleset in rulesets for table in ruleset.tables for c in table.chains)


def _without_helpers(chain: Chain) -> Chain:
    """A helper is attached when the connection is made, on whichever side of tracking it is asked for (nft behind it, iptables
    before it)."""
    rules = tuple(
        dataclasses.replace(r, actions=tuple(a for a in r.actions if not isinstance(a, AssignHelper)))
        for r in chain.rules
    )
    return dataclasses.replace(chain, rules=rules)


def before_tracking(ruleset: Ruleset) -> Ruleset:
    """Only the chains that packets meet before connection tracking, and what those call.

    The order of chains says nothing of where the kernel's own hooks stand between them.
    """
    tables = tuple(
        dataclasses.replace(
            t, chains=tuple(_without_helpers(c) for c in t.chains if c.base is None or _is_before_tracking(c))
        )
        for t in ruleset.tables
    )
    return dataclasses.replace(ruleset, tables=tables)


class _Spelled:
    """The policy's name of each emitted set or bucket of one family, and which emitted names were taken for it."""

    def __init__(self, names: dict[str, str], cut: bool) -> None:
        self.names = names
        self.cut = cut
        self.emitted: dict[str, set[str]] = {}

    def __call__(self, emitted: str) -> str:
        name = _policy_name(emitted, self.names, self.cut)
        if name is None:  # another family's, or somebody else's
            return emitted
        self.emitted.setdefault(name, set()).add(emitted)
        return name

    def shared(self) -> str:
        """What is wrong when two emitted sets stand for one of the policy; empty when none do."""
        for name, emitted in sorted(self.emitted.items()):
            if len(emitted) > 1:
                return f"@{name} is kept in {' and '.join(sorted(emitted))}"
        return ""


KEEPS = {
    "nftables": frozenset({"timeout", "elements"}),
    "iptables": frozenset({"timeout"}),
    "pf": frozenset[str](),
}
"""What the text of a target says of a run-time set, and reading it back keeps."""


def _other_sets(wanted: Ruleset, lifted: Ruleset, spelled: _Spelled, keeps: frozenset[str]) -> str:
    """What is wrong with the declarations of run-time sets: a wrong life time, other first members."""
    found: dict[str, list[NamedSet]] = {}
    for table in lifted.tables:
        for each in table.sets:
            if each.runtime:
                found.setdefault(spelled(each.name), []).append(each)
    for table in wanted.tables:
        for mine in table.sets:
            for other in found.get(mine.name, ()) if mine.runtime else ():
                if "timeout" in keeps and other.timeout != mine.timeout:
                    return f"members of @{mine.name} live {other.timeout} seconds, not {mine.timeout}"
                if "elements" in keeps and _members(other) != _members(mine):
                    return f"@{mine.name} begins with other members"
    return ""


def _members(each: NamedSet) -> object:
    """The first members of a set, however they are grouped: by family, runs of each field as long as the other fields allow."""
    return {family: _joined([row for e in each.elements if all(row := _row(e, family))]) for family in Family}


_Cell = IntervalSet | IfaceSet


def _row(element: Sequence[Values], family: Family) -> tuple[_Cell, ...]:
    return tuple(values.family(family) if isinstance(values, AddressSet) else values for values in element)


def _joined(rows: Sequence[tuple[_Cell, ...]]) -> frozenset[tuple[_Cell, ...]]:
    """Rows of single runs, then joined field by field."""
    cells = [[_runs(cell) for cell in row] for row in rows]
    found = {split for row in cells for split in product(*row)}
    for at in range(len(rows[0]) if rows else 0):
        groups: dict[tuple[_Cell, ...], list[_Cell]] = {}
        for row in found:
            groups.setdefault((*row[:at], *row[at + 1 :]), []).append(row[at])
        found = {(*others[:at], cell, *others[at:]) for others, mine in groups.items() for cell in _union(mine)}
    return frozenset(found)


def _runs(cell: _Cell) -> Sequence[_Cell]:
    return [cell] if isinstance(cell, IfaceSet) else [IntervalSet.trusted((run,)) for run in cell.runs]


def _union(cells: Sequence[_Cell]) -> Iterable[_Cell]:
    runs = [run for cell in cells if isinstance(cell, IntervalSet) for run in cell.runs]
    names = {cell for cell in cells if isinstance(cell, IfaceSet)}
    return (*names, *([IntervalSet(runs)] if runs else ()))


def set_names(policy: Ruleset, target: str, emitted: Ruleset) -> Callable[[str], str]:
    """From the names of emitted sets and buckets to the policy's."""
    tables = policy_names(policy, target, emitted, policy.settings.families)

    def name(given: str) -> str:
        found = (_policy_name(given, names, target == "iptables") for names in tables.values())
        return next((each for each in found if each is not None), given)

    return name


def policy_names(
    policy: Ruleset, target: str, emitted: Ruleset, families: Sequence[Family]
) -> dict[Family, dict[str, str]]:
    """The policy's run-time sets and buckets by the names that they can have in `emitted` for each family, `-` written as `_`.

    What holds addresses has one of each family, which targets tell apart by a final digit (hashlimit has none for IPv4).
    Reading takes the digit off where it can do so clearly, and a ruleset of one family may have none: the bare name counts
    where no name with a digit is there.
    """
    buckets = list(_buckets(policy))
    names = list(dict.fromkeys([*_sets(policy), *buckets]))
    out: dict[Family, dict[str, str]] = {family: {} for family in families}
    if not names:
        return out
    found = {_plain(name) for name in [*_sets(emitted), *_buckets(emitted)]}
    for family in families:
        bare = frozenset(buckets) if target == "iptables" and family is Family.V4 else frozenset()
        spelled = out[family] = {
            ended: name for name in names if name not in bare and (ended := f"{_plain(name)}{family.value}") in found
        }
        for name in names:
            plain = _plain(name)
            if spelled.get(f"{plain}{family.value}") != name:
                spelled.setdefault(plain, name)
    return out


def _sets(ruleset: Ruleset) -> Iterator[str]:
    return (each.name for table in ruleset.tables for each in table.sets)


def _buckets(ruleset: Ruleset) -> Iterator[str]:
    for _, _, _, rule in rules(ruleset):
        for node in match_nodes(rule.match) if not only_compares(rule.match) else ():
            if isinstance(node, WithinRate | WithinConnections) and node.name:
                yield node.name


def _plain(name: str) -> str:
    """As targets write names: no `-`, and no `_` that marks a word as not reserved."""
    return name.replace("-", "_").removesuffix("_")


SHORTEST_CUT = 14
"""iptables cuts the names of hashlimit tables at 15 characters."""


def _policy_name(emitted: str, names: dict[str, str], cut: bool) -> str | None:
    """The policy's name of an emitted set or bucket, if it is one of these. `cut`: its end may be missing."""
    plain = _plain(emitted)
    found = names.get(plain)
    if cut and found is None and len(plain) >= SHORTEST_CUT:
        begun = {name for spelled, name in names.items() if spelled.startswith(plain.removesuffix("6")[:-1])}
        found = begun.pop() if len(begun) == 1 else None
    return found


def _first_error(diagnostics: Sequence[Diagnostic]) -> str:
    found = next(d for d in diagnostics if d.severity is Severity.ERROR)
    where = f"{found.primary.span}: " if found.primary else ""
    return f"{where}{found.message}"
