"""Configuration: `fwc.yaml`, `.fwc.yaml` or `[tool.fwc]` of `pyproject.toml`, the nearest one upwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fwc.diagnostics import Confidence, Persona, Severity
from fwc.errors import UsageError
from fwc.lints._settings import Interface, LintSettings

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("fwc.yaml", ".fwc.yaml")
MOST_EXTENDS = 16


def find_config(start: Path) -> Path | None:
    """The nearest configuration file at `start` (a directory) or above it."""
    for directory in (start.resolve(), *start.resolve().parents):
        for name in NAMES:
            if (directory / name).is_file():
                return directory / name
        project = directory / "pyproject.toml"
        if project.is_file() and "fwc" in _toml(project).get("tool", {}):
            return project
    return None


def load_config(path: Path | None, values: tuple[str, ...] = ()) -> LintSettings:
    """The settings of a file, laid over those it `extend`s, with `values` (`key=value`, the value in YAML) laid over it. Raises
    UsageError: unknown keys are errors."""
    data = _merged(path, 0) if path is not None else {}
    for word in values:
        data.update(_assignment(word))
    return _settings(data, path or "--config") if data else LintSettings()


def _assignment(word: str) -> dict[str, Any]:
    """`fail-level=error`, `thresholds.linear-run=16`, `ignore=[FW8, FW511]`."""
    import yaml

    key, _, text = word.partition("=")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise UsageError(f"--config {word}: {' '.join(str(problem).split())}") from None
    *outer, last = key.strip().split(".")
    out: dict[str, Any] = {last: value}
    for name in reversed(outer):
        out = {name: out}
    return out


def _merged(path: Path, depth: int) -> dict[str, Any]:
    if depth > MOST_EXTENDS:
        raise UsageError(f"{path}: `extend` goes round in a circle")
    data = _read(path)
    parent = data.pop("extend", None)
    if parent is None:
        return data
    if not isinstance(parent, str):
        raise UsageError(f"{path}: `extend` wants the path of one file")
    return {**_merged(path.parent / parent, depth + 1), **data}


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.name == "pyproject.toml":
            data = _toml(path).get("tool", {}).get("fwc", {})
        else:
            import yaml

            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            try:
                data = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
            except yaml.YAMLError as problem:
                raise UsageError(f"{path}: {' '.join(str(problem).split())}") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"cannot read {path}: {problem}") from None
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UsageError(f"{path}: expected `key: value` lines at the top level")
    return data


def _toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"cannot read {path}: {problem}") from None


def _settings(data: Mapping[str, Any], path: Path | str) -> LintSettings:
    values: dict[str, Any] = {}
    for key, value in data.items():
        reader = _KEYS.get(key.replace("_", "-"))
        if reader is None:
            raise UsageError(f"{path}: unknown key `{key}`{_suggestion(key, _KEYS)}")
        try:
            values.update(reader(value))
        except (TypeError, ValueError, KeyError, AttributeError) as problem:
            raise UsageError(f"{path}: `{key}`: {problem}") from None
    return LintSettings(**values)


def _suggestion(word: str, known: Mapping[str, object]) -> str:
    import difflib

    close = difflib.get_close_matches(word, known, 1)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(sorted(known))}"


def _words(value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(i, str) for i in items):
        raise ValueError("expected a list of words")
    return tuple(items)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"expected a number, not {value!r}")
    return value


def _level(value: Any) -> Severity | None:
    if value is False or value == "off":  # YAML reads a bare `off` as false
        return None
    return Severity(value)


def _fail_level(value: Any) -> dict[str, Any]:
    return {"fail_level": Severity(value)}


def _severities(value: Any) -> dict[str, Any]:
    return {"severity": tuple((str(k), _level(v)) for k, v in value.items())}


def _per_file(value: Any) -> dict[str, Any]:
    return {"per_file_ignores": tuple((str(k), _words(v)) for k, v in value.items())}


def _target(value: Any) -> dict[str, Any]:
    backend = value.get("backend", "") if isinstance(value, dict) else value
    if isinstance(value, dict):
        _only(value, {"backend", "os"})
    if backend not in {"", "nftables", "nft", "iptables", "pf"}:
        raise ValueError(f"unknown target {backend!r}; the targets are nftables, iptables and pf")
    return {"target": "nftables" if backend == "nft" else backend}


def _interfaces(value: Any) -> dict[str, Any]:
    out = []
    for zone, entry in value.items():
        _only(entry, {"names", "prefixes", "trusted", "dynamic", "mtu", "zone"})
        mtu = entry.get("mtu")
        out.append(
            Interface(
                str(entry.get("zone", zone)),
                _words(entry.get("names", [zone])),
                _words(entry.get("prefixes", [])),
                _boolean(entry.get("trusted", False)),
                _boolean(entry.get("dynamic", False)),
                None if mtu is None else _integer(mtu),
            )
        )
    return {"interfaces": tuple(out)}


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, not {value!r}")
    return value


def _port(word: str) -> tuple[str, int]:
    protocol, _, port = word.partition("/")
    if protocol not in {"tcp", "udp"} or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"expected a port as tcp/22, not {word!r}")
    return protocol, int(port)


def _management(value: Any) -> dict[str, Any]:
    _only(value, {"ports", "from"})
    out: dict[str, Any] = {}
    if "ports" in value:
        out["management"] = tuple(_port(word) for word in _words(value["ports"]))
    if "from" in value:
        out["management_from"] = tuple(_network(word) for word in _words(value["from"]))
    return out


def _network(word: str) -> str:
    import ipaddress

    ipaddress.ip_network(word)  # says what is wrong
    return word


def _sensitive(value: Any) -> dict[str, Any]:
    return {"sensitive_ports": tuple(_port(v)[1] if isinstance(v, str) else _integer(v) for v in value)}


def _thresholds(value: Any) -> dict[str, Any]:
    _only(value, {"linear-run", "long-path", "wide-ports"})
    return {key.replace("-", "_"): _integer(number) for key, number in value.items()}


def _only(value: Any, known: set[str]) -> None:
    if not isinstance(value, dict):
        raise ValueError("expected `key: value` lines")
    for key in value:
        if key not in known:
            raise ValueError(f"unknown key `{key}`{_suggestion(str(key), dict.fromkeys(known))}")


_KEYS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "persona": lambda v: {"persona": Persona(v)},
    "profile": lambda v: {"profile": str(v)},
    "fail-level": _fail_level,
    "min-severity": lambda v: {"min_severity": Severity(v)},
    "min-confidence": lambda v: {"min_confidence": Confidence(v)},
    "select": lambda v: {"select": _words(v)},
    "ignore": lambda v: {"ignore": _words(v)},
    "extend-select": lambda v: {"extend_select": _words(v)},
    "severity": _severities,
    "per-file-ignores": _per_file,
    "target": _target,
    "interfaces": _interfaces,
    "management": _management,
    "thresholds": _thresholds,
    "sensitive-ports": _sensitive,
    "foreign-chains": lambda v: {"foreign_chains": _words(v)},
    "require-reason": lambda v: {"require_reason": _boolean(v)},
}
