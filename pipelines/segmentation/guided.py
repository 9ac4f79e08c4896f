"""A stage that draws pictures from label maps while a segmenter watches: the supervised step inside one data set.

Third in a training step, behind the stage's own updates: the segmenter of REAL, which rests, is shown what the generator
draws of a label map, and its errors move the generator, so that pictures show what their labels say. Source: Oliveira & dos
Santos 2018, section IV, where the segmenter moves too and the pictures come from another hospital. [ours] It rests, for what
is used of this training are the pictures; it is shown them as it was shown real ones, standardised, a window of each.
"""
from __future__ import annotations

import dataclasses
from typing import Mapping

import tensorflow as tf

from datasets.errors import InputError
from datasets.records import Info
from models.adversarial import Update
from models.segmenters.losses import pixel_accuracy, pixel_loss
from pipelines.data import augment, pixels
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.methods import Stage
from pipelines.plan.regimes import Run, watcher
from pipelines.plan.workdir import Workdir
from pipelines.runtime import determinism
from pipelines.segmentation.inputs import classes, of_drawn
from pipelines.segmentation.network import make_network, targets_for
from pipelines.stages.stage import kind_of, stage_io, stage_task
from pipelines.training.checkpoints import is_finished, restore_networks
from pipelines.training.task import Task


def guided_task(config: Config, stage: Stage, sources: Mapping[str, Info], workdir) -> Task:
    """The training of a stage, with the segmenter's update where one watches; see stages.stage.stage_task.

    With several parts the segmenter watches the last, in which the whole generator moves.
    """
    task = stage_task(config, stage, sources)
    if not stage.watched:
        return task
    run = watcher(config)
    targets = targets_for(config, run, sources[stage.reads[0]].coding)
    with determinism.precision(config.precision):
        network = make_network(config, run, targets.num_outputs)
    update = _watched(config, stage, sources[stage.reads[0]], task, run, network)
    *before, last = task.phases

    def start():
        task.start()
        restore_networks({'chosen': network}, Workdir(workdir).segmenter(run))

    return task._replace(networks={**task.networks, 'watcher': network}, start=start, key=None,
                         phases=(*before, last._replace(updates=(*last.updates, update))))


def check_watcher(config: Config, stage: Stage, workdir) -> None:
    """InputError where a segmenter is to watch that is not trained yet."""
    run = watcher(config)
    if stage.watched and not is_finished(Workdir(workdir).segmenter(run)):
        raise InputError(f'stage {stage.folder}: expected segmenters/{run.name}, which watches it, trained, found it is not: '
                         f'first tools/train_segmenter.py --regime real --segmenter {run.segmenter}, with the same --config '
                         f'and --workdir')


def _watched(config: Config, stage: Stage, info: Info, task: Task, run: Run, network: tf.keras.Model) -> Update:
    io, settings = stage_io(config, stage, info.coding), segmenter_settings(config, run.segmenter)
    kind = kind_of(stage)
    generator = task.networks[kind.draws(io)]
    draw, labels = kind.draw(io, generator), classes(settings.size, dataclasses.replace(info, has_ignored=False), targets_for(
        config, run, info.coding))

    def loss(batch, made):
        del made
        codes = tf.argmax(batch['source'][..., :info.coding.num_codes], -1, tf.int32)
        wanted = tf.stack([labels({'labels': one})['label'] for one in tf.unstack(codes)])
        picture = draw(tf.cast(codes, tf.uint8), *([batch['style'][:, 0]] if 'style' in batch else []))
        seen = of_drawn(pixels.resize(picture, settings.size, settings.size), settings)
        seen, wanted = (augment.random_window(values, batch['key'], settings.crop) for values in (seen, wanted))
        logits = network(seen, batch['key'], training=False)
        return io.settings.watched_weight * pixel_loss(wanted, logits), {'watched_accuracy': pixel_accuracy(wanted, logits)}

    return Update('watched', generator.trainable_variables, loss)
