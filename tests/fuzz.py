"""Damages every kind of file that the program reads, and watches what its reader does.

    python -m tests.fuzz --inputs 2000      # the full run; tests/test_fuzz.py is a small one

Allowed: an InputError of one line, or the result of the undamaged file. Of files without a checksum
(pictures, configs, lists: the user's own) also another valid result. A traceback, a hang, or another
result from a file that we sealed is a failure.
"""
from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import io
import json
import shutil
import signal
import struct
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, Callable, List, NamedTuple

import numpy as np

from datasets.errors import InputError

SECONDS = 30  # for one reading


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


class Hang(BaseException):
    pass


# --- damage ---------------------------------------------------------------------------------------


def flip(rng, data, others):
    damaged = bytearray(data)
    for position in rng.integers(max(len(data), 1), size=rng.integers(1, 9)):
        if data:
            damaged[position] ^= 1 << rng.integers(8)
    return bytes(damaged)


def cut(rng, data, others):
    return data[:rng.integers(len(data) + 1)]


def cut_at_a_record(rng, data, others):
    """Leaves whole records of a TFRecord file, or whole lines of a text: what is left looks right."""
    ends, position = [], 0
    while position + 12 <= len(data):
        length, = struct.unpack('<Q', data[position:position + 8])
        position += 16 + length
        ends.append(position)
        if position == len(data):
            return data[:ends[rng.integers(len(ends))] if len(ends) > 1 else 0]
        if position > len(data):
            break
    lines = data.splitlines(keepends=True)
    return b''.join(lines[:rng.integers(len(lines) + 1)])


def empty(rng, data, others):
    return b''


def grow(rng, data, others):
    return data + bytes(rng.integers(256, size=int(rng.integers(1, 1 << 20)), dtype=np.uint8))


def repeat(rng, data, others):
    begin = rng.integers(len(data) + 1)
    end = rng.integers(begin, len(data) + 1)
    return data[:end] + data[begin:]


def overwrite(rng, data, others):
    """Zeros, ones, or the largest number, where a length or a size may stand."""
    begin = rng.integers(max(min(len(data), 64), 1)) if rng.random() < .5 else rng.integers(
        len(data) + 1)
    patch = [b'\0' * 4, b'\1' * 4, b'\x7f\xff\xff\xff', b'\xff' * 8][rng.integers(4)]
    return data[:begin] + patch + data[begin + len(patch):]


def swap(rng, data, others):
    """Another kind of file under this name."""
    return others[rng.integers(len(others))].read_bytes()


def text(rng, data, others):
    """Numbers and words of a text replaced by others of its own."""
    words = data.split(b' ')
    for position in rng.integers(len(words), size=3):
        words[position] = [b'-1', b'1e999', b'null', b'{}', b'[', b'"../x"', b'9' * 400,
                           words[rng.integers(len(words))]][rng.integers(8)]
    return b' '.join(words)


DAMAGES = (flip, flip, cut, cut_at_a_record, empty, grow, repeat, overwrite, swap, text)


