"""The façade: text in, plain data and diagnostics out. Commands, hooks and editors call this and nothing below it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fwc.diagnostics import Diagnostic, Severity, error, has_errors
from fwc.dialects.base import Lossy, LowerOptions, OutputFile
from fwc.dialects.recognise import recognise
from fwc.dialects.registry import load_dialect, target_name
from fwc.elaborate.driver import elaborate
from fwc.elaborate.elaborated import Assertion, Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.elaborate.program import dns_names as dns_names_of
from fwc.errors import UsageError
from fwc.ir.model import Ruleset
from fwc.lang import ast
from fwc.lang.files import Files
from fwc.lang.parse import parse
from fwc.lints._settings import LintSettings
from fwc.net.hooks import Family
from fwc.records import record
from fwc.source import SourceFile, Span

if TYPE_CHECKING:
    from fwc.analysis.cost import HookCost
    from fwc.diff.regions import Report
    from fwc.lints._context import LintContext
    from fwc.query.answer import Answer
    from fwc.query.question import Question


@record
class CompileOptions:
    """`targets` are canonical names; empty means the policy's own. `optimize` 0 gives the plain list of rules. Without
    `assertions` the policy's own are not checked."""

    targets: tuple[str, ...] = ()
    host: str = ""
    today: str = ""
    lossy: Lossy = Lossy.NONE
    ipset: bool = False
    optimize: int = 1
    verify: bool = True
    lint: bool = True
    lint_settings: LintSettings = LintSettings()
    assertions: bool = True


@record
class TargetOutput:
    target: str
    files: tuple[OutputFile, ...]


def load_policy(
    source: SourceFile, files: Files, options: ElaborateOptions
) -> tuple[Elaborated | None, list[Diagnostic]]:
    """Parse and elaborate a policy for one host and target."""
    return _elaborated(parse(source), files, options)


def _elaborated(
    parsed: tuple[ast.File, list[Diagnostic]], files: Files, options: ElaborateOptions
) -> tuple[Elaborated | None, list[Diagnostic]]:
    tree, diagnostics = parsed
    elaborated, more = elaborate(tree, files, options)
    told = {d.primary.span for d in diagnostics if d.primary}  # one mistake is told once, by the parser
    diagnostics = [*diagnostics, *(d for d in more if d.primary is None or d.primary.span not in told)]
    if elaborated is None or tree.broken or has_errors(diagnostics):
        return None, diagnostics
    if elaborated.native_conditions:
        from fwc.natives import modelled

        ruleset, found = modelled(elaborated.ruleset)
        if found:
            return None, [*diagnostics, *found]
        elaborated = dataclasses.replace(elaborated, ruleset=ruleset)
    return elaborated, diagnostics


def dns_names(source: SourceFile, files: Files) -> tuple[list[str], list[Diagnostic]]:
    """Every name in a `dns "..."` of the policy and what it includes."""
    tree, diagnostics = parse(source)
    if tree.broken:
        return [], diagnostics
    names, more = dns_names_of(tree, files)
    return list(names), [*diagnostics, *more]


def compile_policy(
    source: SourceFile, files: Files, options: CompileOptions
) -> tuple[tuple[TargetOutput, ...], list[Diagnostic]]:
    """Compile for every target asked for. With any error the outputs are empty: nothing is to be written."""
    outputs: list[TargetOutput] = []
    diagnostics: list[Diagnostic] = []
    parsed = parse(source)  # once for all targets
    targets = options.targets or _own_target(parsed, files, options, diagnostics)
    for target in targets:
        output, found = _compile_target(source, parsed, files, options, target)
        known = set(diagnostics)
        diagnostics.extend(d for d in found if d not in known)
        if output is not None:
            outputs.append(output)
    if has_errors(diagnostics):
        return (), diagnostics
    return tuple(outputs), diagnostics


def _own_target(
    parsed: tuple[ast.File, list[Diagnostic]], files: Files, options: CompileOptions, diagnostics: list[Diagnostic]
) -> tuple[str, ...]:
    elaborated, found = _elaborated(parsed, files, ElaborateOptions("", options.host, options.today))
    if elaborated is None:
        diagnostics.extend(found)
        return ()
    if not elaborated.ruleset.settings.target:
        raise UsageError(
            "no target: give --target nftables, iptables or pf, or write `target` in the policy's settings"
        )
    return (elaborated.ruleset.settings.target,)


