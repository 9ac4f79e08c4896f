"""The readers that tests/fuzz.py tries, each with the files that it reads."""
from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Callable, List, NamedTuple

import numpy as np
import yaml
from PIL import Image

from datasets import images, records, splits, writing
from datasets.errors import InputError
from datasets.files import check_manifest
from datasets.readers import jsrt, siim_acr
from datasets.readers.coding import read_coding
from pipelines.evaluation import quality_file
from pipelines.experiment import rows
from pipelines.experiment.opening import open_experiment
from pipelines.plan import loading, matrix, regimes
from pipelines.plan.config import Config
from pipelines.plan.workdir import Workdir
from pipelines.reading import unblinding
from pipelines.scores import results
from pipelines.segmentation.network import trained_network
from pipelines.serving import export, official
from pipelines.training import checkpoints, logs


class Target(NamedTuple):
    """A reader and the files of which one is damaged before each reading.

    Attributes:
      read: -> a result that can be compared.
      sealed: whether damage must never give another result.
    """
    name: str
    files: List[Path]
    read: Callable[[], Any]
    sealed: bool


def digest(value) -> str:
    """Of arrays, dicts and plain values."""
    found = hashlib.sha256()

    def add(item):
        if isinstance(item, dict):
            for key in sorted(item, key=str):
                found.update(str(key).encode())
                add(item[key])
        elif isinstance(item, np.ndarray) and item.dtype != object:
            found.update(f'{item.dtype}{item.shape}'.encode() + item.tobytes())
        elif isinstance(item, (list, tuple, np.ndarray)):
            for part in item:
                add(part)
        else:
            found.update(repr(item).encode())
    add(value)
    return found.hexdigest()


def targets(workdir: Path, scratch: Path, fixtures: Path) -> List[Target]:
    """All of them, on copies of what they read.

    Args:
      workdir: of a finished experiment; copied, never changed.
      scratch: a folder to make files in.
      fixtures: `tests/data`.
    """
    run, own = scratch / 'run', scratch / 'own'
    shutil.copytree(workdir, run, symlinks=True)
    own.mkdir()
    return [*_records(run, scratch / 'unmerged'), *_trained(run), *_scored(run), *_of_the_user(run, own),
            *_pictures(own), _official(own, fixtures)]


def _records(run: Path, unmerged: Path) -> List[Target]:
    shards = run / 'synthetic' / 'three'
    shutil.copytree(shards, unmerged)
    (unmerged / records.INFO).unlink()

    def load():
        return digest(records.load_arrays(records.read_info(shards)))

    def merge():
        (unmerged / records.INFO).unlink(missing_ok=True)
        return digest(writing.merge(unmerged).to_dict())

    return [
        Target('records: shards', sorted(shards.glob('*.tfrecord')), load, True),
        Target('records: index', [shards / records.INFO], load, True),
        Target('shards to merge', sorted(p for p in unmerged.iterdir() if p.suffix != '.png'), merge,
               True)]


def _config(run: Path) -> Config:
    return loading.from_dict(yaml.safe_load((run / 'config.yaml').read_text()))


def _trained(run: Path) -> List[Target]:
    settings, trained = _config(run), regimes.Run(regimes.parse_regime('real'))
    kept = Workdir(run).segmenter(trained)
    saved = sorted((kept / 'checkpoints').iterdir())
    model = run / 'exports' / trained.name / '1'

    def restore():
        return digest(trained_network(settings, trained, 4, run).get_weights())

    def latest():
        """Goes back to the checkpoint before, with a warning; what it takes is whole."""
        check_manifest(checkpoints.manifest(checkpoints.latest(kept / 'checkpoints')))

    def go_on():
        logs.Logs(kept, 10 ** 6)

    return [
        Target('finished training', [kept / checkpoints.FINISHED, *saved], restore, True),
        Target('checkpoint to go on from', saved, latest, True),
        Target('SavedModel', sorted(p for p in model.rglob('*') if p.is_file()),
               lambda: digest(export.load_segmenter(model)[1]), True),
        Target('losses to go on from', [kept / 'losses.jsonl'], go_on, False)]


