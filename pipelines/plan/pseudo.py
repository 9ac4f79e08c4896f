"""Pictures without labels that are learned from all the same: a teacher labels them (Lee 2013, pseudo-labels).

The pictures are those of the config's `sources.unlabelled`; learning images of `data` among them are left out. The teacher is
REAL, of `segmenters.teacher` where the config has one, else of its own network, under seed 0: a segmenter that finds every
organ of the data set by itself, so that what it finds can stand in a label map. [ours] Two things learn from them: the
regime SELF (then real pairs: self-training without any GAN), and the image stage of method `three_more`.
"""
from __future__ import annotations

from typing import Callable

PSEUDO = 'pseudo'           # the set of records
UNLABELLED = 'unlabelled'   # in the config's `sources`
TEACHER = 'teacher'         # in its `segmenters`


def teacher_network(config) -> str:
    """The name of the segmenter that labels."""
    return TEACHER if TEACHER in config.segmenters else config.segmenter.network


def check_source(config, who: str, refuse: Callable) -> None:
    """Refuses a config that names no pictures to label, or means to read their labels."""
    source = config.sources.get(UNLABELLED)
    if source is None or not source.unlabelled:
        refuse(f'sources.{UNLABELLED}', f'the pictures that {who} learns from without their labels, as sources: '
               f'{{{UNLABELLED}: {{unlabelled: true, source: DIR}}}}', source and {'unlabelled': source.unlabelled})
    if source.channels != config.data.channels:
        refuse(f'sources.{UNLABELLED}.channels', f'that of data, {config.data.channels}', source.channels)