def _compile_target(
    source: SourceFile,
    parsed: tuple[ast.File, list[Diagnostic]],
    files: Files,
    options: CompileOptions,
    target: str,
) -> tuple[TargetOutput | None, list[Diagnostic]]:
    from fwc.passes.pipeline import optimize
    from fwc.roundtrip import prove

    elaborated, diagnostics = _elaborated(parsed, files, ElaborateOptions(target, options.host, options.today))
    if elaborated is None:
        return None, diagnostics
    dialect = load_dialect(target)
    lower_options = LowerOptions(options.lossy, options.ipset, _header(source, elaborated, target, options))
    ruleset = optimize(elaborated.ruleset, target, options.optimize)
    tree, found = dialect.lower(ruleset, lower_options)
    diagnostics.extend(found)
    if tree is None or has_errors(diagnostics):
        return None, diagnostics
    printed = tuple(dialect.print(tree))
    if options.assertions:
        diagnostics.extend(_broken_assertions(elaborated, target, printed if _not_the_policy(printed, options) else ()))
        if has_errors(diagnostics):
            return None, diagnostics
    if options.lint:
        diagnostics.extend(_lint_findings(source, elaborated, target, options))
        if has_errors(diagnostics):
            return None, diagnostics
    if any(LOSS in file.text for file in printed):
        return TargetOutput(target, tuple(_not_proved(file) for file in printed)), diagnostics
    if options.verify:
        prove(target, printed, elaborated.ruleset)
    return TargetOutput(target, printed), diagnostics


def _lint_findings(
    source: SourceFile, elaborated: Elaborated, target: str, options: CompileOptions
) -> list[Diagnostic]:
    """Errors and warnings of the lints for this target; assertions have been decided before."""
    from fwc.lints._context import LintContext
    from fwc.lints._run import run_lints

    settings = dataclasses.replace(options.lint_settings, target=target, today=options.today)
    result = run_lints(LintContext("fwc", source, elaborated.ruleset, settings, elaborated))
    return [d for d in result.findings if d.code != "FW530" and d.severity is not Severity.INFO]


def _not_the_policy(printed: tuple[OutputFile, ...], options: CompileOptions) -> bool:
    return not options.verify or any(LOSS in file.text for file in printed)


def _broken_assertions(elaborated: Elaborated, target: str, printed: tuple[OutputFile, ...]) -> list[Diagnostic]:
    """The assertions that do not hold: for the policy, and for output that is not proved equal to it."""
    from fwc.roundtrip import read_back, set_names

    if not elaborated.assertions:
        return []
    from fwc.lints.assertion_failed import findings

    found = findings(elaborated)
    if printed and target != "pf" and not found:
        policy = elaborated.ruleset
        found = findings(elaborated, read_back(target, printed, policy), set_names(policy))
    return found


PROVED = "Read back and proved equal to the policy, for every hook and family."
LOSS = "\n# lossy: "


def _not_proved(file: OutputFile) -> OutputFile:
    """With --lossy the output differs from the policy on purpose; its header must not say otherwise."""
    text = file.text.replace(
        f"# {PROVED}\n", "# NOT proved: it differs from the policy by the losses listed below.\n", 1
    )
    return dataclasses.replace(file, text=text)


def _header(source: SourceFile, elaborated: Elaborated, target: str, options: CompileOptions) -> tuple[str, ...]:
    name = source.path.rsplit("/", 1)[-1]
    host = f" for {options.host}" if options.host else ""
    lines = [f"fwc: {name}{host} -> {target}"]
    if options.verify:
        lines.append(PROVED)
        lines.extend(_outside_the_proof(elaborated.ruleset))
    else:
        lines.append("NOT proved: compiled with --no-verify.")
    lines.extend(f"{path} sha256 {digest}" for path, digest in elaborated.inputs)
    lines.extend(elaborated.notes)
    return tuple(_printable(line) for line in lines)


def _outside_the_proof(policy: Ruleset) -> list[str]:
    """What a reader of PROVED might think is in it."""
    return ["Native text is copied as it is and is no part of the proof."] if policy.natives else []


def _printable(text: str) -> str:
    """A file name may hold a line end; in a comment it must not begin a line of its own."""
    return "".join(c if c.isprintable() else "?" for c in text)


# ----- existing rulesets ------------------------------------------------------

DIALECT_OF = {"iptables-save": "iptables", "nft": "nftables", "nft-json": "nftables", "pf": "pf"}
"""The target whose dialect reads each kind of input."""


