"""Where a text does not fit the rule format: all places at once, for whoever writes rules by hand.

A decoder stops at the first place. Only after it did, the text is walked through once more, type by
type, and each innermost place that does not fit is a fault.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from domain.programmes.faults import Fault, listed
from domain.programmes.format import FormatError, ProgrammeVersion, decode_version

_ADVICE = "see schemas/programme"
_SHOWN_MAX = 60


class MisfitError(FormatError):
    """A text that does not fit the rule format.

    Args:
        faults: all of them.

    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(
            f"programme version: expected JSON as schemas/programme says, found {len(faults)} "
            f"faults: {'; '.join(map(str, faults))}"
        )
        self.faults = faults


def read_version(text: bytes | str) -> ProgrammeVersion:
    """Return the version that a JSON text holds, its types checked; see ``checking`` for the rest.

    Raises:
        MisfitError: it holds none; every place that does not fit is named.

    """
    try:
        return decode_version(text)
    except FormatError as error:
        raise MisfitError(_faults(text, str(error.__cause__))) from error
    except RecursionError as error:
        raise MisfitError((_too_deep(),)) from error


def _faults(text: bytes | str, said: str) -> tuple[Fault, ...]:
    try:
        tree = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return (Fault("text", f"expected JSON, found: {error}; mend it"),)
    except RecursionError:
        return (_too_deep(),)
    return tuple(_misfits(tree, ProgrammeVersion, "")) or (Fault("text", f"{said}; {_ADVICE}"),)


def _too_deep() -> Fault:
    return Fault("text", "expected brackets nested a few levels deep, found many; flatten it")


def _misfits(value: Any, kind: Any, field: str) -> Iterator[Fault]:  # noqa: ANN401 - of any type
    """Yield the innermost places of a value that do not fit a type."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        within = tuple(_within(value, _plain(kind), field))
        yield from within or (Fault(field or "text", _sentence(str(error), value)),)


def _within(value: Any, kind: Any, field: str) -> Iterator[Fault]:  # noqa: ANN401 - of any type
    """Yield the misfits inside of a value; none if the value itself is what does not fit."""
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        member = _member(value, get_args(kind))
        if member is not None:
            yield from _within(value, _plain(member), field)
    elif origin is tuple and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misfits(item, get_args(kind)[0], f"{field}[{index}]")
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _misfits(item, get_args(kind)[1], f"{field}.{key[:_SHOWN_MAX]}")
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        yield from _of_struct(value, kind, field)


def _of_struct(value: Mapping[str, Any], kind: type[msgspec.Struct], field: str) -> Iterator[Fault]:
    start = f"{field}." if field else ""
    known = {one.name: one for one in msgspec.structs.fields(kind)}
    tag = kind.__struct_config__.tag_field
    for name in value:
        if name not in known and name != tag:
            message = f"expected one of {listed(known)}, found another name; {_ADVICE}"
            yield Fault(f"{start}{name[:_SHOWN_MAX]}", message)
    for name, one in known.items():
        if name in value:
            yield from _misfits(value[name], one.type, f"{start}{name}")
        elif one.required:
            yield Fault(f"{start}{name}", f"expected a value, found none; {_ADVICE}")


def _member(value: Any, members: tuple[Any, ...]) -> Any:  # noqa: ANN401 - of any type
    """Return the member of a union that a value is meant to be, None if that cannot be told."""
    structs = [one for one in map(_plain, members) if hasattr(one, "__struct_config__")]
    for member in structs:
        config = member.__struct_config__
        if len(structs) == 1 or (
            isinstance(value, dict) and value.get(config.tag_field) == config.tag
        ):
            return member
    return None


def _plain(kind: Any) -> Any:  # noqa: ANN401 - an annotation
    """Return a type without its limits."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _sentence(said: str, value: Any) -> str:  # noqa: ANN401 - of any type
    expected = said.partition(" - at ")[0].replace("Expected", "expected", 1)
    if ", got " in expected:
        return f"{expected.replace(', got ', ', found ')}; {_ADVICE}"
    shown = msgspec.json.encode(value).decode()
    return f"{expected}, found {shown[:_SHOWN_MAX]}{'…' * (len(shown) > _SHOWN_MAX)}; {_ADVICE}"
