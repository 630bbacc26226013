"""`default input|forward|output`: the policy of a base chain, and its last rule where it logs or rejects."""

from __future__ import annotations

from fwc.diagnostics import Label
from fwc.elaborate.builder import Builder
from fwc.elaborate.expanded import Placed
from fwc.elaborate.flows import ANY_FLOW
from fwc.elaborate.options import sort_options
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import REDEFINED
from fwc.elaborate.verdicts import MULTICAST, actions, reject_of
from fwc.ir.match import ALWAYS, Field, FieldIn
from fwc.ir.model import Role, Rule
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, Verdict
from fwc.lang import ast
from fwc.source import Span

UNSTATED: dict[str, Verdict] = {"input": DROP, "forward": DROP, "output": ACCEPT}
"""What holds without a `default` statement."""


class Defaults:
    """The policies of one host and the rules that end its chains."""

    def __init__(self) -> None:
        self.policies = dict(UNSTATED)
        self.last: dict[str, list[Rule]] = {"input": [], "forward": [], "output": []}
        self._stated: dict[str, Span] = {}

    def state(self, builder: Builder, placed: Placed) -> None:
        statement = placed.statement
        assert isinstance(statement, ast.Default)
        hook = statement.hook
        if hook in self._stated:
            builder.out.append(
                mistake(
                    REDEFINED,
                    f"`default {hook}` is stated twice for this host",
                    statement.span,
                    help="keep one of them",
                    secondary=(Label(self._stated[hook], "first stated here"),),
                )
            )
            return
        self._stated[hook] = statement.span
        options = sort_options("default", statement.options, builder.out)
        self.policies[hook] = ACCEPT if statement.verdict == "allow" else DROP
        acts = actions(builder, options, hook, statement.span.line if options.log else 0)
        label, comment, origin = options.label, options.comment, placed.origin
        if statement.verdict == "reject":
            reject = reject_of(builder, options.reject_kind, (ANY_FLOW,))
            self.last[hook] = [
                Rule(FieldIn(Field.DADDR, MULTICAST), acts, DROP, label, comment, Role.DEFAULT, origin),
                Rule(ALWAYS, acts, reject, label, comment, Role.DEFAULT, origin),
            ]
        elif acts or label:
            # the policy decides; this rule only says so where the log, the counter or the name needs one
            verdict = self.policies[hook] if label else CONTINUE
            self.last[hook] = [Rule(ALWAYS, acts, verdict, label, comment, Role.DEFAULT, origin)]
