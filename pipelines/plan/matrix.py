"""What an experiment runs, from the `matrix` of its config.

The matrix is a list of blocks, each of which stands for every combination of its lists. An *arm* is
what shares a folder: one config with its real images, stages and samples. A *run* is one segmenter
trained there. Arms that would train the same stage share it: the later one gets a link.
"""
from __future__ import annotations

import dataclasses
import itertools
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from datasets.divisions import DIVISIONS
from datasets.errors import InputError
from pipelines.plan.checks import check_run
from pipelines.plan.config import Config, MatrixBlock
from pipelines.plan.data_checks import NAME
from pipelines.plan.loading import from_dict, segmenter_settings, stage_settings, to_changes, to_dict
from pipelines.plan.methods import Stage
from pipelines.plan.pseudo import PSEUDO, UNLABELLED
from pipelines.plan.regimes import Regime, Run, parse_regime, stages_of, trained_before, with_pretraining
from pipelines.plan.segmenters import order_of
from pipelines.plan.strict import merge


# lists of a block -> the key of `data` that they are values of, and how it stands in a folder's name
PART_OF_DATA = {'num_train': ('num_train', ''), 'draws': ('draw', 'draw'), 'folds': ('fold', 'fold')}


class Arm(NamedTuple):
    """A config with the runs that are trained with it.

    Attributes:
      name: of its rows; usually the configuration.
      folder: inside the experiment's; '' = that itself.
      scores: the splits that each run is scored on.
    """
    name: str
    folder: str
    config: Config
    scores: Dict[Run, Tuple[str, ...]]

    @property
    def runs(self) -> List[Run]:
        """In the order of training: every FINETUNE k behind its SYNTH k."""
        return with_pretraining(self.scores)


def arms_of(config: Config, segmenters: Optional[Sequence[str]] = None) -> List[Arm]:
    """The arms of an experiment; without a matrix one, in the experiment's own folder.

    Args:
      segmenters: without a matrix, networks in the place of the config's own.

    Raises:
      InputError: two blocks give one folder two configs, or two folders rows of the same name.
    """
    if not config.matrix:
        return [arm_of(config, [run for segmenter in segmenters or [config.segmenter.network]
                                for name in config.regimes
                                for run in _runs_of(parse_regime(name), segmenter, 0, [None],
                                                    [config.transfer.labelled], 'transfer.labelled')])]
    arms: Dict[str, Arm] = {}
    for number, block in enumerate(config.matrix):
        for chosen in itertools.product(*(getattr(block, key) or (None,) for key in PART_OF_DATA)):
            arm = _arm(config, block, number, dict(zip(PART_OF_DATA, chosen)))
            known = arms.setdefault(arm.folder, arm)
            if known.config != arm.config or known.name != arm.name:
                raise InputError(f'matrix[{number}]: {arm.folder}: expected the config that an '
                                 f'earlier block gives this folder; give the block another arm')
            for run, splits in arm.scores.items():
                known.scores[run] = tuple(dict.fromkeys([*known.scores.get(run, ()), *splits]))
    rows = {}
    for arm in arms.values():
        other = rows.setdefault((arm.name, arm.config.data.num_train, *_part_tested(arm.config)), arm)
        if other is not arm:
            raise InputError(f'matrix: {other.folder} and {arm.folder} are the same arm, real images, '
                             f'draw and fold; say draws, num_train and folds in both blocks, or in none')
    return list(arms.values())


def arm_of(config: Config, runs: Sequence[Run]) -> Arm:
    """One arm in the experiment's own folder, its runs scored on the test images and at other hospitals.

    Raises:
      InputError: a network cannot learn all that it learns from what a run has, see checks.check_run.
    """
    splits = ('test', *config.external)
    return _checked(Arm(config.configuration, '', config, {run: splits for run in _complete(config, runs)}))


def selected(arms: Sequence[Arm], folders: Optional[Sequence[str]],
             regimes: Optional[Sequence[str]], segmenters: Optional[Sequence[str]],
             seeds: Optional[Sequence[int]]) -> List[Arm]:
    """The part of a matrix that is asked for; None = all. FINETUNE k brings its SYNTH k.

    Raises:
      InputError: nothing is left, or a name that the matrix does not have.
    """
    known = {'--arms': [arm.folder for arm in arms],
             '--segmenters': [run.segmenter for arm in arms for run in arm.runs],
             '--seeds': [run.seed for arm in arms for run in arm.runs]}
    for option, asked in (('--arms', folders), ('--segmenters', segmenters), ('--seeds', seeds)):
        for name in asked or ():
            if name not in known[option]:
                raise InputError(f'{option} {name}: expected some of what this experiment has, '
                                 f'{", ".join(map(str, dict.fromkeys(known[option])))}, found none of that name')
    wanted = None if regimes is None else {parse_regime(name) for name in regimes}
    chosen = []
    for arm in arms:
        runs = [run for run in arm.runs if (wanted is None or run.regime in wanted)
                and (segmenters is None or run.segmenter in segmenters)
                and (seeds is None or run.seed in seeds)]
        if runs and (folders is None or arm.folder in folders):
            chosen.append(arm._replace(scores={run: arm.scores[run]
                                               for run in _complete(arm.config, runs)}))
    if not chosen:
        raise InputError('--arms, --regimes, --segmenters, --seeds: nothing of this experiment '
                         'fulfils them all; --dry-run without them shows what there is')
    return chosen


def shown(arms: Sequence[Arm]) -> Optional[Tuple[Arm, Run]]:
    """Whose pictures stand for an experiment: the paper's own regime where there is one.

    Of the runs that are scored on the test images the first by `Regime.rank`, SMANet before
    others, and the lowest seed; None if there are none.
    """
    candidates = [(arm, run) for arm in arms for run in arm.runs if 'test' in arm.scores[run]]
    return min(candidates, default=None, key=lambda pair: (
        pair[1].regime.rank, order_of(pair[1].segmenter), pair[1].seed))