# --- targets --------------------------------------------------------------------------------------


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
    """The readers, each with files of its own.

    Args:
      workdir: of a finished experiment; copied, never changed.
      fixtures: `tests/data`.
    """
    from datasets import folder, images, jsrt, records, splits, writing
    from pipelines import (checkpoints, config, experiment, export, logs, matrix, methods, official,
                           quality, results, segmentation, unblinding)
    shutil.copytree(workdir, scratch / 'run', symlinks=True)
    run, own = scratch / 'run', scratch / 'own'
    own.mkdir()
    experiment_config = config.from_dict(config.yaml.safe_load((run / 'config.yaml').read_text()))

    shards = run / 'synthetic' / 'three'
    unmerged = shutil.copytree(shards, scratch / 'unmerged')
    (unmerged / records.INFO).unlink()
    trained = methods.Run(methods.REGIMES['real'])
    kept = segmentation.segmenter_directory(run, trained)
    model = run / 'exports' / trained.name / '1'
    rng = np.random.default_rng(0)
    grey = rng.integers(255, size=(40, 30)).astype(np.uint8)
    from PIL import Image
    Image.fromarray(grey).save(own / 'grey.png')
    Image.fromarray(grey.astype(np.uint16) * 200).save(own / 'deep.png')
    Image.fromarray((grey > 99).astype(np.uint8) * 255).save(own / 'mask.gif')
    rng.integers(4096, size=(2048, 2048)).astype('>u2').tofile(own / 'image.IMG')
    (own / 'ids.txt').write_text('one\ntwo # second\nthree\n')
    (own / 'coding.yaml').write_text('organs: [a, b]\ncodes: [[a], [b], [a, b]]\n'
                                     'left_right: [[a, b]]\n')
    shutil.copy(fixtures / 'pix2pixhd_discriminator_odd.npz', own / 'weights.npz')
    answers = own / 'answers.json'
    key = next(run.glob('reading/key.json'))
    reading = unblinding.read_key(key)
    answers.write_text(json.dumps({
        'reading': reading['reading'], 'reader': 'R', 'answers': {'1': {'choice': 'A', 'comment': ''}}}))

    def load_records():
        return digest(records.load_arrays(records.read_info(shards)))

    def merge():
        (unmerged / records.INFO).unlink(missing_ok=True)
        return digest(writing.merge(unmerged).to_dict())

    def restore():
        network = segmentation.trained_network(experiment_config, trained, 4, run)
        return digest(network.get_weights())

    def latest():
        """Goes back to the checkpoint before, with a warning."""
        path = checkpoints.latest(kept / 'checkpoints')
        return 'whole' if path and path.exists() or checkpoints.manifest(path).exists() else 'none'

    def load_model():
        return digest(export.load_segmenter(model)[1])

    def scores():
        rows = results.read_results(run / 'results.jsonl')
        if matrix.unscored(matrix.arms_of(experiment_config), rows):
            raise InputError('scores are missing: repeating the command adds them again')
        return digest(rows)

    def weights():
        source = official.read(own / 'weights.npz')
        official.load(source)
        return digest(source.tensors)

    def unblind():
        return digest(unblinding.tabulate(key, [answers]).rows)

    return [
        Target('records: shards', sorted(shards.glob('*.tfrecord')), load_records, True),
        Target('records: index', [shards / records.INFO], load_records, True),
        Target('shards to merge', sorted(p for p in unmerged.iterdir() if p.suffix != '.png'), merge,
               True),
        Target('finished training', [kept / 'finished.json', *(kept / 'checkpoints').iterdir()],
               restore, True),
        Target('checkpoint to go on from', list((kept / 'checkpoints').iterdir()), latest, True),
        Target('SavedModel', [p for p in model.rglob('*') if p.is_file()], load_model, True),
        Target('results', [run / 'results.jsonl'], scores, True),
        Target('quality', list((run / 'quality').glob('*.json')),
               lambda: digest([quality.read_json(p) for p in (run / 'quality').glob('*.json')]),
               True),
        Target('key of a reading', [key], unblind, True),
        Target('answers of a reading', [answers], unblind, False),
        Target('losses', [kept / 'losses.jsonl'],
               lambda: digest(logs.read_rows(kept / 'losses.jsonl')), False),
        Target('config', [run / 'config.yaml'],
               lambda: digest(config.to_dict(config.load_config(str(run / 'config.yaml')))), False),
        Target('kept config', [run / 'config.yaml'],
               lambda: str(experiment.open_workdir(experiment_config, run)), True),
        Target('coding', [own / 'coding.yaml'],
               lambda: digest(folder.read_coding(own / 'coding.yaml').to_dict()), False),
        Target('ids', [own / 'ids.txt'], lambda: digest(splits.read_ids(own / 'ids.txt')), False),
        Target('PNG', [own / 'grey.png', own / 'deep.png'],
               lambda: digest([images.read_grey(own / n) for n in ('grey.png', 'deep.png')]), False),
        Target('GIF', [own / 'mask.gif'], lambda: digest(images.read_grey(own / 'mask.gif')), False),
        Target('IMG', [own / 'image.IMG'], lambda: digest(jsrt.read_img(own / 'image.IMG')), False),
        Target('official weights', [own / 'weights.npz'], weights, False),
    ]


# --- running --------------------------------------------------------------------------------------


def attempt(read: Callable[[], Any]):
    """-> ('result', it), ('refused', message), or ('failed', traceback or 'hang')."""
    def alarm(number, frame):
        raise Hang
    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return 'result', read()
    except InputError as error:
        message = str(error)
        return ('refused', message) if '\n' not in message else ('failed', f'lines: {message!r}')
    except Hang:
        return 'failed', f'hang: more than {SECONDS} s'
    except Exception:
        return 'failed', traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(found: List[Target], inputs: int, seed: int, say=lambda line: None):
    """Damages `inputs` files, taking the targets in turn.

    Returns:
      (outcomes by target: a Counter of 'refused', 'same', 'other'; descriptions of failures).
    """
    rng = np.random.default_rng(seed)
    baselines = {target.name: attempt(target.read) for target in found}
    failures = [f'{name}: undamaged: {result[1]}' for name, result in baselines.items()
                if result[0] != 'result']
    outcomes = {target.name: collections.Counter() for target in found}
    every = [path for target in found for path in target.files]
    for number in range(inputs if not failures else 0):
        target = found[number % len(found)]
        path = target.files[rng.integers(len(target.files))]
        damage = DAMAGES[rng.integers(len(DAMAGES))]
        whole = path.read_bytes()
        path.write_bytes(damage(rng, whole, every))
        kind, result = attempt(target.read)
        outcome = kind if kind != 'result' else (
            'same' if result == baselines[target.name][1] else 'other')
        outcomes[target.name][outcome] += 1
        if outcome == 'failed' or (outcome == 'other' and target.sealed):
            failures.append(f'input {number}, {target.name}, {path.name}, {damage.__name__}: '
                            f'{outcome}: {result}')
            say(failures[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole)
    return outcomes, failures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--inputs', type=int, default=2000)
    options.add_argument('--seed', type=int, default=0)
    arguments = options.parse_args()
    from pipelines import experiment
    from tests.conftest import tiny_config
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        experiment.run(tiny_config(), scratch / 'experiment')
        found = targets(scratch / 'experiment', scratch / 'fuzz', Path(__file__).parent / 'data')
        outcomes, failures = fuzz(found, arguments.inputs, arguments.seed, print)
    for name, counts in outcomes.items():
        print(f'{name:28} ' + ', '.join(f'{count} {kind}' for kind, count in sorted(counts.items())))
    print(f'{sum(sum(c.values()) for c in outcomes.values())} inputs, {len(failures)} failures')
    sys.exit(bool(failures))


if __name__ == '__main__':
    main()
