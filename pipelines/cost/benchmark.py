"""How close the program is to the machine: every figure over a limit of the same run.

Absolute times say more about the machine than about the program; ratios can be compared between
machines and versions. A shared machine's speed drifts by a tenth within minutes; so training steps,
the sliding window and record writing are timed in turn with their limits, as medians of both.
"""
from __future__ import annotations

import itertools
import shutil
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, List, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets import records, writing
from datasets.files import encode_png
from datasets.labels import CHEST
from datasets.phantom import phantom
from datasets.targets import targets_of
from models.sliding_window import default_stride, window_starts
from pipelines.cost import graph_flops, measure, product
from pipelines.cost.operations import V100_RATES
from pipelines.cost.product import SEED
from pipelines.experiment import steps
from pipelines.plan.config import Config
from pipelines.plan.loading import from_dict
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.plan.workdir import Workdir
from pipelines.segmentation import predict, task as segmentation
from pipelines.stages import stage as stages
from pipelines.synthesis import generate
from pipelines.synthesis.sampling import load_sampler
from pipelines.training.task import Task


class Figure(NamedTuple):
    """One line of the benchmark.

    Attributes:
      value, limit: in `unit`.
      ratio: value over limit.
      target: of the ratio; at least that where `more` is better, else at most.
    """
    name: str
    value: float
    limit: float
    unit: str
    target: float
    more: bool

    @property
    def ratio(self) -> float:
        """Value over limit."""
        return self.value / self.limit

    @property
    def is_met(self) -> bool:
        """Whether the target is reached."""
        return self.ratio >= self.target if self.more else self.ratio <= self.target


class Step(NamedTuple):
    """A training step: seconds, operations, and GFLOP/s of a matrix product beside it."""
    seconds: float
    operations: int
    matrix_rate: float

    @property
    def words(self) -> str:
        """Seconds and operations."""
        return f'{self.seconds:.2f} s, {self.operations / 1e9:,.0f} GFLOP'

    @property
    def rate(self) -> float:
        """GFLOP/s."""
        return self.operations / self.seconds / 1e9


def config_of(**sections) -> Config:
    """A config on phantoms with sections replaced."""
    base = {'experiment': 'benchmark', 'configuration': 'benchmark', 'regimes': ['real', 'synth3'],
            'data': {'dataset': 'phantom', 'num_train': 4, 'num_test': 1, 'augment': 1}}
    return from_dict({**base, **{name: {**base.get(name, {}), **section}
                                 for name, section in sections.items()}}, 'benchmark')


def best_seconds(function: Callable[[], object], repeats: int) -> float:
    """The least of `repeats` calls, after one that is not counted."""
    return min(product.seconds_in_turn([function], repeats)[0])


def medians_in_turn(functions: Sequence[Callable[[], object]], repeats: int) -> List[float]:
    """Median seconds of each function; one call after the other, the first round not counted."""
    return [statistics.median(taken) for taken in product.seconds_in_turn(functions, repeats)]


def step(task: Task, repeats: int) -> Step:
    """A training step of the last phase, in turn with matrix products."""
    phase = task.phases[-1]
    function = measure.step_function(task, phase)
    batch, rate = next(iter(phase.batches(0))), tf.constant(1e-5)
    operations = graph_flops.flops(function.get_concrete_function(batch, rate).graph)
    taken, products = medians_in_turn(
        [lambda: [value.numpy() for value in function(batch, rate).values()], product.matrix_product()],
        repeats)
    return Step(taken, operations, product.gflops(products))


def segmenter_task(workdir, data={}, **settings) -> Task:
    """SMANet in the regime REAL on phantoms of 512 px, from records of that size unless `data` says another."""
    config = config_of(data={'size': 512, 'dots_size': 64, **data}, segmenter=settings)
    steps.prepare(config, workdir)
    return segmentation.segmenter_task(config, Run(parse_regime('real')), workdir)


def stage_task(workdir, method: str, number: int, **sections) -> Task:
    """A GAN stage on phantoms."""
    config = config_of(**sections)
    info = steps.prepare(config, workdir)
    return stages.stage_task(config, METHODS[method].stages[number], {'train': info})


def sliding_window(network, crop: int, side: int, repeats: int) -> Figure:
    """Seconds of one picture by sliding window, over its windows one by one."""
    picture, window = (tf.random.stateless_normal([1, pixels, pixels, 1], SEED) for pixels in (side, crop))
    whole = tf.function(lambda x: predict.predict_probabilities(network, x, crop, targets_of(CHEST)))
    bare = tf.function(lambda x: network(x, training=False))
    windows = len(window_starts(side, crop, default_stride(crop))) ** 2
    limit, value = medians_in_turn(
        [lambda: bare(window).numpy(), lambda: whole(picture).numpy()], repeats)
    return Figure(f'sliding window, {windows} of {crop} px over {side} px', value, windows * limit, 's',
                  1.10, False)


