"""`settings { ... }`: every key of language section 2.8, its values, and the defaults where it is not written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.codes import SETTING
from fwc.elaborate.expanded import Implicit, Limits
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.elaborate.when import FAMILIES, SYSTEMS, TARGETS
from fwc.ir.verdict import RejectKind
from fwc.lang import ast
from fwc.records import Record
from fwc.source import Span

LONGEST_TABLE_NAME = 20
"""Characters: iptables chains begin with it and have at most 28 (XT_EXTENSION_MAXNAMELEN - 1)."""

LONGEST_ANCHOR = 63
"""Characters of one component of an anchor's path (XNU pfvar.h, PF_ANCHOR_NAME_SIZE - 1)."""

LOG_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
LONGEST_PREFIX = 127
"""Characters of a log prefix (nf_log.h, NF_LOG_PREFIXLEN - 1); targets may allow fewer."""

COEXIST = ("docker", "kubernetes", "fail2ban")


class Placement(Record):
    """A `settings` block and where it stands: `host` inside the compiled host's block, `conditional` inside a `when`."""

    block: ast.SettingsBlock
    host: bool = False
    conditional: bool = False


class Chosen(Record):
    """All settings of one machine. `target`, `os` are "" where nothing says them."""

    target: str = ""
    os: str = ""
    family: str = "dual"
    stateful: bool = True
    table: str = "fwc"
    anchor: str = "fwc"
    coexist: frozenset[str] = frozenset()
    reject_with: str = ""
    on_expired: str = "error"
    implicit: Implicit = Implicit()
    log: Limits = Limits()


Values = Sequence[Any]
_Change = dict[str, Any]


