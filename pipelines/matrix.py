"""What an experiment runs, from the `matrix` of its config.

The matrix is a list of blocks, each of which stands for every combination of its lists. An *arm* is
what shares a folder: one config with its real images, stages and samples. A *run* is one segmenter
trained there. Arms that would train the same stage share it: the later one gets a link.
"""
from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from datasets.errors import InputError
from pipelines.config import Block, Config, from_dict, stage_settings, to_dict
from pipelines.methods import Run, Stage, parse_regime, with_pretraining
from pipelines.strict import merge


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


def arms_of(config: Config) -> List[Arm]:
    """The arms of an experiment; without a matrix one, in the experiment's own folder.

    Raises:
      InputError: two blocks give one folder two configs.
    """
    if not config.matrix:
        return [arm_of(config, [Run(parse_regime(name)) for name in config.regimes])]
    arms: Dict[str, Arm] = {}
    for number, block in enumerate(config.matrix):
        for count, draw in itertools.product(block.num_train or (None,), block.draws or (None,)):
            arm = _arm(config, block, number, count, draw)
            known = arms.setdefault(arm.folder, arm)
            if known.config != arm.config or known.name != arm.name:
                raise InputError(f'matrix[{number}]: {arm.folder}: expected the config that an '
                                 f'earlier block gives this folder; give the block another arm')
            for run, splits in arm.scores.items():
                known.scores[run] = tuple(dict.fromkeys([*known.scores.get(run, ()), *splits]))
    return list(arms.values())


def arm_of(config: Config, runs: Sequence[Run]) -> Arm:
    """One arm in the experiment's own folder, its runs scored on the test images."""
    return Arm(config.configuration, '', config, {run: ('test',) for run in with_pretraining(runs)})


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
                raise InputError(f'{option} {name}: expected of this experiment\'s '
                                 f'{", ".join(map(str, dict.fromkeys(known[option])))}')
    wanted = None if regimes is None else {parse_regime(name) for name in regimes}
    chosen = []
    for arm in arms:
        runs = [run for run in arm.runs if (wanted is None or run.regime in wanted)
                and (segmenters is None or run.segmenter in segmenters)
                and (seeds is None or run.seed in seeds)]
        if runs and (folders is None or arm.folder in folders):
            chosen.append(arm._replace(scores={run: arm.scores[run]
                                               for run in with_pretraining(runs)}))
    if not chosen:
        raise InputError('--arms, --regimes, --segmenters, --seeds: nothing of this experiment '
                         'fulfils them all; --dry-run without them shows what there is')
    return chosen


def share_stage(arms: Sequence[Arm], arm: Arm, stage: Stage, workdir) -> None:
    """Links a stage of `arm` to that of an earlier arm which trains the very same."""
    own = Path(workdir) / arm.folder / 'stages' / stage.key
    if own.exists() or own.is_symlink():
        return
    for other in arms[:arms.index(arm)]:
        if any(stage.key == s.key for run in other.runs if run.regime.method
               for s in run.regime.method.stages) \
                and training_key(other.config, stage) == training_key(arm.config, stage):
            own.parent.mkdir(parents=True, exist_ok=True)
            own.symlink_to(os.path.relpath(Path(workdir) / other.folder / 'stages' / stage.key,
                                           own.parent))
            return


def training_key(config: Config, stage: Stage) -> tuple:
    """All of a config on which the weights of a stage depend."""
    tree = to_dict(config)
    settings = vars(stage_settings(config, stage.model, stage.key))
    return (tree['data'], config.seed, config.precision, config.labels.channels,
            {key: value for key, value in settings.items() if key != 'snapshot'})


def _arm(config: Config, block: Block, number: int, count: Optional[int],
         draw: Optional[int]) -> Arm:
    tree = to_dict(config)
    tree.pop('matrix')
    tree = merge(tree, block.config)
    name = block.arm or tree['configuration']
    if '/' in name or name.startswith('.') or not name:
        raise InputError(f'matrix[{number}].arm: expected the name of a folder, found {name!r}')
    folder = name
    if count is not None:
        tree['data']['num_train'] = count
        folder += f'-{count}'
    if draw is not None:
        tree['data']['draw'] = draw
        folder += f'-draw{draw}'
    names = list(block.regimes) or tree['regimes']
    counts = block.num_synthetic or (None,)
    runs = {Run(regime, segmenter, seed, None if regime.kind == 'real' else synthetic)
            for regime in map(parse_regime, names) for segmenter in block.segmenters
            for seed in block.seeds for synthetic in counts}
    tree['regimes'] = list(config.regimes)
    return Arm(name, folder, from_dict(tree, f'matrix[{number}]'),
               {run: tuple(block.score) for run in with_pretraining(runs)})
