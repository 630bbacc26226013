"""Who can reach whom: questions about sets of packets."""

from __future__ import annotations

from fwc.api.policies import load_policy
from fwc.api.rulesets import ReadRequest, read_side
from fwc.diagnostics import Diagnostic, Severity
from fwc.elaborate.elaborated import Assertion
from fwc.elaborate.program import ElaborateOptions
from fwc.errors import UsageError
from fwc.lang.files import Files
from fwc.query.answer import Answer, answer
from fwc.query.packets import packets_of
from fwc.query.question import Question, parse_question
from fwc.source import SourceFile


def query(source: SourceFile, files: Files, request: ReadRequest, text: str) -> tuple[Answer | None, list[Diagnostic]]:
    """The packets of a question that an input lets through. Raises UsageError when the text is no question about it."""
    question = parse_question(text)
    side, diagnostics = read_side(source, files, request)
    if side is None:
        return None, diagnostics
    if request.kind != "fwc":
        return answer(side.ruleset, question, packets_of(question), side.families), diagnostics
    assertion = _asked_in_policy(source, files, request, question, diagnostics)
    families = tuple(f for f in side.families if f in assertion.families)
    return answer(side.ruleset, question, assertion.matches, families), diagnostics


def _asked_in_policy(
    source: SourceFile, files: Files, request: ReadRequest, question: Question, known: list[Diagnostic]
) -> Assertion:
    """In a policy the question may name what the policy names, so it is read as an assertion at the end of the file."""
    traffic = question.traffic or "any"
    line = f"assert some {traffic} from {question.source} to {question.destination}"
    asked = SourceFile(source.path, f"{source.text}\n{line}\n")
    options = ElaborateOptions(request.target, request.host, request.today)
    elaborated, found = load_policy(asked, files, options)
    if elaborated is None or not elaborated.assertions:
        problem = next((d for d in found if d.severity is Severity.ERROR and d not in known), None)
        words = f"{problem.message}{'; ' + problem.help if problem.help else ''}" if problem else "it names no packet"
        raise UsageError(f"not a question about this policy: {words}")
    return elaborated.assertions[-1]
