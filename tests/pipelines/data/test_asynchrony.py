"""Under op determinism, which is on where there is a GPU, pipelines keep their threads and prefetching.

tf.data takes both from a whole pipeline in which one function might hold a random state, and says so in its
log alone; so the pipelines run in a process of their own, whose log is read.
"""
import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import tensorflow as tf

from datasets import records
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation.task import segmenter_task
from pipelines.stages.stage import stage_task
from tests.conftest import tiny_config

ROOT = Path(__file__).resolve().parents[3]
CODE = '''
import sys
import tensorflow as tf
from tests.pipelines.data import test_asynchrony as ours
tf.config.experimental.enable_op_determinism()
for name, make in ours.pipelines(sys.argv[1]):
    print('pipeline', name, file=sys.stderr, flush=True)
    next(iter(make(3)))
'''


def pipelines(workdir):
    """(name, maker of a pipeline): every kind of training as read, one in memory, and one that is at fault."""
    info = records.read_info(Path(workdir) / 'records' / 'train')
    config = tiny_config(
        pix2pixhd={'pool_size': 3, 'augmentation': {'rotation': 2, 'elastic': 0.01}},
        segmenter={'min_holdout_images': 2, 'augmentation': {'shift': 0.1, 'gamma': 0.1, 'noise': 0.1}})
    small = dataclasses.replace(config, data=dataclasses.replace(config.data, memory_limit_mb=0))
    for stage in METHODS['three'].stages[::2]:
        yield stage.kind, stage_task(small, stage, {'train': info}).phases[-1].batches
    for name, one in (('segmenter', small), ('segmenter in memory', config)):
        yield name, segmenter_task(one, Run(parse_regime('real')), workdir).phases[-1].batches
    yield 'with a shuffle in a function', lambda first: tf.data.Dataset.range(first).flat_map(
        lambda number: tf.data.Dataset.range(9).shuffle(4, seed=number)).prefetch(2)


def test_no_pipeline_loses_its_threads_or_prefetching(finished):
    spoken = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '0', 'TF_CPP_VMODULE': 'make_deterministic=3'}
    done = subprocess.run([sys.executable, '-c', CODE, str(finished[1])], cwd=ROOT, env=spoken,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    logs = dict(re.findall(r'pipeline (.*)\n((?:(?!pipeline ).*\n)*)', done.stderr))
    assert len(logs) == 5
    assert 'Rewriting node' in logs.pop('with a shuffle in a function')  # the log speaks
    assert not [name for name, log in logs.items() if 'Rewriting node' in log], done.stderr