def _scored(run: Path) -> List[Target]:
    arms, path = matrix.arms_of(_config(run)), run / 'results.jsonl'
    measured = sorted((run / 'quality').glob('*.json'))

    def scores():
        rows = results.read_results(path)
        if matrix.unscored(arms, rows):
            raise InputError('scores are missing: repeating the command adds them again')
        return digest(rows)

    def evaluations():
        return digest([rows.read_scores(run / 'evaluations' / f'{each.name}-{split}.json', each, split)
                       for arm in arms for each, splits in arm.scores.items() for split in splits])

    scored = sorted(p for p in (run / 'evaluations').glob('*.json') if 'made_with' not in p.name)
    return [Target('results', [path], scores, True),
            Target('evaluations', scored, evaluations, True),
            Target('quality', measured, lambda: digest([quality_file.read_quality(p) for p in measured]),
                   True)]


def _of_the_user(run: Path, own: Path) -> List[Target]:
    """Configs, lists, answers."""
    settings, kept, key = _config(run), run / 'config.yaml', run / 'reading' / 'key.json'
    answers, coding, ids = own / 'answers.json', own / 'coding.yaml', own / 'ids.txt'
    answers.write_text(json.dumps({
        'reading': unblinding.read_key(key)['reading'], 'reader': 'R',
        'answers': {'1': {'choice': 'A', 'comment': ''}}}))
    coding.write_text('organs: [a, b]\ncodes: [[a], [b], [a, b]]\nleft_right: [[a, b]]\n')
    ids.write_text('one\ntwo # second\nthree\n')

    def unblind():
        return digest(unblinding.tabulate(key, [answers]).rows)

    return [
        Target('key of a reading', [key], unblind, True),
        Target('answers of a reading', [answers], unblind, False),
        Target('config', [kept], lambda: digest(loading.to_dict(loading.load_config(str(kept)))), False),
        Target('notes of what things were made with', sorted(run.rglob('*made_with.json')),
               lambda: str(open_experiment(settings, run, matrix.arms_of(settings))), True),
        Target('coding', [coding], lambda: digest(read_coding(coding).coding.to_dict()), False),
        Target('ids', [ids], lambda: digest(splits.read_ids(ids)), False)]


def _pictures(own: Path) -> List[Target]:
    rng = np.random.default_rng(0)
    grey = rng.integers(255, size=(40, 30)).astype(np.uint8)
    png, gif, img = [own / 'grey.png', own / 'deep.png'], own / 'mask.gif', own / 'image.IMG'
    Image.fromarray(grey).save(png[0])
    Image.fromarray(grey.astype(np.uint16) * 200).save(png[1])
    Image.fromarray((grey > 99).astype(np.uint8) * 255).save(gif)
    rng.integers(4096, size=(2048, 2048)).astype('>u2').tofile(img)
    (own / 'siim').mkdir()
    lines = own / 'siim' / siim_acr.LABELS
    lines.write_text('ImageId, EncodedPixels\n1.2,-1\n' + ''.join(f'1.{n},{n} 20 1004 30 990 9\n' for n in range(3, 9)))

    def read_lines():
        return digest({id: siim_acr._mask(own, lines) for id, own in siim_acr.read_lines(lines).items()})

    return [Target('PNG', png, lambda: digest([images.read_grey(path) for path in png]), False),
            Target('GIF', [gif], lambda: digest(images.read_grey(gif)), False),
            Target('IMG', [img], lambda: digest(jsrt.read_img(img)), False),
            Target('run lengths', [lines], read_lines, False)]


def _official(own: Path, fixtures: Path) -> Target:
    path = own / 'weights.npz'
    shutil.copy(fixtures / 'pix2pixhd_discriminator_odd.npz', path)

    def load():
        source = official.read(path)
        official.load(source)
        return digest(source.tensors)

    return Target('official weights', [path], load, False)
