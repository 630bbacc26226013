"""What every data type is made by: immutable to the type checker, cheap at run time and to define."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Set
from dataclasses import MISSING
from functools import cache
from itertools import chain
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any, dataclass_transform


class InParts(property):
    """A field that a record keeps as several slots, `parts`: it is given as a tuple of what they hold, and what is seen is what
    `get` makes of the record."""

    def __init__(self, get: Callable[[Any], object], *parts: str) -> None:
        super().__init__(get)
        self.parts = parts


class _Maker(type):
    """Makes what is written as a subclass of `Record` without a base class and with `type` for its type. A subclass that says
    what is `kept` in parts is one more way to write records: those that have such fields."""

    kept: dict[str, InParts]

    def __new__(
        cls, name: str, bases: tuple[type, ...], members: dict[str, Any], kept: dict[str, InParts] | None = None
    ) -> Any:
        if not bases or kept is not None:
            made = super().__new__(cls, name, bases, members)
            made.kept = kept or {}
            return made
        base = bases[0]
        if len(bases) > 1 or not isinstance(base, _Maker):
            raise TypeError(f"{name}: a record has no other base class")
        fields = {field: members.pop(field, MISSING) for field in members.get("__annotations__", ())}
        members["__slots__"] = members["__match_args__"] = tuple(fields)
        if base.kept:
            members.update({field: base.kept[field] for field in fields if field in base.kept})
            slots = [base.kept[field].parts if field in base.kept else (field,) for field in fields]
            members["__slots__"] = tuple(chain.from_iterable(slots))
        members["__dataclass_fields__"] = _Fields(fields)
        members["__init__"] = _first_init
        members["__init_subclass__"] = _no_subclass
        members.setdefault("__repr__", _repr)
        if "__eq__" not in members:
            _compare_by_fields(members, fields)
        return type(name, (), members)


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
class Record(metaclass=_Maker):
    """`class Name(Record)` is a slotted value type, as `dataclass(slots=True)` would make it.

    The type checker treats instances as frozen, so assigning to a field is an error in CI. At run time they are
    plain slotted objects: `dataclass(frozen=True)` stores every field through `object.__setattr__`, which made
    building the tree of a 10,000-rule policy three times slower.

    As with `typing.NamedTuple`, the base class is a way to write it and is gone at run time: `isinstance` is slower for classes
    that have a type of their own. It is no decorator because slots cannot be added to a class: it would have to make each a
    second time. A record is no base class either: all fields of one stand in one place.

    There are some 400 of these types and a command uses a tenth of them. `dataclass` compiles three functions for each when
    it is imported, half of the start-up time of `fwc lint`; here `__init__` is made with the first object, and
    what `dataclasses.fields` and `dataclasses.replace` need is made when they first ask.
    """


def _no_subclass(cls: type[Any]) -> None:
    raise TypeError(f"{cls.__name__}: a record is no base class")


class _Fields:
    """A class's `__dataclass_fields__`, made when somebody asks; `defaults` maps each field to its default."""

    def __init__(self, defaults: dict[str, object]) -> None:
        self.defaults = defaults
        self._made: dict[str, dataclasses.Field[Any]] | None = None

    def __get__(self, _: object, owner: type[Any]) -> dict[str, dataclasses.Field[Any]]:
        if self._made is None:
            # `dataclass` itself makes the descriptions, on a class that has nothing else.
            members = {name: value for name, value in self.defaults.items() if value is not MISSING}
            annotations = dict.fromkeys(self.defaults, object)  # as a text it would be searched for what it is
            plain = type(owner.__name__, (), {"__annotations__": annotations, "__doc__": owner.__name__, **members})
            made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(plain)
            self._made = made.__dataclass_fields__
        return self._made


def _first_init(self: object, *values: object, **named: object) -> None:
    """Make the class's `__init__` and go on in it."""
    cls: Any = type(self)
    cls.__init__ = _init_of(cls, vars(cls)["__dataclass_fields__"].defaults)
    cls.__init__(self, *values, **named)


def _init_of(cls: type[Any], fields: dict[str, object]) -> FunctionType:
    """The `__init__` that sets the fields.

    The code of all classes with as many fields is the same but for names, and to name what is compiled once costs a tenth of
    compiling it. What comes out is what the compiler would have made, to the instruction; `test_records.py` compares.
    """
    given = [value.default if isinstance(value, dataclasses.Field) else value for value in fields.values()]
    makers = {
        f"_make_{n}": value.default_factory
        for n, value in enumerate(fields.values())
        if isinstance(value, dataclasses.Field) and value.default_factory is not MISSING
    }
    parts = tuple((n, vars(cls)[name].parts) for n, name in enumerate(fields) if isinstance(vars(cls)[name], InParts))
    code = _setting_all(len(fields), frozenset(makers), parts)
    named = {f"_{n}": name for n, name in enumerate(fields)}
    code = code.replace(
        co_varnames=tuple(named.get(name, name) for name in code.co_varnames),
        co_names=tuple(named.get(name, name) for name in code.co_names),
        co_qualname=f"{cls.__qualname__}.__init__",
    )
    defaults = tuple(value for n, value in enumerate(given) if value is not MISSING or f"_make_{n}" in makers)
    return FunctionType(code, {**makers, "_missing": MISSING}, None, defaults)


@cache
def _setting_all(count: int, makers: Set[str], parts: tuple[tuple[int, tuple[str, ...]], ...]) -> CodeType:
    """The code of an `__init__` with the fields `_0`, `_1` ...; that of `_2` calls `_make_2`, if this is in `makers`, for a value
    that is missing, and sets its `parts`, if it has any. A command needs some 15 of them, 2 % of the start of a small one: not
    worth writing each down."""
    fields = [f"_{n}" for n in range(count)]
    values = [f"_make{_n}() if {_n} is _missing else {_n}" if f"_make{_n}" in makers else _n for _n in fields]
    slots = dict(parts)
    targets = [", ".join(f"self.{slot}" for slot in slots.get(n, (f"_{n}",))) for n in range(count)]
    body = [f" {target} = {value}" for target, value in zip(targets, values, strict=True)] or [" pass"]
    names: dict[str, Any] = {}
    exec("\n".join([f"def __init__({', '.join(['self', *fields])}):", *body]), names)
    code: CodeType = names["__init__"].__code__
    return code


def _repr(self: object) -> str:
    shown = [f for f in dataclasses.fields(self) if f.repr]  # type: ignore[arg-type]
    return f"{type(self).__qualname__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in shown)})"


def _compare_by_fields(members: dict[str, Any], fields: dict[str, object]) -> None:
    """Equality and hash by the compared fields, as dataclass means them, without compiling two functions per class."""
    names = [name for name, value in fields.items() if not isinstance(value, dataclasses.Field) or value.compare]
    values: Callable[[object], object] = attrgetter(*names) if names else lambda _: ()

    def equal(self: object, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented  # type: ignore[no-any-return]
        return bool(values(self) == values(other))

    def hashed(self: object) -> int:
        return hash(values(self))

    members["__eq__"] = equal
    members.setdefault("__hash__", hashed)
