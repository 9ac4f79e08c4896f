"""The folder of a finished run, written by hand: everything that a report shows."""
import json

import numpy as np
from PIL import Image

from datasets.files import sealed
from pipelines.scores import results
from tests.evaluations import make_counts, make_evaluation


def write_picture(path, width=64, height=48):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.arange(width * height * 3, dtype=np.uint32) % 251
    Image.fromarray(values.astype(np.uint8).reshape(height, width, 3)).save(path)


def write_lines(path, rows, tail=''):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows) + tail)


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sealed(content)))


def write_run(run):
    """Writes it; returns the folder."""
    run.mkdir()
    (run / 'config.yaml').write_text('experiment: demo\nconfiguration: demo\n'
                                     'regimes: [real, synth3]\ndata: {source: "<here>"}\n')
    for split in ('train', 'test'):
        write_json(run / 'records' / split / 'dataset_info.json',
                   {'name': 'phantom', 'split': split, 'count': 66, 'ids': ['a', 'b'],
                    'coding': {'secret': 1}, 'made': {'noise': 'variance'}})
    write_lines(run / 'stages' / 'dots' / 'losses.jsonl',
                [{'step': step, 'phase': f'{4 + step // 50}px', 'generator': 1 / step,
                  'discriminator': None if step == 3 else float(step)} for step in range(1, 100)],
                tail='{"step": 100, "pha')
    for step in (10, 20, 30, 40):
        write_picture(run / 'stages' / 'dots' / 'samples' / f'step-{step:08d}.png')
    write_picture(run / 'synthetic' / 'three' / 'samples.png')
    write_json(run / 'synthetic' / 'three' / 'dataset_info.json', {'notes': {'failing': 0.25}})
    for name in ('real-smanet-0', 'synth3-smanet-0'):
        write_lines(run / 'segmenters' / name / 'losses.jsonl',
                    [{'step': 10, 'phase': 'train', 'loss': 2.0},
                     {'step': 10, 'phase': 'train', 'jaccard_validation': 50.0},
                     {'step': 20, 'phase': 'train', 'loss': 1.0}])
        write_picture(run / 'evaluations' / f'{name}-test.png')
    write_json(run / 'quality' / 'three.json', QUALITY)
    write_picture(run / 'quality' / 'three-nearest.png')
    write_json(run / 'reading' / 'key.json',
               {'reading': 'r1', 'model': '/w/exports/synth3-smanet-1/1', 'chosen': 'hardest, 2 of 2', 'pairs': [
                   {'pair': 1, 'image': 'image0', 'prediction': 'A'},
                   {'pair': 2, 'image': 'image1', 'prediction': 'B'}]})
    write_lines(run / 'reading' / 'answers' / 'ann.json',
                [{'reading': 'r1', 'reader': 'Ann', 'answers': {
                    '1': {'choice': 'A', 'comment': 'the apex <b>'}}}])
    write_picture(run / 'predictions' / 'one picture.png')
    write_json(run / 'predictions' / 'made_with.json', {
        'artefact': 'predictions', 'settings': {}, 'made_of': {'exports/finetune3-smanet-0': 'x', 'records/test': 'y'}})
    write_picture(run / 'predictions' / 'one picture_overlay.png', width=3000, height=20)
    results.append_results(run / 'results.jsonl', [
        make_evaluation(regime='real', distances=[[[4.0, 1.0]] * 3] * 2),
        make_evaluation(make_counts([(0.95, 0.9, 0.85), (0.9, 0.95, 0.95)]),
                        distances=[[[3.0, 0.5]] * 3] * 2)])
    return run


QUALITY = {
    'made_from': {}, 'method': 'three', 'features': 'random', 'size': 64, 'num_samples': 64, 'num_train': 96,
    'held_out': {'split': 'left_out', 'count': 24},
    'scores': {'fid_random': 12.5, 'kid_random': 0.25, 'kid_random_error': 0.0625,
               'precision': 0.75, 'recall': None, 'fid_random_to_train': 10.0,
               'check_failures_percent': 12.5, 'redrawn_percent': 12.5,
               'cleaned_pixels_percent': None, 'repeated_percent': 12.5},
    'scores_of_real': {'fid_random': 1.5, 'kid_random': 0.0, 'kid_random_error': 0.0,
                       'precision': 1.0, 'recall': 1.0},
    'organs': [{'quantity': 'heart_area', 'real_mean': 0.1, 'real_sd': 0.01, 'generated_mean': 0.12,
                'generated_sd': 0.02, 'distance': 2.0}],
    'copying': {by: {'copied_percent': 31.25, 'chance_range_percent': [0.0, 14.0], 'nearest_real': {
        'trained_percent': share, 'chance_range_percent': [2.0, 42.0]}}
        for by, share in (('features', 72.0), ('correlation', 30.0))}}