def pairs_of(config: Config, run: Run) -> int:
    """Synthetic pairs behind a run, those that choose the epoch included; of MIXED k real images choose it."""
    if run.regime.method is None:
        return 0
    generation = config.generation
    chooses = 0 if run.regime.kind == 'mixed' else generation.num_validation
    return (run.num_synthetic or generation.num_train) + chooses


def unscored(arms: Sequence[Arm], rows: Sequence[dict]) -> List[str]:
    """Scores of the matrix that no row of the results holds: 'tiny-draw0 real-smanet-0 (test)'."""
    def key(row, num_real):
        return (row['arm'], num_real, row['draw'], row['division'], row['fold'], row['regime'],
                row['segmenter'], row['seed'], row['num_synthetic'], row['labelled'], row['split'])

    found = {key(row, num_real) for row in rows for num_real in (row['num_real'], None)}
    return [f'{arm.folder or arm.name} {run.name} ({split})'
            for arm in arms for run, splits in arm.scores.items() for split in splits
            if (arm.name, arm.config.data.num_train, *_part_tested(arm.config), run.regime.name,
                run.segmenter, run.seed, pairs_of(arm.config, run), run.labelled, split) not in found]


def owner_of(arms: Sequence[Arm], arm: Arm, stage: Stage) -> Optional[Arm]:
    """The first of the arms before `arm` that trains the very same stage; None = it trains its own."""
    for other in itertools.takewhile(lambda other: other.folder != arm.folder, arms):
        if (stage.folder in stages_of([run.regime for run in other.runs])
                and training_key(other.config, stage) == training_key(arm.config, stage)):
            return other
    return None


def training_key(config: Config, stage: Stage) -> tuple:
    """All of a config on which the weights of a stage depend."""
    tree = to_dict(config)
    settings = vars(stage_settings(config, stage))
    others = {name: tree['sources'][name] for name in stage.reads if name in tree['sources']}
    if PSEUDO in stage.reads or stage.watched:
        others[PSEUDO] = tree['sources'].get(UNLABELLED), tree['segmenter'], tree['segmenters']
    return (tree['data'], others, config.seed, config.precision, config.labels.channels,
            {key: value for key, value in settings.items() if key != 'snapshot'})


def _part_tested(config: Config) -> tuple:
    """(draw, division, fold) as results name them."""
    division = DIVISIONS[config.data.division]
    return config.data.draw, division.label(config.data), division.fold(config.data)


def _arm(config: Config, block: MatrixBlock, number: int, part: Dict[str, Optional[int]]) -> Arm:
    tree = to_changes(config)
    tree.pop('matrix')
    tree = merge(tree, block.config)
    name = block.arm or tree['configuration']
    if not NAME.fullmatch(name):
        raise InputError(f'matrix[{number}].arm: expected a name of letters, digits and _, found '
                         f'{name!r}')
    if 'matrix' in block.config:
        raise InputError(f'matrix[{number}].config: expected no matrix inside a matrix')
    folder = name
    for key, value in part.items():
        if value is not None:
            name_of_key, words = PART_OF_DATA[key]
            tree['data'][name_of_key] = value
            folder += f'-{words}{value}'
    names = list(block.regimes) or tree['regimes']
    config = from_dict({**tree, 'regimes': names}, f'matrix[{number}]')
    if part['folds'] is not None and DIVISIONS[config.data.division].fold(config.data) is None:
        raise InputError(f'matrix[{number}].folds: expected data.division=folds with it, found '
                         f'{config.data.division}')
    total = config.generation.num_train
    if any(not 1 <= n <= total for n in block.num_synthetic):
        raise InputError(f'matrix[{number}].num_synthetic: expected numbers from 1 to '
                         f'generation.num_train = {total}, found {list(block.num_synthetic)}')
    counts = [None if n == total else n for n in block.num_synthetic] or [None]
    runs = {run for regime in map(parse_regime, names)
            for segmenter in block.segmenters or (config.segmenter.network,)
            for seed in block.seeds for run in _runs_of(
                regime, segmenter, seed, counts, block.labelled or [config.transfer.labelled],
                f'matrix[{number}].labelled' if block.labelled else 'transfer.labelled')}
    config = dataclasses.replace(config, regimes=tuple(tree['regimes']))  # the same in all blocks
    return _checked(Arm(name, folder, config, {run: tuple(block.score) for run in _complete(config, runs)}))


def _complete(config: Config, runs: Iterable[Run]) -> List[Run]:
    """With what they start from, and what has to be trained before their stages."""
    runs = with_pretraining(runs)
    return with_pretraining([*runs, *trained_before(config, runs)])


def _runs_of(regime: Regime, segmenter: str, seed: int, counts: Sequence[Optional[int]],
             shares: Sequence[float], key: str) -> List[Run]:
    """The runs of one regime: of several numbers of synthetic pairs, or shares of labels, those that it knows."""
    if regime.transfer is None:
        return [Run(regime, segmenter, seed, synthetic if regime.method else None) for synthetic in counts]
    taken = [share for share in shares if regime.transfer.takes(share)] or (
        [0.0] if not regime.transfer.with_labels else [])
    if not taken:
        raise InputError(f'{key}: expected a share above 0 for {regime.name}, which learns from labels, found '
                         f'{", ".join(f"{share:g}" for share in shares)}')
    return [Run(regime, segmenter, seed, None, share) for share in taken]


def _checked(arm: Arm) -> Arm:
    for run in arm.scores:
        check_run(arm.config, run, arm.scores[run], segmenter_settings(arm.config, run.segmenter), stage_settings)
    return arm
