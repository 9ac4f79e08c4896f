"""Generation: fold samples through the stages of a method into records.

Every sample has an address: sample k, attempt a, is drawn from noise keyed by (seed, k, a), always
together with the other indices of its fixed block, so it is the same whoever makes it and in
whatever order. Samples of methods that begin with learning images take image k, and are random by the dropout of their
stage alone, which is keyed by what it is given.
"""
from __future__ import annotations

import collections
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets import records, writing
from datasets.errors import InputError
from datasets.files import write_png
from pipelines.data import sheets
from pipelines.data.fields import Repairs
from pipelines.plan import artefacts, provenance
from pipelines.plan.config import Config
from pipelines.plan.methods import Method, Stage, check_pairs
from pipelines.plan.workdir import Workdir
from pipelines.runtime import progress
from pipelines.runtime.seeds import stable_seed
from pipelines.synthesis.sampling import Sampler, latents, load_sampler, style

MAX_ATTEMPTS = 100   # per sample, when failing ones are redrawn [ours]
SHEET = 'samples.png'
SHEET_SAMPLES = 8
Fields = Dict[str, np.ndarray]


def generate(config: Config, method: Method, workdir, count: Optional[int] = None,
             part: writing.Part = writing.Part()) -> Optional[records.Info]:
    """Writes samples of a trained method to `workdir`/synthetic/<method>.

    Args:
      count: how many there are in all; None = what the config's training needs.
      part: the shards that this worker writes.

    Returns:
      What the folder holds, or None if shards of other workers are still missing.

    Raises:
      InputError: a stage is not trained, a sample failed the check too often, or see
        writing.write_dataset.
    """
    settings = config.generation
    count = settings.count if count is None else count
    directory = Workdir(workdir).samples(method)
    sampler = load_sampler(config, method, workdir)
    check_pairs(method, count, len(sampler.info.ids), '--num (generation.num_train + num_validation)')
    provenance.claim(config, workdir, artefacts.samples_of(config, method))
    shards = [range(first, min(first + settings.shard, count))
              for first in range(0, count, settings.shard)]
    made = {'tool': 'generate_samples', 'method': method.name, 'count': count,
            'per_shard': settings.shard, 'seed': config.seed, 'block': settings.block,
            'weights': sampler.weights, 'labels': vars(sampler.config.labels)}
    has_dots = any('dots' in stage.produces for stage in method.stages)
    blank = records.Info(
        directory, 'synthetic', 'synthetic', config.data.size, 8,
        config.data.dots_size if has_dots else 0, sampler.info.coding,
        [_source(sampler, i)[0] for i in range(count)], made,
        channels=config.data.channels, fit=sampler.info.fit)
    with progress.bar(total=sum(map(len, part.of(shards))),
                      desc=f'generate {method.name}', unit='sample') as bar:
        info = writing.write_dataset(blank, [
            lambda notes, r=indices: _shard(sampler, r, notes, bar) for indices in shards], part)
    if info is not None:
        write_sheet(info, method, directory / SHEET)
    return info


def sample_name(method: Method, index: int) -> str:
    """Of a sample in its records and files: 'three-000012'."""
    return f'{method.name}-{index:06d}'


def _source(sampler: Sampler, index: int) -> Tuple[str, Tuple[int, int]]:
    """Id of what a sample was made from, itself where that is noise, and the shape of its picture."""
    return sampler.begun.source(index) if sampler.begun else (sample_name(sampler.method, index), sampler.shape)


