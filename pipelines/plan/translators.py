"""The translators between two hospitals as data: Oliveira & dos Santos 2018.

A translator learns from two sets of pictures without pairs: A, the config's own data, and B, the data set that the
config's `sources` call `target`. After training it draws pictures of B as A would have taken them. It is no method: it
makes no pairs to learn from, and brings no regimes.
"""
from __future__ import annotations

from typing import Dict

from datasets.errors import InputError
from pipelines.plan.stage import Stage

TARGET = 'target'  # B, in the config's `sources`

TRANSLATORS: Dict[str, Stage] = {
    name: Stage('translator', name, 'image', ('image',), f'translator_{name}', reads=('train', TARGET))
    for name in ('cyclegan', 'unit', 'munit')}


def parse_translator(name: str) -> Stage:
    """The stage of the translator of that name; InputError lists those there are."""
    if name not in TRANSLATORS:
        raise InputError(f'translator {name!r}: expected one of {", ".join(TRANSLATORS)}')
    return TRANSLATORS[name]