def recognise_kind(source: SourceFile) -> str | None:
    """The kind of a text as `--format-in` names it, None when nothing speaks for any. A name in `.fw` speaks for a policy, so
    that a policy with a mistake in its first line still gets its message."""
    return recognise(source.text) or ("fwc" if source.path.endswith(".fw") else None)


def import_ruleset(source: SourceFile, kind: str) -> tuple[object, Ruleset, list[Diagnostic]]:
    """Parse and lift an existing ruleset: its own tree, the IR, and every fault that the real tool would refuse."""
    dialect = load_dialect(DIALECT_OF[kind])
    tree, diagnostics = dialect.parse(source)
    ruleset, more = dialect.lift(tree)
    return tree, ruleset, [*diagnostics, *more]


CONVERTED = "Read back and proved equal to the source, for every hook and family."


def convert(source: SourceFile, request: ReadRequest, target: str) -> tuple[TargetOutput | None, list[Diagnostic]]:
    """An existing ruleset in the form of `target` ("fwc" is a policy), proved equal; None with every reason at its line when that
    cannot be."""
    from fwc.convert.convert import convert as convert_ruleset
    from fwc.convert.policy.convert import policy_of

    lint_request = LintRequest(request.kind, LintSettings(), family=request.family)
    _, ruleset, diagnostics = _import_for_lint(source, lint_request)
    diagnostics = [_loads_all_the_same(each) for each in diagnostics]
    if has_errors(diagnostics):
        return None, diagnostics
    name = source.path.rsplit("/", 1)[-1]
    header = (_printable(f"fwc: {name} -> {target}"), CONVERTED)
    if target == "fwc":
        files, found = policy_of(source, ruleset)
    else:
        files, found = convert_ruleset(source, ruleset, target, header)
    diagnostics = [*diagnostics, *found]
    return (TargetOutput(target, files) if files else None), diagnostics


_LOADED = frozenset({"FW008", "FW013", "FW018"})
"""Mistakes with which the real tool loads the file: what it then does is what is converted."""


def _loads_all_the_same(found: Diagnostic) -> Diagnostic:
    return dataclasses.replace(found, severity=Severity.WARNING) if found.code in _LOADED else found


# ----- lint -------------------------------------------------------------------


@record
class LintRequest:
    """What to lint: `kind` as `--format-in`, `host` of a fleet file, `family` of an iptables-save file that does not show it,
    `companion` the other family's file."""

    kind: str
    settings: LintSettings
    host: str = ""
    family: str = ""
    companion: SourceFile | None = None


@dataclasses.dataclass
class LintOutcome:
    """Findings of one or more inputs, in output order; `notes` say what was left undecided."""

    findings: list[Diagnostic] = dataclasses.field(default_factory=list)
    suppressed: list[Diagnostic] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    paths: list[str] = dataclasses.field(default_factory=list)
    fixed: int = 0
    applied: list[tuple[str, str, str]] = dataclasses.field(
        default_factory=list
    )  # path, code and name of what was fixed


def lint(source: SourceFile, files: Files, request: LintRequest) -> LintOutcome:
    """Every selected finding on one input (and its companion)."""
    from fwc.lints._run import run_lints

    context, earlier = _lint_context(source, files, request)
    result = run_lints(context, earlier)
    return LintOutcome(
        list(result.findings), list(result.suppressed), [f"{source.path}: {n}" for n in result.notes], [source.path]
    )


def _lint_context(source: SourceFile, files: Files, request: LintRequest) -> tuple[LintContext, list[Diagnostic]]:
    """What the lints look at, and what reading the input found."""
    from fwc.ir.verify import verify
    from fwc.lints._context import LintContext

    kind = "nft" if request.kind == "nft-json" else request.kind
    elaborated: Elaborated | None = None
    tree: object = None
    if request.kind == "fwc":
        options = ElaborateOptions(request.settings.target, request.host, request.settings.today)
        elaborated, earlier = load_policy(source, files, options)
        ruleset = elaborated.ruleset if elaborated else Ruleset()
    else:
        tree, ruleset, earlier = _import_for_lint(source, request)
        known = {(d.code, d.primary.span if d.primary else None) for d in earlier}
        # pf makes a table when it is named, and `no-route` and an empty table are conditions that hold for nothing today
        verified = verify(ruleset, foreign_sets=kind == "iptables-save") if kind != "pf" else []
        earlier += [d for d in verified if (d.code, d.primary.span if d.primary else None) not in known]
    return LintContext(kind, source, ruleset, request.settings, elaborated, tree), earlier


