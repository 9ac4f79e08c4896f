"""What a segmenter learns from, and which segmenters an experiment trains (Ciano 2021, section 4.2).

REAL: real pairs. SYNTH k: pairs of method k. FINETUNE k: SYNTH k, then trained on with real pairs. MIXED k: real pairs
and those of method k together, in one training (DF-GAN, section 3.2), with as many updates as REAL.
The regimes follow from plan.methods.METHODS: a method brings its three; and from plan.transfers.TRANSFERS, of which
each brings one: a segmenter for another hospital.

RESTART is the placebo of every FINETUNE k [ours]: the same two trainings with real pairs in the place of the
synthetic ones, so that what the second start alone is worth (a new optimiser, averaged weights begun anew)
is not taken for a gain by synthesis. SELF is self-training without any GAN: what FINETUNE k does, with pictures that a teacher
labelled in the place of synthetic pairs, see plan.pseudo; PSEUDO is the first of its two. FIRST is the first of RESTART's; where both have as many updates, it has seen each
real pair as often as MIXED k, and REAL has had as many updates: more epochs in place of more pictures [ours].
"""
from __future__ import annotations

import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from datasets.errors import InputError
from pipelines.plan import segmenters
from pipelines.plan.methods import METHODS, Method, Stage
from pipelines.plan.pseudo import PSEUDO, teacher_network
from pipelines.plan.transfers import TRANSFERS, Transfer


class Regime(NamedTuple):
    """What the segmenter learns from.

    Attributes:
      name: as `--regimes` takes it, and in results.
      kind: 'real'; 'mixed'; or 'synth' and then 'finetune', the two trainings of a segmenter that starts twice; or
        'transfer'.
      method: whose pairs 'mixed' and the first of these are of; None = real pairs.
      transfer: how it comes to another hospital; None = it stays at its own.
      reads: the set of records that its pairs are of, where they are not synthetic.
      before: the regime of the first training of 'finetune'.
    """
    name: str
    kind: str
    method: Optional[Method]
    transfer: Optional[Transfer] = None
    reads: str = 'train'
    before: str = ''

    @property
    def label(self) -> str:
        """In tables: 'REAL', 'RESTART', 'Three-stage, Synth 3', 'Three-stage, Finetune', 'DF-GAN, Mixed', 'MUNIT,
        supervised'."""
        if self.transfer:
            return self.transfer.label
        if self.method is None:
            return self.name.upper()
        kind = f'Synth {self.method.code.upper()}' if self.kind == 'synth' else self.kind.capitalize()
        return f'{self.method.label}, {kind}'

    @property
    def short(self) -> str:
        """In sentences and figures: 'REAL', 'RESTART', 'FINETUNE 3', 'MIXED D'."""
        return self.name.upper() if self.method is None else f'{self.kind} {self.method.code}'.upper()

    @property
    def rank(self) -> Tuple[int, int]:
        """The regime of least rank stands for an experiment: Table 3 shows the paper's FINETUNE 3."""
        if self.transfer:
            return 4, list(TRANSFERS).index(self.name)
        if self.method is None:
            return 3, ('real', 'finetune', 'synth').index(self.kind)
        return ('finetune', 'mixed', 'synth').index(self.kind), -self.method.rank


def regimes() -> Dict[str, Regime]:
    """Every regime by name, in the order of the tables."""
    every = [Regime('real', 'real', None), Regime('first', 'synth', None), Regime('restart', 'finetune', None, before='first'),
             Regime('pseudo', 'synth', None, reads=PSEUDO), Regime('self', 'finetune', None, before='pseudo')]
    every += [Regime(f'{kind}{method.code}', kind, method, before=f'synth{method.code}' * (kind == 'finetune'))
              for method in METHODS.values() for kind in ('synth', 'finetune', 'mixed')]
    every += [Regime(name, 'transfer', None, transfer) for name, transfer in TRANSFERS.items()]
    return {regime.name: regime for regime in every}


def parse_regime(name: str) -> Regime:
    """Regime of that name; InputError lists the names there are."""
    every = regimes()
    if name not in every:
        raise InputError(f'regime {name!r}: expected one of {", ".join(every)}')
    return every[name]


def check_pairs(regime: Regime, pairs: Optional[int]) -> None:
    """InputError for a number of synthetic pairs, --num-synthetic, of a regime that learns from none."""
    if pairs and regime.method is None:
        raise InputError(f'--num-synthetic {pairs}: expected with synth1..3, finetune1..3 or mixed1..3, found --regime '
                         f'{regime.name}, which learns from no synthetic pairs; leave it out')


def label_of(name: str) -> str:
    """The label of a regime in results, which may be of a method that is no more: then its name."""
    every = regimes()
    return every[name].label if name in every else name


def short_of(name: str) -> str:
    """`Regime.short` by name; of a method that is no more, the name."""
    every = regimes()
    return every[name].short if name in every else name