class _Reader:
    """One line of settings: reports what is wrong, returns the fields of `Chosen` that it changes."""

    def __init__(self, chosen: Chosen, out: list[Diagnostic]) -> None:
        self.chosen = chosen
        self.out = out

    def wrong(self, span: Span, message: str, help: str) -> _Change:
        self.out.append(mistake(SETTING, message, span, help=help))
        return {}

    def word(self, setting: ast.Setting, allowed: Iterable[str]) -> str | None:
        """The one value of a setting, which must be among `allowed`."""
        words = list(allowed)
        key = setting.key.text
        value = setting.values[0] if len(setting.values) == 1 else None
        if isinstance(value, ast.Name) and value.text in words:
            return value.text
        meant = suggestion(value.text, words) if isinstance(value, ast.Name) else ""
        help = f"did you mean `{key} {meant}`?" if meant else f"write `{key}` and one of {', '.join(words)}"
        self.wrong(value.span if value is not None else setting.span, f"`{key}` takes one of {', '.join(words)}", help)
        return None

    def target(self, setting: ast.Setting) -> _Change:
        word = self.word(setting, TARGETS)
        return {} if word is None else {"target": TARGETS[word]}

    def os(self, setting: ast.Setting) -> _Change:
        return self._plain("os", self.word(setting, SYSTEMS))

    def family(self, setting: ast.Setting) -> _Change:
        return self._plain("family", self.word(setting, FAMILIES))

    def stateful(self, setting: ast.Setting) -> _Change:
        word = self.word(setting, ("on", "off"))
        return {} if word is None else {"stateful": word == "on"}

    def reject_with(self, setting: ast.Setting) -> _Change:
        return self._plain(
            "reject_with", self.word(setting, [k.value for k in RejectKind if k is not RejectKind.DEFAULT])
        )

    def on_expired(self, setting: ast.Setting) -> _Change:
        return self._plain("on_expired", self.word(setting, ("error", "omit", "keep")))

    def keep(self, setting: ast.Setting) -> _Change:
        """`keep com-apple` says what is always so: Apple's anchors stay in pf's output (D21)."""
        self.word(setting, ("com-apple",))
        return {}

    def _plain(self, field: str, word: str | None) -> _Change:
        return {} if word is None else {field: word}

    def coexist(self, setting: ast.Setting) -> _Change:
        found = set(self.chosen.coexist)
        for value in setting.values:
            if not isinstance(value, ast.Name) or value.text not in COEXIST:
                return self.wrong(value.span, f"`coexist` takes {', '.join(COEXIST)}", "name the tool whose rules stay")
            found.add(value.text)
        return {"coexist": frozenset(found)}

    def table(self, setting: ast.Setting) -> _Change:
        text = self.text(setting)
        if text is None:
            return {}
        if not _identifier(text) or len(text) > LONGEST_TABLE_NAME:
            help = f"use at most {LONGEST_TABLE_NAME} letters, digits and _, not beginning with a digit"
            return self.wrong(setting.values[0].span, f"{text!r} cannot be the name of a table", help)
        return {"table": text}

    def anchor(self, setting: ast.Setting) -> _Change:
        text = self.text(setting)
        if text is None:
            return {}
        parts = text.split("/")
        if not all(
            part and len(part) <= LONGEST_ANCHOR and _identifier(part.replace(".", "_").replace("-", "_"))
            for part in parts
        ):
            help = "use letters, digits and _ . - in each part, for example com.apple/fwc"
            return self.wrong(setting.values[0].span, f"{text!r} cannot be the path of an anchor", help)
        return {"anchor": text}

    def text(self, setting: ast.Setting) -> str | None:
        value = setting.values[0] if len(setting.values) == 1 else None
        if isinstance(value, ast.Text):
            return value.value
        self.wrong(setting.span, f"`{setting.key.text}` takes one string", f'write `{setting.key.text} "fwc"`')
        return None

    def implicit(self, setting: ast.Setting) -> _Change:
        names = [v.text if isinstance(v, ast.Name) else "" for v in setting.values]
        words = _IMPLICIT.get(names[0]) if names else None
        if words is None:
            meant = suggestion(names[0], _IMPLICIT) if names else ""
            help = f"did you mean `{meant}`?" if meant else f"the implicit rules are {', '.join(_IMPLICIT)}"
            span = setting.values[0].span if setting.values else setting.span
            return self.wrong(
                span, f"there is no implicit rule {names[0]!r}" if names else "`implicit` names no rule", help
            )
        if len(names) != 2 or names[1] not in words:
            span = setting.values[1].span if len(setting.values) > 1 else setting.span
            return self.wrong(
                span, f"`implicit {names[0]}` takes one of {', '.join(words)}", f"write `implicit {names[0]} off`"
            )
        field = names[0].replace("-", "_")
        value: str | bool = names[1] if field == "rpfilter" else names[1] == "on"
        chosen = dataclasses.replace(self.chosen.implicit, **{field: value})  # type: ignore[arg-type]
        if field in ("rpfilter", "antispoof"):
            chosen = dataclasses.replace(chosen, span=setting.span)
        return {"implicit": chosen}

    def log(self, setting: ast.Setting) -> _Change:
        log = self.chosen.log
        values = list(setting.values)
        if not values:
            return self.wrong(
                setting.span,
                "`log` says nothing",
                'write `log prefix "fwc "`, `log rate 10/minute` or `log level info`',
            )
        while values:
            word, value = values[0], values[1] if len(values) > 1 else None
            key = word.text if isinstance(word, ast.Name) else ""
            change = self._log_part(key, value)
            if not change:
                help = 'write `prefix "..."`, `rate 10/minute`, `burst 20`, `level info` or `verbatim on`'
                return self.wrong(
                    word.span, f"this is no setting of `log` or lacks its value: {word.span.text!r}", help
                )
            if "prefix" in change and not _printable(change["prefix"]):
                help = f"use at most {LONGEST_PREFIX} printable ASCII characters without quotes and backslashes"
                return self.wrong(
                    value.span if value else word.span, "this log prefix cannot be written to every target", help
                )
            log = dataclasses.replace(log, **change)
            values = values[2:]
        return {"log": log}

    def _log_part(self, key: str, value: object) -> _Change:
        if key == "prefix" and isinstance(value, ast.Text):
            return {"prefix": value.value}
        if key == "rate" and isinstance(value, ast.Rate) and value.unit == "packets" and value.amount > 0:
            return {"amount": value.amount, "seconds": value.seconds}
        if key == "burst" and isinstance(value, ast.Number) and value.value > 0:
            return {"burst": value.value}
        if key == "verbatim" and isinstance(value, ast.Name) and value.text in _ON_OFF:
            return {"verbatim": value.text == "on"}
        if key == "level" and isinstance(value, ast.Name) and value.text in LOG_LEVELS:
            return {"level": value.text}
        return {}


