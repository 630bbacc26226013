"""An nft file as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.dialects.nft.tree import ChainNode, Command, RuleNode, TableNode, Tree


def rules(tree: Tree) -> Iterator[RuleNode]:
    """Every rule of the file, in blocks and in commands."""
    for item in tree.items:
        if isinstance(item, TableNode):
            yield from _of_table(item)
        elif isinstance(item, Command):
            payload = item.payload
            if isinstance(payload, RuleNode):
                yield payload
            elif isinstance(payload, TableNode):
                yield from _of_table(payload)
            elif isinstance(payload, ChainNode):
                yield from payload.rules


def _of_table(table: TableNode) -> Iterator[RuleNode]:
    for item in table.items:
        if isinstance(item, ChainNode):
            yield from item.rules
