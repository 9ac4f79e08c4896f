"""That no picture is both learned from and scored, or chooses an epoch: between any two sets of records of a config."""
from __future__ import annotations

from typing import List

from datasets import records
from datasets.digests import Digests, check_apart
from datasets.divisions import validates
from datasets.sample import Dataset
from pipelines.data.sources import check_patients, has_left_out, open_split
from pipelines.plan.config import Config
from pipelines.plan.pseudo import PSEUDO
from pipelines.plan.transfers import VALIDATION
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir


def check_split(config: Config, workdir, split: str, dataset: Dataset, digests: Digests) -> None:
    """InputError where a picture of a set stands in one that it has to be apart from.

    Sets that are scored, or choose, are compared with all that are learned from; one that is learned from with those of
    them that there are records of already: the others are compared when they are made.
    """
    learns = _learns(config, split)
    for other in _others(config, workdir, split):
        there, sections = open_split(config, other), tuple(map(config.section_of, (split, other)))
        check_apart(dataset, there, digests, sections)
        if config.data_of(split).source and config.data_of(split).source == config.data_of(other).source:
            check_patients(*((dataset, there) if learns else (there, dataset)))  # by the names of one archive


def _others(config: Config, workdir, split: str) -> List[str]:
    chooses = [VALIDATION] * (TARGET in config.sources and validates(config.sources[TARGET]))
    if _learns(config, split):
        asked = ['test', 'left_out', *['validation'] * validates(config.data), *chooses, *config.external]
        there = [name for name in asked if (Workdir(workdir).records(name) / records.INFO).exists()]
        return [name for name in there if name != 'left_out' or has_left_out(config)]
    more = {'validation': ['test'], VALIDATION: []}.get(split, chooses)
    return ['train', *config.sources, *more]


def _learns(config: Config, split: str) -> bool:
    return split in ('train', PSEUDO, *config.sources)
