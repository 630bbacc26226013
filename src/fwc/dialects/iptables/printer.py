"""Tree to text. Every word is quoted so that nothing in it can end its word or its line."""

from __future__ import annotations

from fwc.dialects.base import OutputFile
from fwc.dialects.iptables.tree import ChainLine, Counters, Hook, IptablesTree, RuleLine, SaveFile, SetLine, TableBlock
from fwc.net.hooks import Family

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+=@%!&|*()[]{}<>?~^#;$")


def quote(word: str) -> str:
    """The word as iptables-restore reads it back: double quotes where needed, backslash before `"` and `\\`.

    A word with a line break or NUL cannot be written at all (iptables/xshared.c reads lines); the caller must have
    refused it, so it is an error here.
    """
    if word and word[0] not in "#!;" and _PLAIN.issuperset(word):
        return word
    if word == "!":
        return word
    if "\n" in word or "\r" in word or "\0" in word:
        raise ValueError("a word of a rule cannot hold a line break")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def print_tree(tree: IptablesTree) -> list[OutputFile]:
    """One output per file, then `ipset.conf` and `apply.sh` when there are sets or hooks."""
    out = [OutputFile(save.name, print_save(save)) for save in tree.files]
    if tree.sets:
        out.append(OutputFile("ipset.conf", print_sets(tree.sets, tree.set_header)))
    if tree.hooks:
        out.append(OutputFile("apply.sh", print_script(tree), executable=True))
    return out


def print_save(save: SaveFile) -> str:
    lines = [_comment(text) for text in save.header]
    for table in save.tables:
        _table(table, lines)
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text)
    return f"# {clean}".rstrip()


def _table(table: TableBlock, lines: list[str]) -> None:
    lines.append(f"*{table.name}")
    lines.extend(_chain(chain) for chain in table.chains)
    quoted = _cache.__getitem__
    for rule in table.rules:
        if rule.note:
            lines.append(_comment(rule.note))
        try:
            text = " ".join(map(quoted, rule.words))
        except KeyError:
            text = " ".join(map(_quoted, rule.words))
        lines.append(_rule(rule, text))
    lines.append("COMMIT")


_cache: dict[str, str] = {}


def _quoted(word: str) -> str:
    known = _cache.get(word)
    if known is None:
        if len(_cache) > 100_000:
            _cache.clear()
        known = _cache[word] = quote(word)
    return known


def _counters(counters: Counters) -> str:
    return f"[{counters[0]}:{counters[1]}]"


def _chain(chain: ChainLine) -> str:
    return f":{quote(chain.name)} {chain.policy} {_counters(chain.counters or (0, 0))}"


def _rule(rule: RuleLine, text: str) -> str:
    head = f"{rule.command} {_quoted(rule.chain)}"
    if rule.position is not None:
        head += f" {rule.position}"
    if text:
        head += f" {text}"
    return head if rule.counters is None else f"{_counters(rule.counters)} {head}"


def print_sets(sets: tuple[SetLine, ...], header: tuple[str, ...]) -> str:
    """Lines for `ipset restore`; `-exist` makes a second load harmless."""
    lines = [_comment(text) for text in header]
    lines.extend(" ".join((s.command, "-exist", quote(s.name), *map(quote, s.words))) for s in sets)
    return "\n".join(lines) + "\n"


def print_script(tree: IptablesTree) -> str:
    """The hook-up script of `coexist`: idempotent, because iptables-restore has no "insert if missing"."""
    lines = ["#!/bin/sh", *(_comment(text) for text in tree.script_header)]
    lines += ["set -e", 'cd "$(dirname "$0")"']
    if tree.sets:
        lines.append("ipset restore < ipset.conf")
    for save in tree.files:
        command = _command(save.family)
        lines.append(f"{command}-restore {'--noflush ' if save.noflush else ''}< {save.name}")
        lines.extend(_hook(hook, command) for hook in tree.hooks if hook.family is save.family)
    return "\n".join(lines) + "\n"


def _command(family: Family | None) -> str:
    return "ip6tables" if family is Family.V6 else "iptables"


def _hook(hook: Hook, command: str) -> str:
    table = "" if hook.table == "filter" else f"-t {hook.table} "
    put = f"-I {hook.chain} 1" if hook.first else f"-A {hook.chain}"
    call = f"{command} -w {table}"
    return f"{call}-C {hook.chain} -j {hook.target} 2>/dev/null || {call}{put} -j {hook.target}"
