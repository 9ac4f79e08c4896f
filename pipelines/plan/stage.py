"""One trained model of a method, or a translator beside them, as data."""
from __future__ import annotations

from typing import NamedTuple, Optional, Tuple


class Stage(NamedTuple):
    """One GAN: makes fields of a sample from noise (`consumes` None) or from another field.

    Attributes:
      name: as `--stage` takes it; unique within its method.
      kind: a row of plan.kinds.KINDS, whose name is also its section of the config.
      consumes: the field that it is given, None = noise.
      produces: the fields that it makes, in the order of their channels.
      folder: its own below `WORKDIR/stages`, and its name in the config's `stages`. Stages of two
        methods share a folder, and so the trained network, only where they are the same stage.
      reads: the record sets that it learns from, see plan.workdir.Workdir.records.
      watched: whether the segmenter of REAL watches what it draws, see segmentation/guided.py.
    """
    name: str
    kind: str
    consumes: Optional[str]
    produces: Tuple[str, ...]
    folder: str
    reads: Tuple[str, ...] = ('train',)
    watched: bool = False
