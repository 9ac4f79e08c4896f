"""Evaluations by hand, as lines of results.jsonl."""
import numpy as np

from pipelines.scores import metrics

ORGANS = ['left_lung', 'right_lung', 'heart']


def make_counts(shares, pixels=1000):
    """[images, 3, 3] of images in which organ i has J = shares[image][i]: predicted too small."""
    right = np.round(np.array(shares) * pixels).astype(np.int64)
    return np.stack([right, np.zeros_like(right), pixels - right], axis=-1)


def make_evaluation(counts=None, distances=None, **changes):
    """A line of results.jsonl whose scores follow from its images; `protocol` is added to."""
    if counts is None:
        counts = make_counts([(0.9, 0.8, 0.7), (0.8, 0.9, 0.9)])
    scores = {}
    computed = metrics.values({'counts': counts, 'distances': distances}, ORGANS)
    for (metric, organ), value in computed.items():
        scores.setdefault(metric, {})[organ] = [value, max(0, value - 1), min(100, value + 1)]
    protocol = {'dataset': 'phantom', 'configuration': 'demo', 'size': 64, 'updates': 400}
    row = dict(schema=3, experiment='demo', arm='demo', num_real=16, draw=0, regime='synth3',
               segmenter='smanet', num_synthetic=448, labelled=None, seed=0, division='official', fold=None,
               split='test', organs=ORGANS,
               images={'names': [f'image{i}' for i in range(len(counts))],
                       'counts': counts.tolist(), 'distances': distances},
               scores=scores, protocol={**protocol, **changes.pop('protocol', {})},
               versions={'python': '3.11'})
    if 'regime' in changes and changes['regime'] == 'real':
        row['num_synthetic'] = 0
    return {**row, **changes}