def _import_for_lint(source: SourceFile, request: LintRequest) -> tuple[object, Ruleset, list[Diagnostic]]:
    """As `import_ruleset`, with the family and the companion that only iptables-save has."""
    if request.kind != "iptables-save":
        return import_ruleset(source, request.kind)
    from fwc.dialects.iptables.lift import lift
    from fwc.dialects.iptables.parse import parse as parse_save
    from fwc.dialects.iptables.tree import IptablesTree

    family = {"v4": Family.V4, "v6": Family.V6}.get(request.family)
    tree, diagnostics = parse_save(source, family)
    if request.companion is not None:
        other = {Family.V4: Family.V6, Family.V6: Family.V4}.get(family) if family else None
        second, more = parse_save(request.companion, other)
        tree = IptablesTree((*tree.files, *second.files), (*tree.sets, *second.sets))
        diagnostics = [*diagnostics, *more]
    ruleset, found = lift(tree)
    return tree, ruleset, [*diagnostics, *found]


def fix(source: SourceFile, files: Files, request: LintRequest, unsafe: bool) -> tuple[LintOutcome, str, int]:
    """Lint and fix until nothing more can be fixed: what is left, the new text, and how many were fixed.

    A safe fix stays only when the engine proves that the text with it treats every packet as the text without it.
    """
    from fwc.lints._fix import MOST_ROUNDS, apply_fixes

    applied: list[tuple[str, str, str]] = []
    refused: set[tuple[str, str]] = set()
    outcome = lint(source, files, request)
    for _ in range(MOST_ROUNDS):
        wanted = [d for d in outcome.findings if (d.code, d.primary.span.text if d.primary else "") not in refused]
        text, fixed = apply_fixes(source, wanted, False)
        if fixed and not _same_meaning(source, SourceFile(source.path, text), files, request):
            text, fixed = _provable(source, fixed, files, request, refused)
            if not fixed:
                continue
        if not fixed and unsafe:
            text, fixed = apply_fixes(source, wanted, True)
        if not fixed or text == source.text:
            break
        applied += [(source.path, each.code, each.name) for each in fixed]
        source = SourceFile(source.path, text)
        outcome = lint(source, files, request)
    if refused:
        outcome.notes.append(
            f"{source.path}: {len(refused)} fixes were left out: they could not be proved to change nothing"
        )
    outcome.applied = applied
    return outcome, source.text, len(applied)


def _provable(
    source: SourceFile, fixed: list[Diagnostic], files: Files, request: LintRequest, refused: set[tuple[str, str]]
) -> tuple[str, list[Diagnostic]]:
    """The first of the fixes that is proved to change nothing, applied; those before it are refused for good."""
    from fwc.lints._fix import apply_fixes

    for diagnostic in fixed:
        text, one = apply_fixes(source, [diagnostic], False)
        if one and _same_meaning(source, SourceFile(source.path, text), files, request):
            return text, one
        refused.add((diagnostic.code, diagnostic.primary.span.text if diagnostic.primary else ""))
    return source.text, []


def _same_meaning(before: SourceFile, after: SourceFile, files: Files, request: LintRequest) -> bool:
    from fwc.analysis.equivalence import compare

    old, _ = _lint_context(before, files, request)
    new, found = _lint_context(after, files, request)
    if any(d.code == "FW001" for d in found) or (old.elaborated is None) is not (new.elaborated is None):
        return False
    return compare(old.ruleset, new.ruleset) is None


# ----- cost -------------------------------------------------------------------


def cost(
    source: SourceFile, files: Files, request: ReadRequest, optimize: int = 1, ipset: bool = False
) -> tuple[str, list[HookCost], list[Diagnostic]]:
    """What packets cost at each hook, and the target whose prices were taken. A policy is costed as what it compiles to."""
    from fwc.analysis.cost import costs

    if request.kind != "fwc":
        _, ruleset, diagnostics = import_ruleset(source, request.kind)
        target = DIALECT_OF[request.kind]
        return target, [] if has_errors(diagnostics) else costs(ruleset, target), diagnostics
    from fwc.roundtrip import read_back

    targets = (request.target,) if request.target else ()
    options = CompileOptions(
        targets, request.host, request.today, ipset=ipset, optimize=optimize, verify=False, lint=False
    )
    outputs, diagnostics = compile_policy(source, files, options)
    if not outputs:
        return request.target, [], diagnostics
    elaborated, _ = load_policy(source, files, ElaborateOptions(outputs[0].target, request.host, request.today))
    assert elaborated is not None
    target = outputs[0].target
    return target, costs(read_back(target, outputs[0].files, elaborated.ruleset), target), diagnostics


