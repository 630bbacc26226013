"""The options of a statement, sorted by kind, and which statement takes which."""

from __future__ import annotations

from fwc.diagnostics import Diagnostic
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import LIMIT, OPTION
from fwc.lang import ast
from fwc.source import Span


class Options:
    """Options by kind; what is not written is None, empty or False."""

    __slots__ = ("adds", "comment", "count", "flags", "label", "limits", "log", "ports", "reject_kind", "skip")

    def __init__(self) -> None:
        self.log: ast.LogOption | None = None
        self.limits: list[ast.LimitOption | ast.MaxOption] = []
        self.reject_kind: ast.WithOption | None = None
        self.count: ast.CountOption | None = None
        self.label = ""
        self.comment = ""
        self.adds: list[ast.AddOption] = []
        self.flags: dict[str, Span] = {}
        self.ports: ast.PortsOption | None = None
        self.skip = False


NONE = Options()

_META = frozenset({"label", "text", "expires", "ignore", "disabled"})
_ACTIONS = frozenset({"log", "count", "add"})
ALLOWED = {
    "allow": _META | _ACTIONS | {"limit", "max", "with", "stateless"},
    "deny": _META | _ACTIONS,
    "reject": _META | _ACTIONS | {"with"},
    "log": _META | _ACTIONS,
    "count": _META | _ACTIONS,
    "default": frozenset({"log", "count", "with", "label", "text"}),
    "jump": _META | _ACTIONS,
    "masquerade": _META | {"log", "count", "ports", "random", "persistent"},
    "snat": _META | {"log", "count", "ports", "random", "persistent"},
    "forward": _META | {"log", "count", "random", "persistent", "hairpin", "without-accept"},
    "redirect": _META | {"log", "count", "random", "without-accept"},
    "map": _META | {"log", "count"},
    "no-nat": _META | {"log", "count"},
    "change": _META | {"log", "count"},
    "assert": _META,
}
"""What each statement takes; `change` are mark, rewrite, clamp, notrack and helper."""


def sort_options(kind: str, options: tuple[ast.Option, ...], out: list[Diagnostic]) -> Options:
    """The options of a statement of this kind; what it does not take is reported and left out."""
    if not options:
        return NONE
    found = Options()
    allowed = ALLOWED[kind]
    for option in options:
        word = _kind(option)
        if word not in allowed:
            out.append(_refused(kind, word, option.span))
            continue
        _store(found, option)
    return found


def _kind(option: ast.Option) -> str:
    return option.kind if isinstance(option, ast.FlagOption) else _KINDS[type(option)]


_KINDS: dict[type, str] = {
    ast.LogOption: "log",
    ast.LimitOption: "limit",
    ast.MaxOption: "max",
    ast.WithOption: "with",
    ast.CountOption: "count",
    ast.LabelOption: "label",
    ast.TextOption: "text",
    ast.ExpiresOption: "expires",
    ast.IgnoreOption: "ignore",
    ast.AddOption: "add",
    ast.DisabledOption: "disabled",
    ast.PortsOption: "ports",
}


def _store(found: Options, option: ast.Option) -> None:
    if isinstance(option, ast.LogOption):
        found.log = option
    elif isinstance(option, (ast.LimitOption, ast.MaxOption)):
        found.limits.append(option)
    elif isinstance(option, ast.WithOption):
        found.reject_kind = option
    elif isinstance(option, ast.CountOption):
        found.count = option
    elif isinstance(option, ast.LabelOption):
        found.label = option.name.text
    elif isinstance(option, ast.TextOption):
        if option.kind == "comment":
            found.comment = option.text.value
    elif isinstance(option, ast.AddOption):
        found.adds.append(option)
    elif isinstance(option, ast.FlagOption):
        found.flags[option.kind] = option.span
    elif isinstance(option, ast.PortsOption):
        found.ports = option
    elif isinstance(option, ast.DisabledOption):
        found.skip = True


def _refused(kind: str, word: str, span: Span) -> Diagnostic:
    if word in ("limit", "max"):
        return mistake(
            LIMIT,
            f"`{word}` belongs to `allow`: what exceeds it is refused there",
            span,
            help=f"write `allow ... {word} ...` for what may pass; the excess is denied, and `else` chooses how",
        )
    shown = {"label": "as", "text": "comment", "without-accept": "without accept"}.get(word, word)
    return mistake(
        OPTION, f"`{shown}` is no option of {_NAMES.get(kind, f'`{kind}`')}", span, help=_ADVICE.get(word, "remove it")
    )


_NAMES = {"change": "a packet change", "assert": "an assertion", "default": "`default`", "jump": "`jump`"}
_ADVICE = {
    "stateless": "`stateless` belongs to `allow`; refuse the replies with a rule of their own",
    "with": "`with` chooses how `reject` answers",
    "hairpin": "`hairpin` belongs to `forward`",
    "without-accept": "`without accept` belongs to `forward` and `redirect`",
    "ports": "`ports` belongs to `snat` and `masquerade`",
}
