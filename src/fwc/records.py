"""The decorator behind every data type: immutable to the type checker, cheap at run time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def record(cls: type[_T]) -> type[_T]:
    """Make `cls` a slotted value type.

    The type checker treats instances as frozen, so assigning to a field is an error in CI. At run time they are
    plain slotted objects: `dataclass(frozen=True)` stores every field through `object.__setattr__`, which made
    building the tree of a 10,000-rule policy three times slower.
    """
    own = vars(cls)
    if not cls.__doc__:
        cls.__doc__ = cls.__name__  # else dataclass spends half of its time on writing the signature there
    made = dataclass(slots=True, eq=False, repr="__repr__" not in own)(cls)
    if "__eq__" not in own:
        _compare_by_fields(made)
    return made


def _compare_by_fields(cls: type[Any]) -> None:
    """Equality and hash by the compared fields, as dataclass means them, without compiling two functions per class."""
    names = [f.name for f in fields(cls) if f.compare]
    values: Callable[[object], object] = attrgetter(*names) if names else lambda _: ()

    def equal(self: object, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented  # type: ignore[no-any-return]
        return bool(values(self) == values(other))

    def hashed(self: object) -> int:
        return hash(values(self))

    cls.__eq__ = equal  # type: ignore[assignment]
    if "__hash__" not in vars(cls) or vars(cls)["__hash__"] is object.__hash__:
        cls.__hash__ = hashed  # type: ignore[assignment]
