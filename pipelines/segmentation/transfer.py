"""The supervised part of a transfer as a Task: a segmenter of A watches a translator between A and B.

It starts from the translator that learned alone (its stage: the first 20 epochs of Oliveira & dos Santos 2018, section
IV) and from REAL's segmenter, and goes on with both: every step has the translator's own updates and then the
supervised one. What is kept, chosen and exported is one network: pictures of B -> A -> classes.
"""
from __future__ import annotations

import functools
from typing import Callable, Dict, Mapping

import tensorflow as tf

from datasets import records
from datasets.records import Info
from datasets.targets import Targets
from models.adversarial import copy_weights
from models.transfer import Translations, supervised_update
from pipelines.data import augment
from pipelines.plan.artefacts import used_by
from pipelines.plan.config import Config, Segmenter
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run
from pipelines.plan.transfers import chosen_by
from pipelines.plan.workdir import Workdir
from pipelines.runtime import determinism
from pipelines.runtime.seeds import stable_seed
from pipelines.segmentation.inputs import classes, of_drawn
from pipelines.segmentation.network import make_network, targets_for
from pipelines.segmentation.pairs import labelled_of, one_of
from pipelines.segmentation.predict import predict_probabilities
from pipelines.segmentation.validation import Chooser, validator
from pipelines.stages.stage import StageIO, kind_of, stage_io, stage_networks
from pipelines.stages.unpaired import epoch_of, infos_of, unpaired_batches
from pipelines.training.checkpoints import restore_networks
from pipelines.training.task import Average, Task, Validation


class TranslatedSegmenter(tf.keras.Model):
    """A translator and a segmenter behind it.

    Call: pictures of B [N, S, S, C] in [-1, 1] -> pictures as the segmenter of A is given them, float32.

    Attributes:
      segmenter: what is called with these.
      seen: translated pictures -> as it is given them.
    """

    def __init__(self, translator: tf.keras.Model, draw: Callable, segmenter: tf.keras.Model, seen: Callable):
        super().__init__()
        self.translator, self.segmenter = translator, segmenter
        self.draw, self.seen = draw, seen
        self.built = True

    def call(self, pictures):
        return self.seen(self.draw(pictures))


def translated_segmenter(config: Config, run: Run, io: StageIO, networks: Mapping[str, tf.keras.Model],
                         segmenter: tf.keras.Model) -> TranslatedSegmenter:
    """The two as one, of the networks of the run's translator."""
    kind = kind_of(io.stage)
    translator, settings = networks[kind.draws(io)], segmenter_settings(config, run.segmenter)
    return TranslatedSegmenter(translator, kind.draw(io, translator), segmenter, functools.partial(of_drawn, settings=settings))


def new_translated(config: Config, run: Run, io: StageIO, num_outputs: int) -> TranslatedSegmenter:
    """The same with networks of its own, for chosen weights."""
    return translated_segmenter(config, run, io, stage_networks(config, io), make_network(config, run, num_outputs))


def transfer_task(config: Config, run: Run, sources: Mapping[str, Info], workdir) -> Task:
    """The supervised part; nothing is read before its first batch is asked for.

    [ours] Optimisers begin anew, for the stage is a training by itself; the translator's rate is that of its first
    step, and stays. The batches are the translator's.

    Args:
      sources: the sets of records that plan.artefacts.used_by names.

    Raises:
      InputError: a share of labels that gives no image.
    """
    settings, io = segmenter_settings(config, run.segmenter), _io(config, run, sources)
    infos, targets = infos_of(io, sources), targets_for(config, run, sources['train'].coding)
    with determinism.precision(config.precision):  # of training alone: what is exported is float32
        networks, network = stage_networks(config, io), make_network(config, run, targets.num_outputs)
        unsupervised = kind_of(io.stage).task(io, networks, sources)
        chosen = new_translated(config, run, io, targets.num_outputs)
    live = translated_segmenter(config, run, io, networks, network)
    phase, also = unsupervised.phases[0], _labels(config, run, infos, targets)
    spec = {**phase.batch_spec, **_spec(io, settings, infos, also)}
    phase = phase._replace(
        name='supervised', steps=config.transfer.epochs * epoch_of(io, infos),
        learning_rate=lambda step, rate=phase.learning_rate(0): rate, batch_spec=spec,
        updates=(*phase.updates, _supervised(config, run, io, networks, network)),
        batches=unpaired_batches(io._replace(seed=stable_seed(config.seed, run.seed, run.name)), infos, spec, also,
                                 settings.crop))

    def start():
        restore_networks(networks, Workdir(workdir).stage(io.stage))
        restore_networks({'chosen': network}, Workdir(workdir).segmenter(run.pretraining))
        copy_weights(chosen, live)

    task = Task(run.name, {**networks, 'network': network, 'chosen': chosen}, (phase,), unsupervised.betas,
                extras=unsupervised.extras, start=start, mixed_precision=config.precision == 'mixed_float16')
    if not chosen_by(config, run.labelled):  # the last weights
        return task._replace(averages=(Average(chosen, live, 0.0),))
    score = _score(config, run, io, networks, live, sources, targets)
    return task._replace(validation=Validation(settings.validate_every, score, chosen, live))


