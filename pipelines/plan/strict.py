"""Plain data -> frozen dataclasses, refusing what they do not declare, each refusal with its path."""
from __future__ import annotations

import dataclasses
import math
import typing
from typing import Any, Dict, Optional, Sequence

from datasets.errors import InputError
from datasets.files import parse_yaml

WHOLE = ('targets',)  # mappings that are one value: classes by their organs


def merge(tree, changes):
    """`changes` laid over `tree`, section by section; what is one value as a whole takes the other's place."""
    if isinstance(tree, dict) and isinstance(changes, dict):
        return {k: merge(tree[k], changes[k]) if k in tree and k in changes and k not in WHOLE
                else changes.get(k, tree.get(k)) for k in [*tree, *changes]}
    return changes


def override(tree: dict, assignment: str) -> None:
    """Carries out one `key.path=value` in place; the value is YAML."""
    path, separator, text = assignment.partition('=')
    if not separator:
        raise InputError(f'--set {assignment}: expected KEY=VALUE')
    *parents, leaf = path.split('.')
    for key in parents:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise InputError(f'--set {assignment}: {key} is a value, not a section')
    try:
        value = parse_yaml(text)
    except ValueError as error:
        raise InputError(f'--set {assignment}: expected a value in YAML: {error}') from None
    tree[int(leaf) if leaf.isdecimal() else leaf] = value  # an entry of a mapping by numbers


def build(kind, tree, path: str, source: str, given: Optional[Dict[str, Any]] = None,
          also: Sequence[str] = ()):
    """A mapping -> dataclass `kind`, its sections likewise.

    Args:
      path: where the mapping stands in the config, '' at the top; for errors, after `source`.
      given: values of fields that are built already, and so no keys of the mapping.
      also: names of keys that the caller has taken out; for the message that lists the known ones.

    Raises:
      InputError: an unknown or missing key, or a value of another type than declared.
    """
    where = f'{source}: {path}' if path else source
    if not isinstance(tree, dict):
        raise InputError(f'{where}: expected a section with keys, found {tree!r}')
    given = given or {}
    fields = {f.name: f for f in dataclasses.fields(kind) if f.name not in given}
    hints = typing.get_type_hints(kind)
    for key in tree:
        if key not in fields:
            full = f'{path}.{key}' if path else str(key)
            raise InputError(f'{source}: unknown key {full}; known keys: '
                             f'{", ".join([*fields, *also])}')
    values = {key: _convert(hints[key], value, f'{path}.{key}' if path else key, source)
              for key, value in tree.items()}
    for name, field in fields.items():
        required = (field.default is dataclasses.MISSING
                    and field.default_factory is dataclasses.MISSING)
        if required and name not in values:
            raise InputError(f'{where}: missing key {f"{path}.{name}" if path else name}')
    return kind(**values, **given)


def _convert(hint, value, path: str, source: str):
    if dataclasses.is_dataclass(hint):
        return build(hint, value, path, source)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:  # Optional[X]
        return None if value is None else _convert(arguments[0], value, path, source)
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_convert(arguments[0], v, f'{path}[{i}]', source)
                     for i, v in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {_convert(arguments[0], k, f'{path} key', source):
                _convert(arguments[1], v, f'{path}.{k}', source) for k, v in value.items()}
    if origin is typing.Literal:
        if any(type(value) is type(one) and value == one for one in arguments):
            return value
        words = ', '.join(str(one).lower() for one in arguments)
        raise InputError(f'{source}: {path}: expected one of {words}, found {value!r}')
    if hint is Any:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if hint is float and type(value) is float and not math.isfinite(value):
        raise InputError(f'{source}: {path}: expected a finite number, found {value!r}')
    if type(value) is hint:
        return value
    hint_text = {str: 'a text', int: 'a whole number', float: 'a number such as 2.0e-4',
                 bool: 'true or false'}.get(hint, 'a list' if origin is tuple else 'a mapping')
    raise InputError(f'{source}: {path}: expected {hint_text}, found {value!r}')


def plain(value):
    """Tuples to lists, all the way down, as YAML wants them."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value
