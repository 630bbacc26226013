"""`Record`: what its classes do as `dataclass(slots=True)` would, and what they are at run time."""

from __future__ import annotations

import dataclasses
import importlib
import pickle
import pkgutil
import sys
from typing import Any

import pytest

import fwc
from fwc.records import InParts, Record, _init_of


class Point(Record):
    """A place."""

    x: int
    y: int = 0
    name: str = dataclasses.field(default="", compare=False)
    seen: list[int] = dataclasses.field(default_factory=list, repr=False)

    @property
    def sum(self) -> int:
        return self.x + self.y

    def own_class(self) -> type:
        return __class__  # type: ignore[name-defined,no-any-return]


class Nothing(Record):
    pass


class Placed(Record, kept={"at": InParts(lambda p: (p._x, p._y), "_x", "_y")}):
    """`class Name(Placed)` is a record that has its `at` as two fields."""


class Town(Placed):
    name: str
    at: tuple[int, int]
    size: int = 0


class ByIdentity(Record):
    x: int

    __eq__ = object.__eq__
    __hash__ = object.__hash__


def every_record() -> list[type]:
    """The records of all modules of fwc."""
    for module in pkgutil.walk_packages(fwc.__path__, "fwc."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [
        value
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == "fwc"
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == name and "__dataclass_fields__" in vars(value)
        if not hasattr(value, "__dataclass_params__")  # those of `dataclass` itself
    ]


def test_is_a_plain_slotted_class() -> None:
    assert type(Point) is type
    assert Point.__mro__ == (Point, object)
    assert Point.__slots__ == ("x", "y", "name", "seen")  # type: ignore[attr-defined]
    assert not hasattr(Point(1), "__dict__")
    assert (Point.__name__, Point.__qualname__, Point.__module__) == ("Point", "Point", __name__)
    assert Point.__doc__ == "A place."
    assert Point(1).own_class() is Point


def test_a_field_in_parts_is_seen_as_one() -> None:
    assert type(Town) is type
    assert Town.__mro__ == (Town, object)
    assert Town.__slots__ == ("name", "_x", "_y", "size")  # type: ignore[attr-defined]
    town = Town("Here", (1, 2), 3)
    assert (town.name, town.at, town.size) == ("Here", (1, 2), 3)
    assert town == Town("Here", (1, 2), 3) != Town("Here", (1, 3), 3)
    assert hash(town) == hash(Town(at=(1, 2), size=3, name="Here"))
    assert dataclasses.replace(town, size=4) == Town("Here", (1, 2), 4)
    assert [f.name for f in dataclasses.fields(town)] == ["name", "at", "size"]  # type: ignore[arg-type]
    assert repr(town) == "Town(name='Here', at=(1, 2), size=3)"
    assert pickle.loads(pickle.dumps(town)) == town


def test_every_record_of_fwc_says_its_fields() -> None:
    """Annotations reach the maker as long as they are texts: without the import from __future__ Python 3.14 makes them later."""
    found = every_record()
    assert len(found) > 400
    for each in found:
        assert type(each) is type
        kept = {name: value.parts for name, value in vars(each).items() if isinstance(value, InParts)}
        slots = [slot for name in each.__annotations__ for slot in kept.get(name, (name,))]
        assert list(each.__slots__) == slots  # type: ignore[attr-defined]
        assert sys.modules[each.__module__].annotations.compiler_flag


def test_arguments_and_defaults() -> None:
    assert (Point(1).x, Point(1).y, Point(1).name, Point(1).seen) == (1, 0, "", [])
    assert Point(y=2, x=1).sum == 3
    assert Point(1).seen is not Point(1).seen
    given = [1]
    assert Point(1, 2, "n", given).seen is given
    assert isinstance(Nothing(), Nothing)


def test_a_wrong_call_names_the_class_and_the_field() -> None:
    for _ in range(2):  # the first call makes `__init__`
        with pytest.raises(TypeError, match=r"Point.__init__\(\) missing 1 required positional argument: 'x'"):
            Point()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"Point.__init__\(\) got an unexpected keyword argument 'z'"):
            Point(1, z=2)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"Nothing.__init__\(\) takes 1 positional argument but 2 were given"):
            Nothing(1)  # type: ignore[call-arg]


def test_init_is_what_the_compiler_makes() -> None:
    for each in every_record():
        fields = dataclasses.fields(each)  # type: ignore[arg-type]
        made = _init_of(each, vars(each)["__dataclass_fields__"].defaults)
        parameters, body = ["self"], ["pass"]
        for field in fields:
            maker = f"_make_{len(parameters) - 1}() if {field.name} is _missing else "
            has_maker = field.default_factory is not dataclasses.MISSING
            required = field.default is dataclasses.MISSING and not has_maker
            parameters.append(field.name if required else f"{field.name}=None")
            kept = vars(each)[field.name]
            slots = kept.parts if isinstance(kept, InParts) else (field.name,)
            targets = ", ".join(f"self.{slot}" for slot in slots)
            body.append(f"{targets} = {maker if has_maker else ''}{field.name}")
        names: dict[str, Any] = {}
        exec(f"def __init__({', '.join(parameters)}): {'; '.join(body)}", names)
        compiled = names["__init__"]
        assert made.__code__.co_code == compiled.__code__.co_code
        for name in ("co_names", "co_varnames", "co_argcount", "co_stacksize", "co_consts", "co_flags", "co_name"):
            assert getattr(made.__code__, name) == getattr(compiled.__code__, name), (each, name)
        defaults = [f.default for f in fields if f.default is not dataclasses.MISSING]
        assert len(made.__defaults__ or ()) == len(compiled.__defaults__ or ())
        assert [d for d in made.__defaults__ or () if d is not dataclasses.MISSING] == defaults


def test_equality_and_hash_are_by_the_compared_fields() -> None:
    assert Point(1, 2, "a", []) == Point(1, 2, "b", [])
    assert Point(1, 2) != Point(2, 1)
    assert Point(1) != (1, 0)
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1
    assert ByIdentity(1) != ByIdentity(1)
    assert len({ByIdentity(1), ByIdentity(1)}) == 2


def test_repr_leaves_out_what_it_is_told() -> None:
    assert repr(Point(1, name="n")) == "Point(x=1, y=0, name='n')"


def test_works_with_dataclasses_match_and_pickle() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [f.name for f in dataclasses.fields(Point)] == ["x", "y", "name", "seen"]
    assert dataclasses.replace(Point(1, 2), y=3) == Point(1, 3)
    assert pickle.loads(pickle.dumps(Point(1, 2, "n", [3]))).seen == [3]
    match Point(1, 2):
        case Point(x, 2):
            assert x == 1
        case _:
            pytest.fail("not matched by place")


def test_is_no_base_class_and_has_none() -> None:
    with pytest.raises(TypeError, match="a record is no base class"):
        type("Sub", (Point,), {})
    with pytest.raises(TypeError, match="a record has no other base class"):
        type(Record)("Sub", (Record, Exception), {})