def generation(config: Config, workdir, blocks: int) -> Figure:
    """Seconds of one more sample, from noise to records, over the bare stages.

    Loading and tracing, which a run does once, are taken out by making a third as many first.
    """
    method, block = METHODS['three'], config.generation.block
    for stage in method.stages:
        steps.train_stage(config, stage, workdir)

    def taken(count: int) -> float:
        begin = time.perf_counter()
        generate.generate(config, method, workdir, count)
        spent = time.perf_counter() - begin
        shutil.rmtree(Workdir(workdir).samples(method))
        return spent

    few, many, before = blocks // 3 * block, blocks * block, bare_stages(config, workdir)
    less = taken(few)
    value = (taken(many) - less) / (many - few)
    return Figure(f'generation, {config.data.size} px, three stages, one more sample of {many}', value,
                  min(before, bare_stages(config, workdir)), 's', 1.10, False)


def bare_stages(config: Config, workdir) -> float:
    """Seconds a sample of the three stages alone, at best."""
    sampler = load_sampler(config, METHODS['three'], workdir)
    given, total = {}, 0.0
    for stage in METHODS['three'].stages:
        source = tf.random.stateless_normal([config.generation.block, sampler.latent_size], SEED) if (
            stage.consumes is None) else tf.constant(given[stage.consumes])
        draw = lambda: {key: value.numpy() for key, value in sampler.draw[stage.folder](source).items()}
        total += best_seconds(draw, 3) / config.generation.block
        given.update(draw())
    return total


def pipeline(name: str, task: Task, info: records.Info, samples: int, operations: float,
             targets: Tuple[float, float] = (0.8, 3.0)) -> List[Figure]:
    """Samples a second that a training's tf.data pipeline makes, over decoding and over a V100.

    Args:
      operations: of a training step for one sample.
      targets: of the two ratios, at least.
    """
    decoded = tf.data.TFRecordDataset(info.paths).repeat().map(
        lambda record: records.parse(record, info), num_parallel_calls=tf.data.AUTOTUNE)
    phase = task.phases[-1]
    size = next(iter(phase.batches(0).element_spec.values())).shape[0]

    def rate(dataset, per_element):
        iterator = iter(dataset)
        next(iterator)
        begin = time.perf_counter()
        for _ in range(-(-samples // per_element)):
            next(iterator)
        return -(-samples // per_element) * per_element / (time.perf_counter() - begin)

    made = rate(phase.batches(0), size)
    v100 = V100_RATES['mixed_float16'] / operations
    return [Figure(f'{name}: pipeline over {words}', made, limit, 'samples/s', target, True)
            for words, limit, target in (('bare decoding', rate(decoded, 1), targets[0]),
                                         ('a V100 in half precision (estimate)', v100, targets[1]))]


def record_writing(workdir, count: int, side: int, repeats: int) -> Figure:
    """Seconds to write phantoms as records, over encoding their pictures."""
    drawn = [phantom.draw_phantom(0, index, side) for index in range(count)]
    examples = [records.Example(sample.id, sample.id, sample.image, CHEST.encode(sample.masks))
                for sample in drawn]
    pictures = [picture for example in examples for picture in (example.image, example.label_map)]
    folders = (Path(workdir) / f'writing{number}' for number in itertools.count())

    def write():
        writing.write_dataset(records.Info(
            next(folders), 'drawn', 'train', side, 8, 0, CHEST,
            [example.name for example in examples], {}), [lambda notes: examples])

    limit, value = medians_in_turn([lambda: encode_all(pictures), write], repeats)
    return Figure(f'record writing, {count} pairs of {side} px', value, limit, 's', 1.25, False)


def encode_all(pictures: List[np.ndarray]) -> int:
    """Bytes of all pictures as PNG, encoded on every core."""
    with ThreadPoolExecutor() as pool:
        return sum(map(len, pool.map(encode_png, pictures)))


def operations_of(task: Task) -> float:
    """Operations of a training step of the last phase, for one sample."""
    phase = task.phases[-1]
    spec = phase.batches(0).element_spec
    graph = measure.step_function(task, phase).get_concrete_function(spec, tf.TensorSpec([])).graph
    return graph_flops.flops(graph) / next(iter(spec.values())).shape[0]