def draw_block(sampler: Sampler, first: int) -> Fields:
    """The samples of the block that begins at index `first`: one array per field.

    Besides the fields: 'failures' (a list of violations per sample, of its first attempt),
    'attempts' int [N], and 'changed', how many label pixels cleaning changed.
    """
    size = sampler.config.generation.block
    attempts, first_failures = np.zeros(size, int), None
    anatomy_stages = sampler.method.stages[:sampler.decided_by]
    while True:
        fields: Fields = {'changed': np.zeros(size, int)}
        fields.update(sampler.begun.block(first, size) if sampler.begun else {})
        failures = _draw(sampler, anatomy_stages, fields, first, attempts)
        first_failures = failures if first_failures is None else first_failures
        failing = [i for i, wrong in enumerate(failures) if wrong]
        if not failing or not sampler.config.labels.reject:
            break
        attempts[failing] += 1
        if attempts.max() >= MAX_ATTEMPTS:
            worst = int(attempts.argmax())
            raise InputError(f'sample {first + worst}: failed the anatomical check '
                             f'{MAX_ATTEMPTS} times, last with: {"; ".join(failures[worst])}; train '
                             f'the first stages longer, widen labels.margin or set '
                             f'labels.reject=false')
    _draw(sampler, sampler.method.stages[sampler.decided_by:], fields, first, attempts)
    return {**fields, 'failures': first_failures, 'attempts': attempts}


def _draw(sampler: Sampler, stages: Sequence[Stage], fields: Fields, first: int,
          attempts: np.ndarray) -> List[List[str]]:
    """Runs stages and repairs what they drew, into `fields`; returns each sample's violations."""
    failures: List[List[str]] = [[] for _ in attempts]
    for stage in stages:
        given = fields[stage.consumes] if stage.consumes else latents(sampler, first, attempts)
        drawn = sampler.draw[stage.folder](tf.constant(given), *style(sampler, stage, first, attempts))
        fields.update({name: np.array(values) for name, values in drawn.items()})
        for field in sampler.fields[stage.folder]:
            for i, values in enumerate(fields[field.name]):
                warp = [stable_seed(sampler.config.seed, sampler.method.name, 'warp', attempts[i]),
                        first + i] if len(stage.produces) == 1 else None
                repaired = field.repair(values, Repairs(sampler.limits, warp))
                fields[field.name][i] = repaired.values
                fields['changed'][i] += repaired.changed
                failures[i] += repaired.violations
    return failures


def _shard(sampler: Sampler, indices: range, notes: collections.Counter,
           bar) -> Iterable[records.Example]:
    """The samples of some indices, a multiple of the block at first; counts what there was to note."""
    notes.update(samples=0, failed_check=0, redrawn=0, pixels=0, pixels_cleaned=0)
    block = sampler.config.generation.block
    for first in range(indices.start, indices.stop, block):
        fields = draw_block(sampler, first)
        for i in range(min(block, indices.stop - first)):
            name = sample_name(sampler.method, first + i)
            wrong = fields['failures'][i]
            notes.update(samples=1, failed_check=bool(wrong), redrawn=bool(fields['attempts'][i]),
                         pixels=fields['labels'][i].size, pixels_cleaned=int(fields['changed'][i]))
            notes.update({f'violation: {w.split(":")[0]}': 1 for w in wrong})
            source, shape = _source(sampler, first + i)
            yield records.Example(name, source, fields['image'][i], fields['labels'][i],
                                  fields['dots'][i] if 'dots' in fields else None,
                                  shape=shape, index=first + i, seed=sampler.config.seed)
            bar.update()


def first_samples(info: records.Info, method: Method, count: int) -> List[Dict[str, np.ndarray]]:
    """The first samples of a folder, one dict of RGB pictures by field each."""
    fields = ['labels'] * ('labels' in method.begins)
    fields += [name for stage in method.stages for name in sorted(stage.produces, reverse=True)]
    return [{name: sheets.to_rgb(name, row[name], info.coding) for name in fields}
            for row in records.read(info, count)]


def write_sheet(info: records.Info, method: Method, path) -> None:
    """A picture of the first samples, one column each, fields in the order they are made."""
    samples = first_samples(info, method, SHEET_SAMPLES)
    rows = [[sample[field] for sample in samples] for field in samples[0]]
    write_png(path, sheets.grid(rows))
