"""Whether a translator and the segmenter beside it have converged, in numbers and a sheet.

[ours] In place of the "visual assessment" of Oliveira & dos Santos 2018, section V: how far pictures come back changed,
whether the segmenter finds the same in a picture of A and in what came back of it, and how far translated pictures
are from real ones of A.
"""
from __future__ import annotations

from typing import Dict, List, NamedTuple

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.divisions import validates
from datasets.files import read_json, write_json, write_png
from models.features import random_features
from pipelines.data import sheets
from pipelines.evaluation.set_distances import kernel_distance
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run
from pipelines.plan.transfers import VALIDATION
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir
from pipelines.scores import overlap
from pipelines.segmentation.network import make_network, targets_for
from pipelines.segmentation.predict import decided, predict_probabilities
from pipelines.segmentation.transfer import translated_segmenter
from pipelines.stages.stage import kind_of, stage_io, stage_networks
from pipelines.stages.unpaired import ROWS, first_pictures
from pipelines.training.checkpoints import restore_networks

PICTURES = 64         # of each set, at most
AGREEMENT = 80.0      # per cent: J of what is found in a and in what came back of it, at least
LEFT = 0.5            # of the kernel distance between the hospitals, at most: what changes nothing comes back unchanged, too
FOUND_IN = {'a': 'a', 'aba': 'aba', 'b': 'ba', 'ba': 'ba'}  # row of a sheet -> where its outlines were found


class Watched(NamedTuple):
    """Two hospitals' pictures, what became of them (see unpaired.ROWS), and the classes found in pictures like A's."""
    pictures: Dict[str, np.ndarray]
    classes: Dict[str, np.ndarray]


def looked_at(config: Config) -> Dict[str, str]:
    """Names of the records whose pictures are translated: of A and of B those that choose, else those learned from."""
    return {'a': 'validation' if validates(config.data) else 'train',
            'b': VALIDATION if validates(config.sources[TARGET]) else TARGET}


def measure_convergence(config: Config, run: Run, workdir) -> dict:
    """Measures a trained run with a translator, once: the numbers of `quality/<run>.json`, beside which lies a sheet.

    `cycle_error_a`, `cycle_error_b`: mean change of a picture in [-1, 1] that came back. `agreement`: mean J, per cent.
    `kid_random`, `kid_random_before`: kernel distance to pictures of A of translated pictures of B and of B's own,
    by features of a random network. `has_converged`: all three are good enough; of one picture there is no distance, and
    the first two decide. `learned_from`: whether these pictures were.
    """
    path = Workdir(workdir).convergence(run)
    if path.exists():
        return read_json(path)
    infos = {domain: records.read_info(Workdir(workdir).records(name)) for domain, name in looked_at(config).items()}
    coding = records.read_info(Workdir(workdir).records('train')).coding
    targets = targets_for(config, run, coding)
    watched = _watched(config, run, workdir, infos, coding, targets)
    found = numbers(watched, len(targets.names), config.transfer.cycle_error)
    path.parent.mkdir(exist_ok=True)
    write_png(path.with_suffix('.png'), _sheet(watched, targets.colours(coding)))
    write_json(path, {**found, 'learned_from': {d: info.split in ('train', TARGET) for d, info in infos.items()},
                      'pictures': len(watched.pictures['a'])})
    return read_json(path)


def numbers(watched: Watched, num_classes: int, cycle_error: float) -> dict:
    """See `measure_convergence`; `cycle_error`: the most with which it counts as converged."""
    pictures = watched.pictures
    errors = {f'cycle_error_{d}': float(np.abs(pictures[d] - pictures[back]).mean()) for d, back in (('a', 'aba'), ('b', 'bab'))}
    agreement = float(np.nanmean(overlap.jaccard(np.array([
        overlap.counts(one, other, 1 + num_classes) for one, other in zip(watched.classes['a'], watched.classes['aba'])]))))
    features = {name: random_features()(pictures[name].mean(-1, keepdims=True) / 2 + 0.5).numpy() for name in ('a', 'b', 'ba')}
    distances = {key: kernel_distance(features[name], features['a']).value if len(features['a']) > 1 else None
                 for key, name in (('kid_random', 'ba'), ('kid_random_before', 'b'))}
    return {**errors, 'agreement': agreement, **distances,
            'has_converged': max(errors.values()) <= cycle_error and agreement >= AGREEMENT and (
                distances['kid_random'] is None or distances['kid_random'] <= LEFT * distances['kid_random_before'])}


def _watched(config: Config, run: Run, workdir, infos, coding, targets) -> Watched:
    io = stage_io(config, run.regime.transfer.translator, coding)
    networks, network = stage_networks(config, io), make_network(config, run, targets.num_outputs)
    restore_networks({**networks, 'network': network}, Workdir(workdir).segmenter(run))
    both = translated_segmenter(config, run, io, networks, network)
    translate = kind_of(io.stage).translate(io, networks)
    crop = segmenter_settings(config, run.segmenter).crop

    @tf.function(autograph=False)
    def of_pair(a, b):
        made = {'a': a, 'b': b, **translate(a, b)}
        return made, {name: decided(predict_probabilities(network, both.seen(made[name]), crop, targets), targets)
                      for name in ('a', 'aba', 'ba')}

    given = [first_pictures(io, infos[domain], PICTURES) for domain in 'ab']
    pairs = [of_pair(*(tf.constant(one[None]) for one in pair)) for pair in zip(*given)]
    return Watched(*({name: np.concatenate([pair[part][name] for pair in pairs]) for name in pairs[0][part]}
                     for part in (0, 1)))


def _sheet(watched: Watched, colours: np.ndarray) -> np.ndarray:
    """Rows a, to B, back; b, to A, back, with outlines of what was found; those of b were found in what it became."""
    def tile(name: str, number: int) -> np.ndarray:
        shown = np.uint8(np.clip((watched.pictures[name][number] + 1) * 127.5, 0, 255).round())
        if name not in FOUND_IN:
            return sheets.picture_to_rgb(shown)
        return sheets.overlay(shown, watched.classes[FOUND_IN[name]][number], colours, opacity=0.0)

    columns: List[int] = list(range(min(sheets.COLUMNS, len(watched.pictures['a']))))
    return sheets.grid([[tile(name, number) for number in columns] for name in ROWS])
