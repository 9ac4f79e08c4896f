"""A training as data: its networks, and phases that each say what to update with which batches."""
from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow as tf

from models.adversarial import Update


class Phase(NamedTuple):
    """A stretch of training.

    Attributes:
      learning_rate: step in this phase, from 0 -> learning rate.
      batches: first step in this phase -> endless batches from there on.
      batch_spec: of a batch, every dimension known: what plans and measurements trace a step with.
      sheet: steps done in this phase -> RGB sample sheet uint8 [H, W, 3]; None for none.
      keeps: names of the updates whose optimiser goes on from the phase before; others start afresh.
      snapshot_every: steps between snapshots, each with a sheet; 0 for none.
      measured: numbers by name that are logged with every sheet, a row of their own; None for none.
    """
    name: str
    steps: int
    learning_rate: Callable[[int], float]
    updates: Tuple[Update, ...]
    batches: Callable[[int], tf.data.Dataset]
    batch_spec: Dict[str, tf.TensorSpec]
    sheet: Optional[Callable[[int], np.ndarray]] = None
    keeps: Tuple[str, ...] = ()
    snapshot_every: int = 0
    measured: Optional[Callable[[], Dict[str, float]]] = None


class Average(NamedTuple):
    """`average` follows `live`, see models.adversarial.update_average."""
    average: tf.keras.Model
    live: tf.keras.Model
    decay: float


class Validation(NamedTuple):
    """Chooses the best step: weights of `live` go to `best` whenever `score()` (a %) is highest."""
    every: int
    score: Callable[[], float]
    best: tf.keras.Model
    live: tf.keras.Model


class Task(NamedTuple):
    """A training from its first step to its last.

    Attributes:
      networks: all that is saved and restored, averages and best included.
      betas: of Adam.
      snapshot: the networks that a snapshot holds.
      extras: what else moves, for example an image pool.
      mixed_precision: whether losses are scaled, as float16 networks need.
      key: says everything on which the graph of a step depends but its variables: trainings of one key may take each
        other's graphs, see training/kept.py; None = nobody's.
      start: called once, before step 1 and not after a resume: fills weights that were learned
        elsewhere, or refuses what the training could not use.
    """
    name: str
    networks: Dict[str, tf.keras.Model]
    phases: Tuple[Phase, ...]
    betas: Tuple[float, float]
    averages: Tuple[Average, ...] = ()
    validation: Optional[Validation] = None
    snapshot: Dict[str, tf.keras.Model] = {}
    extras: Dict[str, tf.Module] = {}
    mixed_precision: bool = False
    key: Optional[str] = None
    start: Callable[[], None] = lambda: None

    @property
    def steps(self) -> int:
        """Of all phases."""
        return sum(phase.steps for phase in self.phases)
