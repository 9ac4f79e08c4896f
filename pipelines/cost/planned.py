"""The trainings of a config as Tasks, before there are records: what plans and estimates read.

Nothing is described a second time: these are the very Tasks that would be trained, from sources that say
what records there will be. Build them inside a `tf.Graph`, where variables cost nothing.
"""
from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence

from datasets.labels import LabelCoding
from datasets.records import Info
from pipelines.data.sources import open_split
from pipelines.plan.artefacts import used_by
from pipelines.plan.config import Config
from pipelines.plan.methods import Stage
from pipelines.plan.pseudo import PSEUDO
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation.guided import guided_task
from pipelines.segmentation.pairs import Pairs
from pipelines.segmentation.task import task_of
from pipelines.segmentation.transfer import transfer_task
from pipelines.training.task import Task


def planned_info(config: Config, coding: LabelCoding, count: int, ids: Sequence[str] = ()) -> Info:
    """Records that will be there: `count` of them, with augmented versions."""
    return Info(Path('records'), 'planned', 'train', config.data.size, 8, config.data.dots_size,
                coding, list(ids), {}, count, channels=config.data.channels,
                has_bone_suppressed=config.data.bone_suppressed)


def planned_stage(config: Config, stage: Stage, coding: LabelCoding, count: int) -> Task:
    """The training of a GAN stage on `count` records of each source, and as many as there are that a teacher labels."""
    counts = {name: count if name != PSEUDO else len(open_split(config, name).ids) * config.data_of(name).augment
              for name in stage.reads}
    return guided_task(config, stage, {name: planned_info(config, coding, number) for name, number in counts.items()}, None)


def planned_sources(config: Config, names: Sequence[str]) -> Dict[str, Info]:
    """Records that will be there of some sets that are learned from, or chosen by; no picture is read."""
    found = {}
    for name in names:
        dataset, versions = open_split(config, name), config.data_of(name).augment
        if name not in ('train', *config.sources):  # that chooses is not augmented
            versions = 1
        found[name] = planned_info(config, dataset.coding, len(dataset.ids) * versions, dataset.ids)
    return found


def planned_transfer(config: Config, run: Run) -> Task:
    """The supervised part of a run that has a translator."""
    return transfer_task(config, run, planned_sources(config, used_by(config, run)), workdir=None)


def planned_segmenter(config: Config, segmenter: str, coding: LabelCoding) -> Task:
    """The training of a segmenter; its regime changes how long and from what, not what a step costs."""
    pairs = Pairs(planned_info(config, coding, 1))
    return task_of(config, Run(parse_regime('real'), segmenter), pairs, workdir=None)
