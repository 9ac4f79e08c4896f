"""The resolved plan of an experiment as text: stages, sizes, parameters, steps."""
from __future__ import annotations

from typing import Sequence

from pipelines.checks import growth_plan
from pipelines.config import Config, stage_settings
from pipelines.fields import Field
from pipelines.methods import Regime, Stage, methods_of
from pipelines.prepare import open_split
from pipelines.segmentation import make_network, steps_of
from pipelines.pix2pixhd_stage import epoch_steps
from pipelines.stages import stage_networks


def describe(config: Config, regimes: Sequence[Regime]) -> str:
    """One line per step. Builds the networks to count their parameters, trains nothing."""
    dataset = open_split(config, 'train')
    coding, images = dataset.coding, len(dataset.ids)
    count = images * config.data.augment
    generation = config.generation
    lines = [f'experiment {config.experiment} ({config.configuration}), seed {config.seed}',
             f'data       {config.data.dataset}: {images} learning images, {count} after '
             f'augmentation, {config.data.size} px; scored at {config.evaluation.size} px; '
             f'{config.labels.channels} label channels']
    for method in methods_of(regimes):
        for stage in method.stages:
            lines.append(f'stage      {method.name}/{stage.name}: ' +
                         _stage(config, stage, coding, count))
        lines.append(f'generate   {method.name}: {generation.num_train} + '
                     f'{generation.num_validation} samples')
    parameters = make_network(config, coding.num_classes).count_params()
    for regime in regimes:
        settings = config.segmenter
        lines.append(f'segmenter  {regime.name}: SMANet {parameters:,} parameters, '
                     f'crop {settings.crop} of {settings.size} px, batch {settings.batch_size}, '
                     f'{steps_of(config, regime):,} updates')
    return '\n'.join(lines)


def _stage(config: Config, stage: Stage, coding, count: int) -> str:
    settings = stage_settings(config, stage.model, stage.key)
    networks = stage_networks(config, stage, coding, settings)
    sizes = ', '.join(f'{name} {network.count_params():,}' for name, network in networks.items()
                      if 'average' not in name)
    if stage.model == 'pggan':
        phases = growth_plan(settings, Field(stage.produces[0], config, coding).size)
        steps = sum(phase.steps for phase in phases)
        work = f'{len(phases)} phases up to {2 ** phases[-1].level} px, {steps:,} steps'
    else:
        epochs = settings.epochs + settings.decay_epochs
        steps = epochs * epoch_steps(settings, count)
        work = f'{config.data.size} px, {epochs} epochs, {steps:,} steps'
    return f'{stage.model}, parameters: {sizes}; {work}'