# ----- packets ----------------------------------------------------------------


def trace_packet(
    source: SourceFile, files: Files, kind: str, packet: str, target: str, host: str, today: str
) -> tuple[list[str], list[Diagnostic]]:
    """The lines of a packet's way through a policy or ruleset. Raises UsageError when the packet's text is no packet."""
    from fwc.sim.netfilter import simulate
    from fwc.sim.packet_words import BadPacket, parse_packet
    from fwc.sim.trace import lines

    if kind == "fwc":
        return _trace_policy(source, files, packet, ElaborateOptions(target, host, today))
    _, ruleset, diagnostics = import_ruleset(source, kind)
    if has_errors(diagnostics):
        return [], diagnostics
    try:
        return list(lines(simulate(ruleset, parse_packet(packet)))), diagnostics
    except BadPacket as problem:
        raise UsageError(str(problem)) from None


def _trace_policy(
    source: SourceFile, files: Files, packet: str, options: ElaborateOptions
) -> tuple[list[str], list[Diagnostic]]:
    """In a policy the packet may name zones and hosts, so it is read as a test packet at the end of the file."""
    from fwc.sim.netfilter import simulate
    from fwc.sim.trace import lines

    elaborated, diagnostics = load_policy(source, files, options)
    if elaborated is None:
        return [], diagnostics
    if any(c in packet for c in '\n\r;{}"'):
        raise UsageError("the packet is one line, as `tcp 198.51.100.7 -> self:443 in wan`")
    tested = SourceFile(source.path, f'{source.text}\ntest "trace" {{ packet {packet} expect allow }}\n')
    traced, found = load_policy(tested, files, options)
    if traced is None:
        problem = next(d for d in found if d not in diagnostics)
        raise UsageError(f"not a packet: {problem.message}" + (f"; {problem.help}" if problem.help else ""))
    test = traced.tests[-1].packets[-1]
    return list(lines(simulate(elaborated.ruleset, test.packet, test.hook))), diagnostics


@record
class TestRequest:
    """`target` empty tests the policy's own IR; otherwise the emitted text, read back. `coverage` asks which rules no test
    and no assertion touches."""

    target: str = ""
    host: str = ""
    today: str = ""
    coverage: bool = False


@record
class TestOutcome:
    """`lines` are one per packet and assertion, `outputs` what was emitted (for the kernel). With `coverage` the last line
    names the statements that no packet and no assertion touches."""

    elaborated: Elaborated
    outputs: TargetOutput | None
    lines: tuple[str, ...]
    summary: str


def test_policy(source: SourceFile, files: Files, request: TestRequest) -> tuple[TestOutcome | None, list[Diagnostic]]:
    """Run a policy's test packets and assertions. Each failure is an error at its line."""
    from fwc.roundtrip import read_back
    from fwc.sim.policy_tests import run_tests

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
    from fwc.lints.assertion_failed import findings
    from fwc.roundtrip import set_names

    if output is None:
        return findings(elaborated)
    terms = getattr(load_dialect(output.target), "proof_terms", None)
    if terms is not None:  # pf has other hooks than the policy: its text is brought to the policy's
        _, ruleset = terms(elaborated.ruleset, ruleset)
    return findings(elaborated, ruleset, set_names(elaborated.ruleset))


def _coverage(elaborated: Elaborated) -> str:
    from fwc.lints._coverage import untouched
    from fwc.sim.policy_tests import run_tests

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
    from fwc.ir.model import Rule
    from fwc.sim.trace import rule_place

    assert isinstance(rule, Rule)
    return rule_place(rule)


def _test_failure(message: str, span: Span, notes: list[str]) -> Diagnostic:
    return error("FW531", message, span, name="test-failed", notes=notes)


# ----- two rulesets, and questions about one ----------------------------------

KINDS = ("fwc", "iptables-save", "nft", "nft-json", "pf")
"""What `--format-in` takes."""


@record
class ReadRequest:
    """How to read one input for `diff`, `query` and `graph`: `kind` as `--format-in`, `family` of an iptables-save file that does
    not show it."""

    kind: str
    target: str = ""
    host: str = ""
    today: str = ""
    family: str = ""


