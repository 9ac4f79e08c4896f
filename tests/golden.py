"""What the program computed when the file of golden steps was made: a net under refactorings.

`measure` runs a small experiment through the real steps: all five GAN stages (PGGAN over fades,
Pix2PixHD with an enhancer, edges and a pool of pictures), eight samples of each method, SMANet on real
and on synthetic pairs, a U-Net, an evaluation. Every step is logged. `report` writes a report from rows
of results made by hand, which is the same text on every machine.

    python -m tests.golden      # writes the files anew, for this machine: where numbers moved on purpose,
                                # and its commit says which moved and why
"""
import hashlib
import json
import os
import platform
import re
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from datasets import records
from pipelines.experiment import steps
from pipelines.plan.matrix import arm_of
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.report import report
from pipelines.runtime.json_lines import read_json_lines
from pipelines.scores import results
from pipelines.training import checkpoints
from tests.conftest import tiny_config
from tests.evaluations import make_counts, make_evaluation

DATA = Path(__file__).parent / 'data'
STEPS, REPORT = DATA / 'golden_steps.json', DATA / 'golden_report.md'
RUNS = (Run(parse_regime('real')), Run(parse_regime('real'), 'unet'), Run(parse_regime('synth3')))


def config():
    """Sizes as small as they get for every method; 20 to 24 steps of each kind of training."""
    return tiny_config(
        data={'size': 16, 'dots_size': 32},
        pggan={'fade_images': 16, 'stable_images': 8},
        stages={'labels': {'fade_images': 0}, 'image_labels': {'fade_images': 0}},  # a graph a phase
        pix2pixhd={'enhancers': 1, 'enhancer_epochs': 1, 'blocks_local': 1, 'epochs': 1,
                   'decay_epochs': 2, 'edges': True, 'pool_size': 3},
        generation={'num_train': 6, 'num_validation': 2},
        segmenter={'synth_steps': 12, 'finetune_steps': 8, 'validate_every': 5},
        segmenters={'unet': {'crop': 48}}, regimes=['real', 'synth1', 'synth2', 'synth3'])


def measure(workdir) -> dict:
    """{'steps': training -> rows, 'weights': network -> sums, 'samples': ..., 'evaluation': ...}."""
    settings, found = config(), {'steps': {}, 'weights': {}, 'samples': {}}
    steps.prepare(settings, workdir)
    for method in map(METHODS.get, ('single', 'two', 'three')):
        for stage in method.stages:
            steps.train_stage(settings, stage, workdir)
        steps.generate(settings, method, workdir)
        found['samples'][method.name] = _samples(workdir / 'synthetic' / method.name)
    for run in RUNS:
        steps.train_segmenter(settings, run, workdir)
    for folder in sorted([*workdir.glob('stages/*'), *workdir.glob('segmenters/*')]):
        rows = [row for _, row in read_json_lines(folder / 'losses.jsonl')]
        found['steps'][folder.name] = rows
        found['weights'][folder.name] = _weights(folder)
    row = steps.evaluate(arm_of(settings, RUNS[:1]), RUNS[0], 'test', workdir)
    found['evaluation'] = {key: row[key] for key in ('images', 'scores', 'organs')}
    return json.loads(json.dumps(found))


def _samples(folder) -> list:
    """Mean, deviation and weighted mean of each sample's picture, how often each label code stands
    where, and a checksum of both: a mirrored sample has the same mean."""
    arrays = records.load_arrays(records.read_info(folder))
    return [{'mean': float(image.mean()), 'deviation': float(image.std()),
             'projection': _projection(image / 255), 'labels_projection': _projection(labels),
             'codes': np.bincount(labels.ravel(), minlength=8).tolist(),
             'sha256': hashlib.sha256(image.tobytes() + labels.tobytes()).hexdigest()}
            for image, labels in zip(arrays['image'], arrays['labels'])]


def _projection(values) -> float:
    """The values weighted by a fixed row of signs and sizes, which no symmetry leaves as it is."""
    flat = np.ravel(values).astype(np.float64)
    return float(flat @ np.cos(1 + np.arange(flat.size)) / np.sqrt(flat.size))


def _weights(folder) -> dict:
    """Of each network in the last checkpoint: sums of all weights' magnitudes and projections."""
    reader = tf.train.load_checkpoint(str(checkpoints.latest(folder / 'checkpoints')))
    sums = {}
    for name in sorted(reader.get_variable_to_shape_map()):
        if name.startswith('networks/') and '.OPTIMIZER_SLOT' not in name:
            network = name.split('/')[1]
            size, projection = sums.get(network, (0.0, 0.0))
            value = reader.get_tensor(name)
            sums[network] = size + float(np.abs(value).sum()), projection + _projection(value)
    return sums


def write_report(folder) -> str:
    """A report's Markdown, without the versions of this machine."""
    rng, rows = np.random.default_rng(0), []
    for draw, seed in ((0, 0), (0, 1), (1, 0)):
        for regime in ('real', 'synth1', 'synth3', 'finetune3'):
            for segmenter in ('smanet', 'unet') if regime in ('real', 'finetune3') else ('smanet',):
                for split in ('test', 'left_out') if seed == 0 else ('test',):
                    rows.append(make_evaluation(
                        make_counts(np.round(rng.uniform(0.7, 0.95, (5, 3)), 3)), draw=draw,
                        seed=seed, regime=regime, segmenter=segmenter, split=split,
                        distances=np.round(rng.uniform(1, 9, (5, 3, 2)), 2).tolist()))
    rows.append(make_evaluation(arm='other', split='left_out', draw=0))
    results.append_results(Path(folder) / results.RESULTS, rows)
    report.write_report(folder)
    text = (Path(folder) / 'report.md').read_text()
    return re.sub(r'(?m)^\| (multi-stage-synthesis|python|tensorflow|keras|tf_keras|numpy) \|.*\n', '', text).replace(
        f'Report: {Path(folder).name}', 'Report')


def _cores() -> int:
    """Of this process: on another number of them sums are made in another order."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()


def machine() -> dict:
    """What rounding depends on: vector instructions, number of cores, TensorFlow's version."""
    try:
        flags = re.search(r'flags\s*:(.*)', Path('/proc/cpuinfo').read_text())[1].split()
    except (OSError, TypeError):
        flags = []
    return {'machine': platform.machine(), 'cores': _cores(),
            'tensorflow': tf.__version__,
            'vectors': sorted(flag for flag in flags if re.match('avx|amx|fma', flag))}


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as scratch:
        STEPS.write_text(json.dumps([{**machine(), **measure(Path(scratch) / 'run')}], indent=0))
    with tempfile.TemporaryDirectory() as scratch:
        REPORT.write_text(write_report(scratch))
