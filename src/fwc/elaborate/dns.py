"""The lock as the compiler sees it: addresses of `dns` names, never a question to a resolver."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import LOCK
from fwc.elaborate.report import mistake
from fwc.lang import ast
from fwc.lang.files import FileProblem, Files
from fwc.net.addresses import AddressSet, parse_address
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet


class Lock:
    """`policy.lock`, read when the first `dns` name asks for it."""

    __slots__ = ("_files", "_known", "_problem")

    def __init__(self, files: Files | None = None) -> None:
        self._files = files
        self._known: dict[str, AddressSet | None] | None = None
        self._problem = ""

    def addresses(self, dns: ast.Dns, out: list[Diagnostic]) -> AddressSet | None:
        """The locked addresses of a name; None and a diagnostic when there are none."""
        known = self._load()
        found = known.get(dns.name)
        if found:
            return found
        if self._problem:
            out.append(mistake(LOCK, f"policy.lock cannot be used: {self._problem}", dns.span, help="run `fwc lock`"))
        elif dns.name in known:
            out.append(
                mistake(
                    LOCK,
                    f"policy.lock has no usable address of {dns.name!r}",
                    dns.span,
                    help="run `fwc lock` to resolve it again, or write its addresses",
                )
            )
        else:
            out.append(
                mistake(
                    LOCK,
                    f"policy.lock has no addresses of {dns.name!r}",
                    dns.span,
                    help="run `fwc lock` and commit policy.lock; compiling never asks a name server",
                )
            )
        return None

    def _load(self) -> dict[str, AddressSet | None]:
        if self._known is None:
            self._known = {}
            try:
                entries = self._files.lock() if self._files is not None else {}
            except FileProblem as problem:
                self._problem = str(problem)
                entries = {}
            for name, texts in entries.items():
                self._known[name] = _address_set(texts)
        return self._known


def _address_set(texts: Sequence[str]) -> AddressSet | None:
    """The set of all texts, None when one of them is no address: half a name would silently narrow or widen rules."""
    runs: dict[Family, list[tuple[int, int]]] = {Family.V4: [], Family.V6: []}
    for text in texts:
        parsed = parse_address(text)
        if parsed is None:
            return None
        runs[parsed[0]].append((parsed[1], parsed[1]))
    return AddressSet(IntervalSet(runs[Family.V4]), IntervalSet(runs[Family.V6]))
