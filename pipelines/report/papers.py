"""What the papers printed and how they measured: a YAML file each in pipelines/published."""
from __future__ import annotations

import functools
import pathlib
from typing import Any, Dict

import yaml

FOLDER = pathlib.Path(__file__).parents[1] / 'published'
Paper = Dict[str, Any]


@functools.lru_cache(maxsize=None)
def load_paper(name: str = 'ciano2021') -> Paper:
    """The file of one paper; another paper is another file."""
    return yaml.safe_load((FOLDER / f'{name}.yaml').read_text(encoding='utf-8'))
