"""The ways to bring a segmenter of hospital A to hospital B, as data: Oliveira & dos Santos 2018, sections IV to VI.

A is the config's own data, B the data set that its `sources` call `target`. Each way is a regime of its name, whose
runs also say how many per cent of B's learning images have labels that are learned from. A segmenter of A on B as it is
needs no way of its own: that is REAL, scored there.
"""
from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional

from datasets.divisions import validates
from datasets.errors import InputError
from pipelines.plan.kinds import KINDS
from pipelines.plan.segmenters import SEGMENTERS
from pipelines.plan.stage import Stage
from pipelines.plan.translators import TARGET, TRANSLATORS

VALIDATION = f'{TARGET}_validation'  # records of the validation part of B


class Transfer(NamedTuple):
    """One way.

    Attributes:
      name: of its regime, too.
      label: in tables.
      is_trained: whether a segmenter is trained for it; else it is REAL's, that is shown pictures otherwise.
      is_tuned: whether it starts from REAL's segmenter.
      without_labels, with_labels: whether it can do without labels of B, and whether it learns from them.
      translator: what brings pictures of B to A before they are segmented; None = nothing.
    """
    name: str
    label: str
    is_trained: bool = True
    is_tuned: bool = True
    without_labels: bool = False
    with_labels: bool = True
    translator: Optional[Stage] = None

    def takes(self, labelled: float) -> bool:
        """Whether there is such a run with that share of B's labels, per cent."""
        return self.with_labels if labelled else self.without_labels


TRANSFERS: Dict[str, Transfer] = {transfer.name: transfer for transfer in (
    Transfer('tone', 'Tone of A by histogram', is_trained=False, without_labels=True, with_labels=False),
    Transfer('tuned', 'Fine-tuned on labels of B'),
    Transfer('scratch', 'From scratch on labels of B', is_tuned=False),
    *(Transfer(name, f'{words}, supervised', without_labels=True, translator=TRANSLATORS[name])
      for name, words in (('cyclegan', 'CycleGAN'), ('unit', 'UNIT'), ('munit', 'MUNIT'))))}


def share_of(regime: str, asked: Optional[float], default: float) -> Optional[float]:
    """Per cent of B's labels of one run, as `--labelled` asks for them; None of a regime that stays at A.

    Raises:
      InputError: the regime has no such run.
    """
    transfer = TRANSFERS.get(regime)
    if transfer is None:
        if asked is not None:
            raise InputError(f'--labelled {asked:g}: expected none with --regime {regime}, which learns from no other '
                             f'hospital, one of {", ".join(TRANSFERS)}')
        return None
    share = default if asked is None else asked
    if not transfer.with_labels and asked is None:
        share = 0.0
    if not 0 <= share <= 100 or not transfer.takes(share):
        words = 'from 0 to 100' if transfer.with_labels and transfer.without_labels else (
            'above 0' if transfer.with_labels else '0')
        raise InputError(f'--labelled (transfer.labelled): expected {words} per cent with --regime {regime}, found {share:g}')
    return share


def shown_as(config, transfer: Optional[Transfer]):
    """The section of a config that says how the pictures are shown that a segmenter is for: B's after a transfer, where
    the config names B, for A's tone comes from A alone; else A's."""
    return config.sources[TARGET] if transfer and TARGET in config.sources else config.data


def check_numbers(config, refuse: Callable) -> None:
    """Refuses numbers of the config's `transfer` and shares of its matrix that could not be carried out."""
    if config.transfer.epochs < 1:
        refuse('transfer.epochs', 'a number from 1 on', config.transfer.epochs)
    for key in ('cycle_error', 'restarts'):
        if not getattr(config.transfer, key) >= 0:
            refuse(f'transfer.{key}', 'a number from 0 on', getattr(config.transfer, key))
    lists = {'transfer.labelled': [config.transfer.labelled]}
    lists.update({f'matrix[{number}].labelled': block.labelled for number, block in enumerate(config.matrix)})
    for key, shares in lists.items():
        for share in shares:
            if not 0 <= share <= 100:
                refuse(key, 'per cent, from 0 to 100', share)
        if len({f'{share:g}' for share in shares}) < len({*shares}):  # folders are called by them
            refuse(key, 'shares that differ within six digits', list(shares))


def check_translator(config, stage: Stage, settings, refuse: Callable) -> None:
    """Refuses a translator that this config could not train; `settings` are the stage's."""
    check_target(config, stage.kind, refuse)
    KINDS[stage.kind].check(config, stage, settings, refuse)


def check_target(config, who: str, refuse: Callable) -> None:
    """Refuses a config without a hospital B, or with one whose pictures are of another sort."""
    if TARGET not in config.sources:
        refuse(f'sources.{TARGET}', f'the data set that {who} is to bring to that of data, as sources: '
               f'{{{TARGET}: {{dataset: montgomery, source: DIR}}}}', None)
    channels = config.sources[TARGET].channels
    if channels != config.data.channels:
        refuse(f'sources.{TARGET}.channels', f'that of data, {config.data.channels}, as one picture becomes the other',
               channels)


def check(config, run, segmenter, stage_settings: Callable, refuse: Callable) -> None:
    """Refuses, before anything is trained, a run that this config could not carry out.

    Args:
      run: of a regime with a transfer.
      segmenter: the settings of the run's.
      stage_settings: (config, stage) -> its settings.
    """
    transfer = run.regime.transfer
    if transfer.name != 'tone':
        check_target(config, f'regime {transfer.name}', refuse)
    if run.labelled and config.sources[TARGET].unlabelled:
        refuse(f'sources.{TARGET}.unlabelled', f'false where {run.labelled:g} % of its labels are learned from', True)
    network = SEGMENTERS[segmenter.network]
    if network.also and transfer.is_trained:
        refuse(f'segmenter {run.segmenter}', 'a network that learns label maps alone, for the other hospital has no '
               f'{network.also[0]} pictures', segmenter.network)
    if transfer.translator:
        check_translator(config, transfer.translator, stage_settings(config, transfer.translator), refuse)
        if not network.is_plain:
            plain = ', '.join(name for name, row in SEGMENTERS.items() if row.is_plain)
            refuse(f'segmenter {run.segmenter}', f'with {transfer.name} one that learns by cross entropy alone ({plain})',
                   segmenter.network)
        if segmenter.size != config.data.size:
            refuse(f'segmenter.size ({run.segmenter})', f'that of data, {config.data.size}, for translated pictures are '
                   'what it sees', segmenter.size)
        if segmenter.overlapping:
            refuse(f'segmenter.overlapping ({run.segmenter})', f'false with {transfer.name}; train a class by itself', True)


def chosen_by(config, labelled: float) -> str:
    """Which records choose the weights of a training on B: the validation images of B where they may be looked at.

    [ours] With labels of B, those of its validation part, if its division has one; without, the validation part
    of A, if that has one; '' = none: then the last weights are kept, or averaged ones.
    """
    if labelled:
        return VALIDATION if validates(config.sources[TARGET]) else ''
    return 'validation' if validates(config.data) else ''
