"""The three generation methods of the paper as data (papers 000/001, sections 3.1 to 3.3).

A method is a list of stages over the named fields of one sample: `dots` (map of centroid dots),
`labels` (label map of codes) and `image` (radiograph). Generation folds a sample through the list.
"""
from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from datasets.errors import InputError


class Stage(NamedTuple):
    """One GAN: makes fields of a sample from noise (`consumes` None) or from another field."""
    name: str
    model: str                       # 'pggan' | 'pix2pixhd': a section of the config
    consumes: Optional[str]
    produces: Tuple[str, ...]

    @property
    def key(self) -> str:
        """Folder name. Stages that learn the same thing share it, so methods share the network."""
        made = '_'.join(self.produces)
        return f'{made}_from_{self.consumes}' if self.consumes else made


class Method(NamedTuple):
    """A way to generate pairs; `number` is its k in SYNTH k and FINETUNE k."""
    name: str
    number: int
    stages: Tuple[Stage, ...]


LABELS_TO_IMAGE = Stage('image', 'pix2pixhd', 'labels', ('image',))

METHODS: Dict[str, Method] = {
    'single': Method('single', 1, (Stage('pair', 'pggan', None, ('image', 'labels')),)),
    'two': Method('two', 2, (Stage('labels', 'pggan', None, ('labels',)), LABELS_TO_IMAGE)),
    'three': Method('three', 3, (Stage('dots', 'pggan', None, ('dots',)),
                                 Stage('labels', 'pix2pixhd', 'dots', ('labels',)),
                                 LABELS_TO_IMAGE)),
}


class Regime(NamedTuple):
    """What the segmenter learns from (papers 000/001, section 4.2)."""
    name: str
    kind: str                        # 'real' | 'synth' | 'finetune'
    method: Optional[Method]


REGIMES: Dict[str, Regime] = {'real': Regime('real', 'real', None)}
for _method in METHODS.values():
    for _kind in ('synth', 'finetune'):
        REGIMES[f'{_kind}{_method.number}'] = Regime(f'{_kind}{_method.number}', _kind, _method)


# which regime stands for an experiment: the one of the paper's Table 3, else the nearest to it
FOREMOST = ('finetune3', 'finetune2', 'finetune1', 'synth3', 'synth2', 'synth1', 'real')


class Run(NamedTuple):
    """One segmenter that is trained: what from, which network, which of its seeds.

    `num_synthetic` pairs train it; None = `generation.num_train`, all there are for training.
    """
    regime: Regime
    segmenter: str = 'smanet'
    seed: int = 0
    num_synthetic: Optional[int] = None

    @property
    def name(self) -> str:
        """Folder name: finetune3-smanet-0, or finetune3-smanet-0-n300 of 300 synthetic pairs."""
        of = '' if self.num_synthetic is None else f'-n{self.num_synthetic}'
        return f'{self.regime.name}-{self.segmenter}-{self.seed}{of}'

    @property
    def pretraining(self) -> 'Run':
        """The SYNTH k that a FINETUNE k starts from."""
        return self._replace(regime=synth_regime(self.regime.method))


def with_pretraining(runs: Iterable[Run]) -> List[Run]:
    """The runs asked for, each FINETUNE k behind its SYNTH k, in the order of the tables."""
    wanted = list(runs)
    wanted += [run.pretraining for run in wanted if run.regime.kind == 'finetune']
    order = list(REGIMES)
    return sorted(set(wanted), key=lambda run: (
        run.segmenter != 'smanet', run.segmenter, run.seed, order.index(run.regime.name),
        run.num_synthetic or 0))


def parse_regime(name: str) -> Regime:
    """Regime of that name; InputError lists the names there are."""
    if name not in REGIMES:
        raise InputError(f'regime {name!r}: expected one of {", ".join(REGIMES)}')
    return REGIMES[name]


def parse_method(name: str) -> Method:
    """Method of that name; InputError lists the names there are."""
    if name not in METHODS:
        raise InputError(f'method {name!r}: expected one of {", ".join(METHODS)}')
    return METHODS[name]


def parse_stage(method: Method, name: str) -> Stage:
    """Stage of that name; InputError lists those of the method."""
    for stage in method.stages:
        if stage.name == name:
            return stage
    raise InputError(f'stage {name!r} of method {method.name!r}: expected one of '
                     f'{", ".join(s.name for s in method.stages)}')


def synth_regime(method: Method) -> Regime:
    """SYNTH k of method k."""
    return REGIMES[f'synth{method.number}']


def methods_of(regimes: Sequence[Regime]) -> List[Method]:
    """The methods that some regimes need, in their order."""
    return [m for m in METHODS.values() if any(r.method == m for r in regimes)]


def stages_of(regimes: Sequence[Regime]) -> Dict[str, Stage]:
    """The stages that some regimes need, by key: one that methods share once."""
    return {stage.key: stage for method in methods_of(regimes) for stage in method.stages}


def stage_keys() -> Dict[str, str]:
    """Every stage's key -> its model."""
    return {stage.key: stage.model for method in METHODS.values() for stage in method.stages}