_ON_OFF = ("on", "off")
_IMPLICIT = {
    "loopback": _ON_OFF,
    "established": _ON_OFF,
    "invalid-drop": _ON_OFF,
    "icmpv6-nd": _ON_OFF,
    "dhcp-client": _ON_OFF,
    "rpfilter": ("off", "loose", "strict"),
    "antispoof": _ON_OFF,
}

_KEYS: dict[str, Callable[[_Reader, ast.Setting], _Change]] = {
    "target": _Reader.target,
    "os": _Reader.os,
    "family": _Reader.family,
    "stateful": _Reader.stateful,
    "implicit": _Reader.implicit,
    "log": _Reader.log,
    "reject-with": _Reader.reject_with,
    "table": _Reader.table,
    "anchor": _Reader.anchor,
    "coexist": _Reader.coexist,
    "on-expired": _Reader.on_expired,
    "keep": _Reader.keep,
}

DECIDING = frozenset({"target", "os", "family"})
"""Keys on which `when` depends, so they cannot stand inside one."""


def read_settings(placements: Sequence[Placement], out: list[Diagnostic], only: frozenset[str] | None = None) -> Chosen:
    """The settings of all blocks, the host's own over the file's. `only` reads some keys and reports nothing else."""
    chosen = Chosen()
    for host in (False, True):
        seen: dict[str, Span] = {}
        for placement in placements:
            if placement.host is not host:
                continue
            for setting in placement.block.settings:
                if only is None or setting.key.text in only:
                    chosen = _apply(chosen, setting, placement, seen, out)
    return chosen


def _apply(
    chosen: Chosen, setting: ast.Setting, placement: Placement, seen: dict[str, Span], out: list[Diagnostic]
) -> Chosen:
    key = setting.key.text
    handler = _KEYS.get(key)
    if handler is None:
        meant = suggestion(key, _KEYS)
        help = f"did you mean `{meant}`?" if meant else f"settings are {', '.join(_KEYS)}"
        out.append(mistake(SETTING, f"there is no setting `{key}`", setting.key.span, help=help))
        return chosen
    if placement.conditional and key in DECIDING:
        help = "set it outside: `when` is decided by it"
        out.append(mistake(SETTING, f"`{key}` cannot be set inside `when`", setting.span, help=help))
        return chosen
    for part in _parts(setting):
        if part in seen:
            first = Label(seen[part], "first set here")
            help = "keep one of the two"
            out.append(mistake(SETTING, f"`{part}` is set twice", setting.span, help=help, secondary=[first]))
            return chosen
        seen[part] = setting.span
    return dataclasses.replace(chosen, **handler(_Reader(chosen, out), setting))


def _parts(setting: ast.Setting) -> list[str]:
    """What a line sets, for finding a second line that sets the same; `coexist` lines add up."""
    key = setting.key.text
    if key == "coexist":
        return []
    words = [v.text for v in setting.values if isinstance(v, ast.Name)]
    if key == "implicit":
        return [f"implicit {words[0]}"] if words else []
    if key == "log":
        return [f"log {w}" for w in words if w in ("prefix", "rate", "burst", "level", "verbatim")]
    return [key]


def _identifier(text: str) -> bool:
    return text.isascii() and text.replace("_", "a").isalnum() and not text[0].isdigit()


def _printable(text: str) -> bool:
    return len(text) <= LONGEST_PREFIX and all(" " <= c <= "~" and c not in "\"\\'" for c in text)
