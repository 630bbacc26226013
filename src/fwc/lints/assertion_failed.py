"""An `assert` of the policy does not hold for every packet.

## Why is this bad?

An assertion is what the ruleset must guarantee whatever its rules become: the sentence, not the rule. It is decided over all
first packets of connections, on their whole way through translation and filters, and the message shows one packet that breaks
it together with the rule that decides that packet. Conditions that the packet does not decide (sets filled at run time, times,
rates, chance) count as `may`: `never` must hold whatever they answer, and so must `always` and `some`.

`never` speaks of the destination that a packet is delivered to, `always` and `some` of the one it was sent to.

## Example

```fwc
zone wan { iface eth0 }
zone lan { iface eth1; net 192.168.1.0/24 }
allow ssh from lan, wan to self
default input   deny
default forward deny
default output  allow
assert never ssh from wan to self
```

## Use instead

```fwc
zone wan { iface eth0 }
zone lan { iface eth1; net 192.168.1.0/24 }
allow ssh from lan to self
default input   deny
default forward deny
default output  allow
assert never ssh from wan to self
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.elaborate.elaborated import Elaborated
from fwc.ir.model import Ruleset
from fwc.lints._assertions import Failure, failures
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint, load_lint
from fwc.space.boxes import same_name

_LABELS = {"never": "lets it through", "always": "refuses it"}


@lint("FW530", "assertion-failed", Severity.ERROR, Persona.REGULAR, ("fwc",), needs=("assertion",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if context.elaborated is None:
        return
    for failure in failures(context.elaborated):
        yield describe(failure, lint)


def findings(
    elaborated: Elaborated, ruleset: Ruleset | None = None, set_name: Callable[[str], str] = same_name
) -> list[Diagnostic]:
    """The policy's assertions that do not hold for `ruleset` (its own when None), for `fwc test` and `fwc compile`.
    `set_name` maps the names of run-time sets in `ruleset` to the policy's."""
    if not elaborated.assertions:
        return []
    lint = load_lint("FW530")
    return [describe(failure, lint) for failure in failures(elaborated, ruleset, set_name)]


def describe(failure: Failure, lint: Lint) -> Diagnostic:
    """The failure as a diagnostic at the assertion."""
    found = failure.found
    assertion = failure.assertion
    secondary = []
    notes = []
    if failure.span is not None and failure.span != assertion.span:
        label = "decides first" if failure.undecided else _LABELS[assertion.quantifier]
        secondary.append(Label(failure.span, label))
    elif found is not None:
        notes.append(f"no rule decides it: what {found.hook} does with the rest applies")
    return lint.finding(
        failure.message,
        assertion.span,
        label=f"does not hold for IPv{found.packet.family.value}" if found else "",
        secondary=secondary,
        notes=notes,
        help=_help(failure),
        affects=[assertion.span, *([failure.span] if failure.span else ())],
        witness={"text": found.text} if found else None,
    )


def _help(failure: Failure) -> str:
    if failure.undecided:
        return "test the emitted text with `fwc test --target`, or state it with `test` packets"
    match failure.assertion.quantifier:
        case "never":
            return "narrow the rule, put a `deny` above it, or state the exception in the assertion with `except` or `unless`"
        case "always":
            return "put an `allow` above the rule that refuses it, or narrow the assertion"
        case _:
            return "add an `allow` that no set, time or rate makes uncertain, or drop the assertion"
