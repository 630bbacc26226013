"""An imported ruleset as `policy.fw`: written plainly, proved, then improved as far as the proof goes along."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fwc.analysis.equivalence import Difference
from fwc.convert.chains import called
from fwc.convert.order import asked_first
from fwc.convert.policy.model import Model, model_of
from fwc.convert.policy.notes import Notes
from fwc.convert.policy.page import IMPLICIT, Page, Style, Writer
from fwc.convert.policy.proof import difference, elaborated
from fwc.convert.policy.shared import shared_buckets
from fwc.convert.policy.statements import Choices
from fwc.convert.policy.steps import Refusal
from fwc.convert.tables import families
from fwc.diagnostics import Diagnostic, Severity, error, warning
from fwc.dialects.base import OutputFile
from fwc.errors import InternalError
from fwc.ir.model import Ruleset
from fwc.ir.verdict import Accept, Dnat, Log, Redirect, Reject
from fwc.ir.walk import rules
from fwc.lang.format import format_source
from fwc.net.hooks import Family
from fwc.source import SourceFile, Span

MOST_TRIALS = 60
"""Proofs of one conversion."""

SLOW = 3_000
"""Rules beyond which only the improvements that matter most are tried."""

FILE_NAME = "policy.fw"


def policy_of(source: SourceFile, ruleset: Ruleset) -> tuple[tuple[OutputFile, ...], list[Diagnostic]]:
    """The policy that treats every packet as `ruleset` does, or nothing and every reason at its line."""
    problem = _whole(source, ruleset)
    if problem is not None:
        return (), [problem]
    return _Search(source, called(ruleset, asked_first)).run()


def _whole(source: SourceFile, ruleset: Ruleset) -> Diagnostic | None:
    """What stands in the way of the whole file, before any rule is looked at."""
    other = [t for t in ruleset.tables if t.family not in ("ip", "ip6", "inet")]
    if other:
        text = f"a policy has no place for a table of family {other[0].family}"
        return error("FW031", text, other[0].origin.span or _first_line(source), name="lossy-compile")
    if not families(ruleset):
        return error("FW031", "there is no table to convert", _first_line(source), name="lossy-compile")
    return None


def _first_line(source: SourceFile) -> Span:
    end = source.text.find("\n")
    return Span(source, 0, end if end >= 0 else len(source.text))


class _Search:
    """Writes, proves and rewrites."""

    def __init__(self, source: SourceFile, ruleset: Ruleset) -> None:
        self.source = source
        self.ruleset = ruleset
        self.families: tuple[Family, ...] = families(ruleset)
        self.model: Model = model_of(ruleset, self.families, Notes(source))
        self.model.refusals += shared_buckets(ruleset)
        self.writer = Writer(self.model, self._title())
        self.trials = 0

    def run(self) -> tuple[tuple[OutputFile, ...], list[Diagnostic]]:
        page = self.writer.page(Style())
        if page.refusals:
            return (), self._refused(page.refusals)
        style = Style()
        found = self._differs(style)
        if isinstance(found, Difference) and self._differs(Style(inward_first=True)) is None:
            style, found = Style(inward_first=True), None
        if found is not None:
            return (), [found if isinstance(found, Diagnostic) else self._unproved(found)]
        style = self._improved(style)
        text, problems = format_source(SourceFile(FILE_NAME, self.writer.page(style).text))
        if problems:
            raise InternalError(f"the policy that was written does not parse: {problems[0].message}")
        if self._differs(style, text) is not None:
            raise InternalError("the formatted policy is not the policy that was proved")
        return (OutputFile(FILE_NAME, text),), self._log_details()

    # ----- better -------------------------------------------------------------------

    def _improved(self, style: Style) -> Style:
        """Implicit rules for the source's own, and `forward` with its accept where nothing else changes by it."""
        for name in IMPLICIT:
            trial = dataclasses.replace(style, implicit=style.implicit | {name})
            if name == "icmpv6-nd" and Family.V6 not in self.families:
                continue
            if self._differs(trial) is None:
                style = trial
        if any(isinstance(x.verdict, Dnat | Redirect) for lines in self.model.nat.values() for x in lines):
            for implied in (True, False):
                trial = dataclasses.replace(style, plain=True, implied=implied)
                if self._differs(trial) is None:
                    style = trial
                    break
        return self._limited(style)

    def _limited(self, style: Style) -> Style:
        """`allow ... limit` where what is over the rate is refused anyway, and the same way, by the rules behind."""
        kinds = [r.verdict.kind for _, _, _, r in rules(self.ruleset) if isinstance(r.verdict, Reject)]
        for line in self.model.all_lines():
            if not isinstance(line.verdict, Accept) or line.ends.rate is None:
                continue
            for kind in (None, *dict.fromkeys(kinds)):
                excess = (*style.choices.excess, (id(line.rules[-1]), kind))
                trial = dataclasses.replace(style, choices=Choices(excess))
                if self.trials < MOST_TRIALS and self._differs(trial) is None:
                    style = trial
                    break
        return style

    # ----- proof --------------------------------------------------------------------

    def _differs(self, style: Style, text: str = "") -> Difference | Diagnostic | None:
        """What shows that the style is wrong; None when it is proved."""
        self.trials += 1
        page = Page(text, [], self.writer.set_names) if text else self.writer.page(style)
        if page.refusals:
            return self._refused(page.refusals)[0]
        policy, found = elaborated(page.text)
        if policy is None:
            return self._not_elaborated(page.text, found)
        return difference(self.ruleset, policy, self.families, page.set_names)

    def _not_elaborated(self, text: str, found: Sequence[Diagnostic]) -> Diagnostic:
        """The language refuses what was written; its own words say why."""
        first = next(d for d in found if d.severity is Severity.ERROR)
        statement = first.primary.span.text.split("\n")[0] if first.primary is not None else ""
        message = f"the policy cannot say this: {first.message}"
        return error(
            "FW031", message, _first_line(self.source), notes=(f"written as `{statement}`",), name="lossy-compile"
        )

    def _unproved(self, found: Difference) -> Diagnostic:
        table = self.ruleset.tables[found.left_place.table] if found.left_place.table >= 0 else None
        chain = table.chain(found.left_place.chain) if table is not None else None
        span = chain.origin.span if chain is not None else None
        if chain is not None and 0 <= found.left_place.index < len(chain.rules):
            span = chain.rules[found.left_place.index].origin.span or span
        return error(
            "FW031",
            "the policy is not proved equal to the source",
            span or _first_line(self.source),
            notes=found.sides("the source", "the policy"),
            help="take this rule out and write it by hand",
            name="lossy-compile",
        )

    # ----- what is said ---------------------------------------------------------------

    def _refused(self, refusals: Sequence[Refusal]) -> list[Diagnostic]:
        out: dict[Diagnostic, None] = {}
        for each in refusals:
            text = f"the policy language has no words for {each.what}"
            out[error("FW031", text, each.span or _first_line(self.source), help=each.help, name="lossy-compile")] = (
                None
            )
        return sorted(out, key=Diagnostic.sort_key)

    def _log_details(self) -> list[Diagnostic]:
        """What a log line shows besides its prefix has no words in a policy; no packet notices."""
        out = []
        for _, _, _, rule in rules(self.ruleset):
            if any(isinstance(a, Log) and a.flags for a in rule.actions):
                text = "the log lines of the policy show less: it has no words for TCP, IP and socket details"
                out.append(warning("FW031", text, rule.origin.span, name="lossy-compile"))
        return out

    def _title(self) -> list[str]:
        name = self.source.path.rsplit("/", 1)[-1]
        name = "".join(c if c.isprintable() else "?" for c in name)
        out = [f"# Converted from {name}; proved equal to it, packet by packet."]
        if self.ruleset.source == "pf":
            out = [f"# Converted from {name}: its two legs and states, in netfilter's hooks; proved equal to that."]
        if len(self.families) == 1:
            mine = self.families[0].value
            out.append(
                f"# The source says nothing about IPv{10 - mine}: what arrives by it meets the defaults at the end."
            )
        return out
