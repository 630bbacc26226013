"""Run a policy's test packets and assertions."""

from __future__ import annotations

from fwc.api.compiling import CompileOptions, TargetOutput, compile_policy
from fwc.api.policies import load_policy
from fwc.diagnostics import Diagnostic, error
from fwc.dialects.registry import load_dialect
from fwc.elaborate.elaborated import Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.ir.model import Rule, Ruleset
from fwc.lang.files import Files
from fwc.lints._coverage import untouched
from fwc.lints.assertion_failed import findings
from fwc.records import Record
from fwc.roundtrip import read_back, set_names
from fwc.sim.policy_tests import run_tests
from fwc.sim.trace import rule_place
from fwc.source import SourceFile, Span


class TestRequest(Record):
    """`target` empty tests the policy's own IR; otherwise the emitted text, read back. `coverage` asks which rules no test
    and no assertion touches."""

    target: str = ""
    host: str = ""
    today: str = ""
    coverage: bool = False


class TestOutcome(Record):
    """`lines` are one per packet and assertion, `outputs` what was emitted (for the kernel). With `coverage` the last line
    names the statements that no packet and no assertion touches."""

    elaborated: Elaborated
    outputs: TargetOutput | None
    lines: tuple[str, ...]
    summary: str


def test_policy(source: SourceFile, files: Files, request: TestRequest) -> tuple[TestOutcome | None, list[Diagnostic]]:
    """Run a policy's test packets and assertions. Each failure is an error at its line."""
    elaborated, diagnostics = load_policy(source, files, ElaborateOptions(request.target, request.host, request.today))
    if elaborated is None:
        return None, diagnostics
    ruleset, output = elaborated.ruleset, None
    target = request.target or elaborated.ruleset.settings.target
    if request.target:
        options = CompileOptions((target,), request.host, request.today, lint=False, assertions=False)
        outputs, found = compile_policy(source, files, options)
        if not outputs:
            return None, found
        output = outputs[0]
        ruleset = read_back(output.target, output.files, elaborated.ruleset)
    results = run_tests(ruleset, elaborated.tests)
    lines = []
    for result in results:
        lines.append(f"{'ok  ' if result.passed else 'FAIL'} {result.title}: {result.packet}: {result.got}")
        if not result.passed:
            steps = [s for s in result.trace.steps if s.matched]
            notes = [f"matched {_place(s.rule)}" for s in steps if s.rule is not None]
            notes += [f"assumed: {text}" for text in result.assumed]
            message = f"test packet: {'; '.join(result.differences)}"
            diagnostics.append(_test_failure(message, result.span, notes))
    failed = sum(not r.passed for r in results)
    summary = f"{len(results)} packets, {len(results) - failed} as expected, {failed} not"
    if elaborated.assertions:
        broken = _test_assertions(elaborated, output, ruleset)
        diagnostics.extend(broken)
        spans = {d.primary.span for d in broken if d.primary}
        for assertion in elaborated.assertions:
            lines.append(f"{'FAIL' if assertion.span in spans else 'ok  '} {assertion.span.text}")
        held = len(elaborated.assertions) - len(spans)
        summary += f"; {len(elaborated.assertions)} assertions, {held} hold, {len(spans)} not"
    if request.coverage:
        lines.append(_coverage(elaborated))
    return TestOutcome(elaborated, output, tuple(lines), summary), diagnostics


def _test_assertions(elaborated: Elaborated, output: TargetOutput | None, ruleset: Ruleset) -> list[Diagnostic]:
    """The assertions that do not hold, of the policy or of what was emitted and read back."""
    if output is None:
        return findings(elaborated)
    terms = getattr(load_dialect(output.target), "proof_terms", None)
    if terms is not None:  # pf has other hooks than the policy: its text is brought to the policy's
        _, ruleset = terms(elaborated.ruleset, ruleset)
    return findings(elaborated, ruleset, set_names(elaborated.ruleset, output.target, ruleset))


def _coverage(elaborated: Elaborated) -> str:
    results = run_tests(elaborated.ruleset, elaborated.tests, trace=True)
    met = [s.rule for r in results for s in r.trace.steps if s.matched and s.rule is not None]
    spans = untouched(elaborated, met)
    if not spans:
        return "every rule is touched by a test packet or an assertion"
    rows: dict[str, list[int]] = {}
    for span in spans:
        rows.setdefault(span.file.path, []).append(span.line)
    where = "; ".join(f"{path}:{', '.join(map(str, dict.fromkeys(lines)))}" for path, lines in rows.items())
    return f"not touched by any test packet or assertion: {where}"


def _place(rule: object) -> str:
    assert isinstance(rule, Rule)
    return rule_place(rule)


def _test_failure(message: str, span: Span, notes: list[str]) -> Diagnostic:
    return error("FW531", message, span, name="test-failed", notes=notes)
