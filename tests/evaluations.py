"""Evaluations by hand, as lines of results.jsonl."""
import numpy as np

from pipelines.scores import overlap

ORGANS = ['left_lung', 'right_lung', 'heart']


def make_confusions(shares, pixels=1000):
    """[images, 4, 4] of images in which organ i has J = shares[image][i]: predicted too small."""
    confusions = np.zeros([len(shares), 4, 4], np.int64)
    for image, of_organs in enumerate(shares):
        confusions[image, 0, 0] = 9 * pixels
        for organ, share in enumerate(of_organs, 1):
            confusions[image, organ, organ] = round(share * pixels)
            confusions[image, organ, 0] = pixels - round(share * pixels)
    return confusions


def make_evaluation(confusions=None, distances=None, **changes):
    """A line of results.jsonl whose scores follow from its images; `protocol` is added to."""
    if confusions is None:
        confusions = make_confusions([(0.9, 0.8, 0.7), (0.8, 0.9, 0.9)])
    scores = {}
    computed = {**overlap.pooled_scores(confusions, ORGANS),
                **overlap.per_image_scores(confusions, ORGANS)}
    if distances is not None:
        computed.update(overlap.mean_distances(np.array(distances, float), ORGANS))
    for (metric, organ), value in computed.items():
        scores.setdefault(metric, {})[organ] = [value, max(0, value - 1), min(100, value + 1)]
    protocol = {'dataset': 'phantom', 'configuration': 'demo', 'size': 64, 'updates': 400}
    row = dict(experiment='demo', arm='demo', num_real=16, draw=0, regime='synth3',
               segmenter='smanet', num_synthetic=448, seed=0, split='test', organs=ORGANS,
               images={'names': [f'image{i}' for i in range(len(confusions))],
                       'confusions': confusions.tolist(), 'distances': distances},
               scores=scores, protocol={**protocol, **changes.pop('protocol', {})},
               versions={'python': '3.11'})
    if 'regime' in changes and changes['regime'] == 'real':
        row['num_synthetic'] = 0
    return {**row, **changes}