@record
class Side:
    """One input, read: its IR, and the families it speaks of."""

    name: str
    kind: str
    ruleset: Ruleset
    families: tuple[Family, ...]
    elaborated: Elaborated | None = None


def read_side(source: SourceFile, files: Files, request: ReadRequest) -> tuple[Side | None, list[Diagnostic]]:
    """Read a policy or an existing ruleset. None when its own tool would refuse it."""
    both: tuple[Family, ...] = (Family.V4, Family.V6)
    if request.kind == "fwc":
        options = ElaborateOptions(request.target, request.host, request.today)
        elaborated, diagnostics = load_policy(source, files, options)
        if elaborated is None:
            return None, diagnostics
        # a policy of one family still drops the other: its tables see both
        return Side(source.path, request.kind, elaborated.ruleset, both, elaborated), diagnostics
    lint_request = LintRequest(request.kind, LintSettings(), family=request.family)
    _, ruleset, diagnostics = _import_for_lint(source, lint_request)
    if has_errors(diagnostics):
        return None, diagnostics
    families = both
    if request.kind == "iptables-save":
        families = tuple(f for f, word in zip(both, ("ip", "ip6"), strict=True) if _speaks(ruleset, word))
    return Side(source.path, request.kind, ruleset, families), diagnostics


def read_for_graph(source: SourceFile, files: Files, request: ReadRequest) -> tuple[Ruleset | None, list[Diagnostic]]:
    """The IR to draw: of a ruleset with errors (a jump to nowhere, a circle) too, since the drawing shows them."""
    if request.kind == "fwc":
        side, diagnostics = read_side(source, files, request)
        return side.ruleset if side else None, diagnostics
    _, ruleset, diagnostics = _import_for_lint(source, LintRequest(request.kind, LintSettings(), family=request.family))
    return ruleset if ruleset.tables or not has_errors(diagnostics) else None, diagnostics


def _speaks(ruleset: Ruleset, word: str) -> bool:
    return any(table.family in (word, "inet") for table in ruleset.tables)


def diff(old: Side, new: Side) -> tuple[Report, list[str]]:
    """What differs between two inputs, and notes on what could not be compared. Raises UsageError when nothing can."""
    from fwc.diff.changes import changes
    from fwc.diff.regions import report

    families = tuple(f for f in (Family.V4, Family.V6) if f in old.families and f in new.families)
    notes = []
    for family in (Family.V4, Family.V6):
        silent = [side.name for side in (old, new) if family not in side.families]
        if len(silent) == 1:
            notes.append(f"IPv{family.value} is not compared: {_printable(silent[0])} says nothing about it")
    if not families:
        raise UsageError(f"{old.name} and {new.name} speak of different families: there is nothing to compare")
    left, right = _same_hooks(old, new)
    found = changes(left, right, families, respelled=old.kind != new.kind)
    return report(left, right, found), notes


def _same_hooks(old: Side, new: Side) -> tuple[Ruleset, Ruleset]:
    """pf has two crossing points where netfilter has five hooks: the two sides in the same terms."""
    if (old.kind == "pf") is (new.kind == "pf"):
        return old.ruleset, new.ruleset
    terms = load_dialect("pf").proof_terms
    if old.kind == "pf":
        right, left = terms(new.ruleset, _on_machine_of(old.ruleset, new.ruleset))
        return left, right
    return terms(old.ruleset, _on_machine_of(new.ruleset, old.ruleset))


def _on_machine_of(pf: Ruleset, other: Ruleset) -> Ruleset:
    """With the zones and addresses that only a policy names: which packets a pf.conf takes for its own depends on them."""
    return dataclasses.replace(pf, zones=other.zones, own_addresses=other.own_addresses, settings=other.settings)


def query(source: SourceFile, files: Files, request: ReadRequest, text: str) -> tuple[Answer | None, list[Diagnostic]]:
    """The packets of a question that an input lets through. Raises UsageError when the text is no question about it."""
    from fwc.query.answer import answer
    from fwc.query.packets import packets_of
    from fwc.query.question import parse_question

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


__all__ = [
    "CompileOptions", "LintOutcome", "LintRequest", "TargetOutput", "compile_policy", "convert", "cost", "dns_names", "fix",
    "import_ruleset", "lint", "load_policy", "recognise_kind", "target_name", "test_policy", "trace_packet",
]  # fmt: skip
