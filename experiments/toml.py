"""TOML files from and to frozen dataclasses, with errors that name the key.

A nested dataclass is a section, a field a key. Fields may be of type str, int, float, bool, Path,
Literal, ``tuple[T, ...]``, any union of these, or None (a key that may be left out).
"""

import difflib
import json
import os
import tomllib
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class ConfigError(ValueError):
    """A setting that cannot be used. The message is one line, for the user of the command."""


_KINDS = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
_MISFIT = object()


def load_toml(path: str | os.PathLike[str], kind: type[T]) -> T:
    """Read a TOML file into a dataclass; keys that the file leaves out keep their defaults.

    Parameters
    ----------
    path : path-like
    kind : type
        A dataclass whose fields have defaults.

    Raises
    ------
    ConfigError
        No file or no TOML, an unknown section or key (the nearest known one is named), a wrong
        type, or a value that the dataclass refuses.

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Walk:
    ...     steps: int = 1
    >>> file = Path(tempfile.mkdtemp()) / "walk.toml"
    >>> _ = file.write_text("stepps = 3")
    >>> load_toml(file, Walk)
    Traceback (most recent call last):
    ...
    rankloom.experiments.toml.ConfigError: ...walk.toml: unknown key `stepps`; did you mean `steps`?
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"there is no configuration file {str(path)!r}.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise ConfigError(f"{str(path)!r} is not a TOML file: {err}.") from err
    try:
        return _build(table, kind, "")
    except ValueError as err:
        raise ConfigError(f"{path}: {err}") from err


def dump_toml(settings: Any) -> str:
    """The text that `load_toml` reads back into an equal dataclass; None is left out."""
    return "\n".join(_lines(settings, "")).lstrip("\n") + "\n"


def _build(table: dict[str, Any], kind: type[T], section: str) -> T:
    hints = get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in hints:
            raise ValueError(_unknown(key, list(hints), section))
        hint = hints[key]
        if is_dataclass(hint):
            if not isinstance(value, dict):
                raise ValueError(f"`{section}{key}` is a section, [{section}{key}], got {value!r}.")
            values[key] = _build(value, hint, f"{section}{key}.")  # type: ignore[arg-type]
            continue
        values[key] = _convert(value, hint)
        if values[key] is _MISFIT:
            raise ValueError(f"`{section}{key}` must be {_wanted(hint)}, got {value!r}.")
    try:
        return kind(**values)
    except ValueError as err:
        raise ValueError(f"[{section[:-1]}] {err}" if section else str(err)) from err


def _convert(value: Any, hint: Any) -> Any:
    """`value` as `hint` has it, or `_MISFIT`."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        found = (_convert(value, option) for option in get_args(hint) if option is not type(None))
        return next((v for v in found if v is not _MISFIT), _MISFIT)
    if origin is Literal:
        # 1 == True in Python, not in TOML.
        fits = any(value == option and type(value) is type(option) for option in get_args(hint))
        return value if fits else _MISFIT
    if origin is tuple:
        if not isinstance(value, list):
            return _MISFIT
        items = tuple(_convert(item, get_args(hint)[0]) for item in value)
        return _MISFIT if _MISFIT in items else items
    if hint is Path:
        return Path(value) if isinstance(value, str) and value else _MISFIT
    if hint is float and type(value) is int:
        return float(value)
    return value if type(value) is hint else _MISFIT


def _wanted(hint: Any) -> str:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_wanted(o) for o in get_args(hint) if o is not type(None))
    if origin is Literal:
        return " or ".join(json.dumps(option) for option in get_args(hint))
    if origin is tuple:
        return f"a list (of {_wanted(get_args(hint)[0])} each)"
    return "a path (a string)" if hint is Path else _KINDS[hint]


def _unknown(key: str, known: list[str], section: str) -> str:
    near = difflib.get_close_matches(key, known, 1, cutoff=0.5)
    hint = f"did you mean `{section}{near[0]}`?" if near else f"known are {', '.join(known)}."
    return f"unknown key `{section}{key}`; {hint}"


def _lines(settings: Any, section: str) -> Iterator[str]:
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    for name, value in values.items():
        if value is not None and not is_dataclass(value):
            yield f"{name} = {_literal(value)}"
    for name, value in values.items():
        if is_dataclass(value):
            yield ""
            yield f"[{section}{name}]"
            yield from _lines(value, f"{section}{name}.")


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    # A TOML basic string is a JSON string but for one character.
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
