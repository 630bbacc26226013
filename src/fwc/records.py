"""The decorator behind every data type: immutable to the type checker, cheap at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def record(cls: type[_T]) -> type[_T]:
    """Make `cls` a slotted value type.

    The type checker treats instances as frozen, so assigning to a field is an error in CI. At run time they are
    plain slotted objects: `dataclass(frozen=True)` stores every field through `object.__setattr__`, which made
    building the tree of a 10,000-rule policy three times slower.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
