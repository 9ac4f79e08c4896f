"""A request's JSON, checked: what is no dot, no seed or no noise is refused in one line."""
from __future__ import annotations

import json
from typing import Any, Sequence

from datasets.dots import Dot
from datasets.errors import InputError
from pipelines.play.session import MAX_DOTS, MAX_NOISE, MAX_SEED, Asked


def parse_body(body: bytes) -> dict:
    """-> a JSON object; InputError for anything else."""
    try:
        found = json.loads(body.decode('utf-8'))
    except (ValueError, RecursionError):
        raise InputError('body: expected JSON in UTF-8, found something else') from None
    if not isinstance(found, dict):
        raise InputError(f'body: expected a JSON object, found {type(found).__name__}')
    return found


def _check_keys(body: dict, names: Sequence[str]) -> None:
    if set(body) != set(names):
        raise InputError(f'body: expected the keys {", ".join(names)}, found {", ".join(sorted(body))[:80] or "none"}')


def parse_seed(body: dict) -> int:
    """The whole number of {seed}."""
    _check_keys(body, ['seed'])
    return _seed(body['seed'])


def _seed(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_SEED:
        raise InputError(f'seed: expected a whole number from 0 to {MAX_SEED}, found another or none')
    return value


def _number(name: str, value: Any, most: float) -> float:
    if type(value) not in (int, float) or not 0 <= value <= most:
        raise InputError(f'{name}: expected a number from 0 to {most:g}, found another or none')
    return float(value)


def parse_asked(body: dict, organs: Sequence[str]) -> Asked:
    """{dots: [{organ, y, x}], seed, noise}; positions from 0 to 1.

    Raises:
      InputError: a key too many or missing, an organ that nobody knows, a number out of its range.
    """
    _check_keys(body, ['dots', 'seed', 'noise'])
    dots = body['dots']
    if not isinstance(dots, list) or len(dots) > MAX_DOTS or not all(isinstance(dot, dict) for dot in dots):
        raise InputError(f'dots: expected a list of at most {MAX_DOTS} objects, found something else')
    found = []
    for dot in dots:
        _check_keys(dot, Dot._fields)
        if dot['organ'] not in organs:
            raise InputError(f'dots: expected organs of {", ".join(organs)}, found another')
        found.append(Dot(dot['organ'], _number('y', dot['y'], 1), _number('x', dot['x'], 1)))
    return Asked(found, _seed(body['seed']), _number('noise', body['noise'], MAX_NOISE))