def label_of_run(name: str) -> str:
    """'finetune3-smanet-0-n300' -> 'FINETUNE 3, SMANet, seed 0, 300 pairs'; what is no run stays as it is."""
    found = re.fullmatch(r'([a-z]+\w*)-(\w+)-(\d+)(?:-n(\d+))?(?:-l([\d.]+))?', name)
    if not found:
        return name
    regime, network, seed, pairs, labelled = found.groups()
    return (f'{short_of(regime)}, {segmenters.label_of(network)}, seed {seed}'
            + (f', {pairs} pairs' if pairs else '') + (f', {labelled} % labelled' if labelled else ''))


def order_of(name: str) -> Tuple[int, str]:
    """Sorts names of regimes as the tables do, those of methods that are no more behind the others."""
    names = list(regimes())
    return (names.index(name) if name in names else len(names)), name


def rank_of(name: str) -> Tuple[int, int]:
    """`Regime.rank` by name; a regime of a method that is no more stands for nothing, so last."""
    every = regimes()
    return every[name].rank if name in every else (len(every), 0)


class Run(NamedTuple):
    """One segmenter that is trained: what from, which network, which of its seeds.

    Attributes:
      num_synthetic: pairs that train it; None = `generation.num_train`, all there are for training.
      labelled: per cent of the other hospital's learning images whose labels are learned from; None = it learns
        from no other hospital.
    """
    regime: Regime
    segmenter: str = segmenters.foremost()
    seed: int = 0
    num_synthetic: Optional[int] = None
    labelled: Optional[float] = None

    @property
    def name(self) -> str:
        """Folder name: finetune3-smanet-0, finetune3-smanet-0-n300 of 300 synthetic pairs, munit-unet-0-l5 of 5 % of
        the labels."""
        pairs = '' if self.num_synthetic is None else f'-n{self.num_synthetic}'
        labels = '' if self.labelled is None else f'-l{self.labelled:g}'
        return f'{self.regime.name}-{self.segmenter}-{self.seed}{pairs}{labels}'

    @property
    def pretraining(self) -> Optional['Run']:
        """The SYNTH k that a FINETUNE k starts from, the FIRST of RESTART, the PSEUDO of SELF, the REAL of what comes to
        another hospital; None = it starts from no other."""
        if self.regime.transfer:
            return self._replace(regime=parse_regime('real'), labelled=None) if self.regime.transfer.is_tuned else None
        return self._replace(regime=parse_regime(self.regime.before)) if self.regime.before else None

    @property
    def trained(self) -> 'Run':
        """Whose segmenter it is: its own, or that of the run before where nothing is trained for it."""
        transfer = self.regime.transfer
        return self.pretraining if transfer and not transfer.is_trained else self


def with_pretraining(runs: Iterable[Run]) -> List[Run]:
    """The runs asked for, each that starts twice behind its first training, network by network."""
    wanted = list(runs)
    wanted += [run.pretraining for run in wanted if run.pretraining]
    return sorted(set(wanted), key=lambda run: (
        segmenters.order_of(run.segmenter), run.seed, order_of(run.regime.name),
        run.num_synthetic or 0, run.labelled or 0))


def teacher(config) -> Run:
    """The run whose segmenter labels pictures, where some are learned from: REAL, seed 0, see plan.pseudo."""
    return Run(parse_regime('real'), teacher_network(config))


def teacher_of(config, some: Iterable[Run]) -> Optional[Run]:
    """The run whose segmenter labels pictures that some runs, or stages of their methods, learn from; None = none does."""
    regimes_ = [run.regime for run in some]
    reads = {regime.reads for regime in regimes_} | {name for stage in stages_of(regimes_).values() for name in stage.reads}
    return teacher(config) if PSEUDO in reads else None


def watcher(config) -> Run:
    """The run whose segmenter watches stages that are watched: REAL of the config's own network, seed 0."""
    return Run(parse_regime('real'), config.segmenter.network)


def trained_before(config, some: Iterable[Run]) -> List[Run]:
    """The runs that have to be trained before the stages that some runs need: a teacher, and a segmenter that watches."""
    some = list(some)
    watched = any(stage.watched for stage in stages_of([run.regime for run in some]).values())
    return [run for run in (teacher_of(config, some), watcher(config) if watched else None) if run]


def synth_regime(method: Method) -> Regime:
    """SYNTH k of method k."""
    return parse_regime(f'synth{method.code}')


def methods_of(some: Sequence[Regime]) -> List[Method]:
    """The methods that some regimes need, in their order."""
    return [m for m in METHODS.values() if any(r.method == m for r in some)]


def translators_of(some: Sequence[Regime]) -> List[Stage]:
    """The translators that some regimes need."""
    found = [regime.transfer.translator for regime in some if regime.transfer and regime.transfer.translator]
    return list(dict.fromkeys(found))


def stages_of(some: Sequence[Regime]) -> Dict[str, Stage]:
    """The stages that some regimes need, by folder: one that methods share once."""
    found = [stage for method in methods_of(some) for stage in method.stages]
    return {stage.folder: stage for stage in (*found, *translators_of(some))}
