"""The façade: text in, plain data and diagnostics out. Commands, hooks and editors call this and nothing below it.

A name is imported from its module when it is first used: a command loads only what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fwc.api.asking import query as query
    from fwc.api.comparing import diff as diff
    from fwc.api.compiling import CompileOptions as CompileOptions
    from fwc.api.compiling import TargetOutput as TargetOutput
    from fwc.api.compiling import compile_policy as compile_policy
    from fwc.api.compiling import policy_findings as policy_findings
    from fwc.api.converting import convert as convert
    from fwc.api.costing import cost as cost
    from fwc.api.fixing import fix as fix
    from fwc.api.kinds import DIALECT_OF as DIALECT_OF
    from fwc.api.kinds import KINDS as KINDS
    from fwc.api.kinds import recognise_kind as recognise_kind
    from fwc.api.linting import LintOutcome as LintOutcome
    from fwc.api.linting import LintRequest as LintRequest
    from fwc.api.linting import lint as lint
    from fwc.api.policies import dns_names as dns_names
    from fwc.api.policies import load_policy as load_policy
    from fwc.api.rulesets import ReadRequest as ReadRequest
    from fwc.api.rulesets import Side as Side
    from fwc.api.rulesets import import_ruleset as import_ruleset
    from fwc.api.rulesets import read_for_graph as read_for_graph
    from fwc.api.rulesets import read_side as read_side
    from fwc.api.testing import TestOutcome as TestOutcome
    from fwc.api.testing import TestRequest as TestRequest
    from fwc.api.testing import test_policy as test_policy
    from fwc.api.tracing import trace_packet as trace_packet
    from fwc.dialects.registry import target_name as target_name

_MODULE_OF = {
    "query": "fwc.api.asking",
    "diff": "fwc.api.comparing",
    "CompileOptions": "fwc.api.compiling",
    "TargetOutput": "fwc.api.compiling",
    "compile_policy": "fwc.api.compiling",
    "policy_findings": "fwc.api.compiling",
    "convert": "fwc.api.converting",
    "cost": "fwc.api.costing",
    "fix": "fwc.api.fixing",
    "DIALECT_OF": "fwc.api.kinds",
    "KINDS": "fwc.api.kinds",
    "recognise_kind": "fwc.api.kinds",
    "LintOutcome": "fwc.api.linting",
    "LintRequest": "fwc.api.linting",
    "lint": "fwc.api.linting",
    "dns_names": "fwc.api.policies",
    "load_policy": "fwc.api.policies",
    "ReadRequest": "fwc.api.rulesets",
    "Side": "fwc.api.rulesets",
    "import_ruleset": "fwc.api.rulesets",
    "read_for_graph": "fwc.api.rulesets",
    "read_side": "fwc.api.rulesets",
    "TestOutcome": "fwc.api.testing",
    "TestRequest": "fwc.api.testing",
    "test_policy": "fwc.api.testing",
    "trace_packet": "fwc.api.tracing",
    "target_name": "fwc.dialects.registry",
}
"""Where each public name is defined."""


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'fwc.api' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(module), name)
    return value