def read_sources(config: Config, run: Run, workdir) -> Dict[str, Info]:
    """The records that a run learns from and is chosen by; InputError if they are not there yet."""
    return {name: records.read_info(Workdir(workdir).records(name)) for name in used_by(config, run)}


def _io(config: Config, run: Run, sources: Mapping[str, Info]) -> StageIO:
    return stage_io(config, run.regime.transfer.translator, sources['train'].coding)


def _supervised(config: Config, run: Run, io: StageIO, networks: Mapping[str, tf.keras.Model],
                network: tf.keras.Model):
    settings = segmenter_settings(config, run.segmenter)
    drawn = kind_of(io.stage).translations(io, networks)

    def watched(draw, domain):
        return lambda batch: augment.random_window(of_drawn(draw(batch), settings), batch[f'{domain}_key'], settings.crop)

    variables = [v for domain in 'ab' for v in networks[f'generator_{domain}'].trainable_variables]
    return supervised_update(
        network, Translations(watched(drawn.recovered_a, 'a'), watched(drawn.synthetic_a, 'b')), variables,
        bool(run.labelled), decay=settings.weight_decay, rate=settings.finetune_learning_rate / io.settings.learning_rate)


def _labels(config: Config, run: Run, infos: Mapping[str, Info], targets: Targets) -> Dict[str, Callable]:
    """What batches hold beside pictures: classes of A, and those of B that are labelled."""
    found = {'a': classes(config.data.size, infos['a'], targets)}
    if run.labelled:
        is_labelled, of_b = one_of(labelled_of(config, run, infos['b'])), classes(config.data.size, infos['b'], targets)
        found['b'] = lambda row: {**of_b(row), 'labelled': tf.cast(is_labelled(row), tf.float32)}
    return found


def _spec(io: StageIO, settings: Segmenter, infos: Mapping[str, Info], also: Mapping[str, Callable]
          ) -> Dict[str, tf.TensorSpec]:
    count, crop = io.settings.batch_size, settings.crop
    spec = {f'{domain}_label': tf.TensorSpec([count, crop, crop], tf.uint8) for domain in also}
    spec.update({f'{domain}_ignored': tf.TensorSpec([count, crop, crop], tf.uint8) for domain in also
                 if infos[domain].has_ignored})
    return {**spec, **({'b_labelled': tf.TensorSpec([count])} if 'b' in also else {})}


def _score(config: Config, run: Run, io: StageIO, networks: Mapping[str, tf.keras.Model], live: TranslatedSegmenter,
           sources: Mapping[str, Info], targets: Targets) -> Callable[[], float]:
    """Of pictures of B by way of A; [ours] without labels of B, of pictures of A that went to B and back."""
    settings, name = segmenter_settings(config, run.segmenter), chosen_by(config, run.labelled)
    info = sources[name]
    labels = classes(config.data.size, info, targets)
    recovered = kind_of(io.stage).translations(io, networks).recovered_a
    field, = io.drawn

    def predict(pictures):
        keys = tf.zeros([tf.shape(pictures)[0], 2], tf.int32)  # the same noise each time
        if run.labelled:
            seen = live(pictures)
        else:
            seen = live.seen(recovered({'a_image': pictures, 'a_key': keys, 'b_key': keys}))  # MUNIT's style of B is drawn
        return predict_probabilities(live.segmenter, seen, settings.crop, targets)

    return validator(config, settings, Chooser(info), targets,
                     lambda row: {'image': field.prepare(row), **labels(row)}, predict)
