"""The kinds of GAN as a table: another one is a file here, one in stages/, and a row.

A kind's name is its section of the config. Its file here holds what can be said in numbers, without
TensorFlow: settings, checks, schedule. Its module in stages/ offers what trains and draws:

  networks(io) -> {name: Keras model}            the networks of a stage, weights from io.seed
  task(io, networks, sources) -> Task            its training; nothing is read before a phase's .batches()
  start(io, networks, sources) -> None           once, before step 1: what can refuse or fill weights
  draws(io) -> name of the network that draws
  draw(io, network) -> function                  latents, or what is given -> channels
  translate(io, networks) -> function            of a translator: pictures of both sets -> both ways and back
  translations(io, networks) -> Translations     of a translator: what a segmenter that watches it is shown

See stages/README.md.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Tuple

from pipelines.plan.kinds import cyclegan, dfgan, munit, pggan, pix2pix, pix2pixhd, shape_model, unit


class Kind(NamedTuple):
    """One kind of GAN.

    Attributes:
      settings: frozen dataclass of its section of the config, with defaults.
      module: of the functions above, as text: imported when a stage is built.
      check: (config, stage, settings, refuse) -> None, refuses what could not be carried out.
      positive, not_negative: names of settings that have to be from 1 on, and from 0 on.
      told: settings -> what results say of a stage that drew the samples, by name.
      is_alike: whether a training step depends on settings and fields alone, and on no picture: then trainings of the
        same may share its graph, see training/kept.py.
    """
    settings: type
    module: str
    check: Callable[[Any, Any, Any, Callable], None]
    positive: Tuple[str, ...] = ()
    not_negative: Tuple[str, ...] = ()
    told: Callable[[Any], Dict[str, str]] = lambda settings: {}
    is_alike: bool = False


KINDS: Dict[str, Kind] = {
    'pggan': Kind(pggan.Settings, 'pipelines.stages.pggan', pggan.check, pggan.POSITIVE, is_alike=True),
    'shape_model': Kind(shape_model.Settings, 'pipelines.stages.shape_model', shape_model.check, shape_model.POSITIVE),
    'pix2pixhd': Kind(pix2pixhd.Settings, 'pipelines.stages.pix2pixhd', pix2pixhd.check,
                      pix2pixhd.POSITIVE, pix2pixhd.NOT_NEGATIVE, is_alike=True),
    'pix2pix': Kind(pix2pix.Settings, 'pipelines.stages.pix2pix', pix2pix.check, pix2pix.POSITIVE,
                    pix2pix.NOT_NEGATIVE, pix2pix.told),
    'dfgan': Kind(dfgan.Settings, 'pipelines.stages.pix2pix', dfgan.check, pix2pix.POSITIVE, pix2pix.NOT_NEGATIVE,
                  pix2pix.told),
    'cyclegan': Kind(cyclegan.Settings, 'pipelines.stages.cyclegan', cyclegan.check, cyclegan.POSITIVE,
                     cyclegan.NOT_NEGATIVE),
    'unit': Kind(unit.Settings, 'pipelines.stages.unit', unit.check, unit.POSITIVE, unit.NOT_NEGATIVE),
    'munit': Kind(munit.Settings, 'pipelines.stages.munit', munit.check, munit.POSITIVE, munit.NOT_NEGATIVE),
}
