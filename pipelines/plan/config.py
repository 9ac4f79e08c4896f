"""A whole experiment as frozen dataclasses: every key of a config, its meaning and its default.

Defaults are the paper's full-size settings. Beside the sections below stands one for each kind of GAN,
under its name in plan.kinds.KINDS; and `segmenter` also takes the options of its network's row in
plan.segmenters.SEGMENTERS. plan/loading.py reads YAML into them; an unknown key or a wrong type is
refused with its path and the known keys.
"""
from __future__ import annotations

import dataclasses
from typing import Any, Dict, Literal, Mapping, Optional, Tuple

from pipelines.plan import segmenters
from pipelines.plan.augmentation import Augmentation
from pipelines.plan.kinds import KINDS
from pipelines.plan.pseudo import PSEUDO, UNLABELLED
from pipelines.plan.transfers import VALIDATION
from pipelines.plan.translators import TARGET


@dataclasses.dataclass(frozen=True)
class Data:
    """Which pictures, and how they become records."""
    # phantom | phantom_b | phantom_lesions | phantom_lesions_shown | phantom_retina | jsrt | montgomery | shenzhen |
    # siim_acr | drive | chase_db1 | stare | hrf | folder | ...: a row of datasets.readers.READERS
    dataset: str
    source: Optional[str] = None        # folder of the data set; none for drawn ones
    # Side of the records that the GANs learn, px: a power of two where PGGAN draws pictures or label maps. Work
    # and memory grow with its square; thin organs vanish below their width.
    size: int = 1024
    # Its owners' terms in a sentence, for model cards and datasheets; none = those of datasets/readers/terms.py, if any.
    terms: Optional[str] = None
    channels: int = 1                   # of its pictures: 1 = grey, 3 = colour
    organ: Optional[str] = None         # of what is labelled this alone, as if nothing else was; none = all
    # Where they are grey: what becomes of files in colour: equal (refused, unless all channels agree), or
    # luminance | red | green | blue.
    grey: str = 'equal'
    fit: str = 'pad'                    # pictures that are not square: pad (whole, in the middle) | stretch
    # Cut each picture and its masks to the film, where a side is as black as the plate that it was scanned on, see
    # datasets/film.py: that is learned from and scored.
    trim_borders: bool = False
    num_train: Optional[int] = None     # draw so many learning images at random (TINY: 11); none = all
    draw: int = 0                       # which random draw of them (and which phantoms)
    train_ids: Optional[str] = None     # or name them: a file with one id a line
    # official | listed | folds | 60/20/20 or 80/10/10 (by patient, once): a row of datasets.divisions.DIVISIONS
    division: str = 'official'
    test_ids: Optional[str] = None      # listed: the file of those to test
    validation_ids: Optional[str] = None  # listed: that of those that choose the epoch; none = segmenter.holdout does
    division_seed: int = 0              # 60/20/20, 80/10/10: which random order of the patients
    # The pictures alone: without what they show, and also those of which nobody drew it; of `sources` only.
    unlabelled: bool = False
    folds: int = 5                      # folds: into how many parts the patients are cut
    fold: int = 0                       # folds: which of them is tested, from 0 on
    # folds: how many of the others choose the epoch of trainings on real pairs and are not learned from; 0 =
    # segmenter.holdout does. Of 5 folds 1 makes it 60/20/20.
    validation: int = 0
    num_test: Optional[int] = None      # drawn ones: how many test images to draw
    field_of_view_mm: Optional[Tuple[float, ...]] = None  # folder: height and width of its pictures
    # Learning images bring the same without ribs and clavicles, where the data set has that (phantom, folder): what
    # pix2pix_mtdg_both learns beside label maps.
    bone_suppressed: bool = False
    augment: int = 6                    # versions of each real image: itself and up to 5 variants, 1 to 6
    noise: str = 'variance'             # variance | std: how to read the paper's noise
    augment_mode: str = 'separate'      # separate | composed: one operation a variant, or all
    dots_size: int = 64                 # side of the map of dots, px, a power of two; larger where dots merge
    dots_radius: int = 2                # radius of a dot on that map, px; dots of two organs must not touch
    # Decoded records are kept in memory below this; beyond, each is read as it is needed, in the same order:
    # changes no result.
    memory_limit_mb: int = 4096


@dataclasses.dataclass(frozen=True)
class External(Data):
    """A labelled data set of somewhere else: segmenters are scored on it, and nothing learns from it.

    The keys of `data` say which; of `data` itself it takes over channels, grey, fit and trim_borders, and nothing else, and
    says of them what `sources.target` says, if it is that. It is scored at evaluation.size, and not augmented.
    """
    part: str = 'all'                   # all of its pictures, or the train | validation | test part of its division
    # The classes that are scored, as {lungs: [left_lung, right_lung]}, where the segmenter finds them apart, together
    # or both as one; none = the segmenter's own, those of which the data set has every organ.
    targets: Optional[Dict[str, Tuple[str, ...]]] = None


@dataclasses.dataclass(frozen=True)
class Labels:
    """How label maps are drawn, cleaned and checked."""
    channels: str = 'grey'              # grey (the paper) | onehot | distance, for thin ones: how a GAN draws codes
    # Majority filter and speck removal on generated label maps; auto: unless it would remove more than 1 % of
    # an organ in the real ones.
    clean: Literal[True, False, 'auto'] = 'auto'
    warp: float = 0.0                   # of generated ones: displacements on a 5x5 grid, share of the side
    # Of generated dots: how far each is moved at random, either way, share of the side. Few images give few different
    # maps of dots, and equal dots equal pairs.
    jitter: float = 0.0
    # Redraw samples that fail the anatomical check, at most 100 times; auto: where at most 5 % of the real label
    # maps fail it.
    reject: Literal[True, False, 'auto'] = 'auto'
    # By how much the check widens the range of organs' areas, as a share of them, and that of their centroids,
    # as a share of the side. Wider: fewer redrawn, stranger ones kept.
    margin: float = 0.5
    centroid_margin: float = 0.08


@dataclasses.dataclass(frozen=True)
class Generation:
    """How many samples the segmenter gets, and how they are made and filed."""
    num_train: int = 7500               # these train the segmenter; time and disk grow with them
    num_validation: int = 2500          # these choose the epoch of SYNTH; 0 where nothing but MIXED learns from samples
    block: int = 16                     # samples computed together; memory grows with it; part of an address
    shard: int = 512                    # samples per file, a multiple of block; workers share files

    @property
    def count(self) -> int:
        """Samples in all."""
        return self.num_train + self.num_validation


@dataclasses.dataclass(frozen=True)
class Segmenter:
    """The segmenter and its training in every regime; beside these keys those of its network."""
    network: str = 'smanet'             # a row of SEGMENTERS, which says which keys are its own
    size: int = 512                     # side at which it trains, px; records are resized to it
    # Random crop, and the sliding window at test, at most size: context that a pixel is judged by. Must fit
    # the network, see its row in SEGMENTERS; memory grows with its square.
    crop: int = 377
    batch_size: int = 17                # crops in a step; memory grows with it; divides by the devices
    learning_rate: float = 1.0e-4       # of SYNTH and REAL, constant
    synth_steps: int = 20_000           # updates on synthetic pairs
    finetune_steps: int = 5_000         # updates on real pairs after that; REAL gets the sum of both
    # Of REAL in the place of those: so often it sees every record that it learns from, and it is validated after
    # each time; where REAL is the only regime.
    epochs: Optional[int] = None
    finetune_learning_rate: float = 1.0e-4  # of FINETUNE
    # Coupled, as PyTorch's Adam has it: decay * weight is added to the gradient, and not to the loss; 0 = none.
    weight_decay: float = 0.0
    # Of MIXED k: which share of every batch synthetic pairs are; none = real and synthetic ones come in one order.
    mixed_share: Optional[float] = None
    # What decays: weights (kernels and BN scales; biases and BN shifts move at twice the rate instead, as in the
    # trainer that Oliveira 2018 built on) | all (everything, at one rate)
    decayed: str = 'weights'
    validate_every: int = 500           # steps; rarer, and the best one is missed
    max_validation: int = 2500          # images used to choose the epoch
    holdout: float = 0.15               # share of the real source images held out to choose it
    min_holdout_images: int = 20        # with fewer source images, none: averaged weights instead
    average_decay: float = 0.999        # a step, of those averaged weights: about 1/(1 - decay) steps count
    # How pictures are shown to it: standardised (mean 0, deviation 1, each by itself) | as_is (a share of the deepest
    # grey that their files can have, from -1 to 1: what another film or scanner then costs is no small matter).
    greys: str = 'standardised'
    augmentation: Augmentation = Augmentation()
    # What it learns to find, as {lungs: [left_lung, right_lung]}; none = the targets of the data set.
    targets: Optional[Dict[str, Tuple[str, ...]]] = None
    overlapping: bool = False           # each target is a mask of its own; else a pixel has one
    options: Any = segmenters.SMANetOptions()  # of the network; they stand in this very section


@dataclasses.dataclass(frozen=True)
class Transfer:
    """A segmenter of `data` for the hospital of `sources.target`: the regimes of plan.transfers.TRANSFERS.

    Before that the translator learns alone, for the epochs of its own section: of Oliveira and dos Santos 2018 20.
    """
    # In which the segmenter watches the translator; one shows the larger of both data sets once.
    epochs: int = 380
    # A translator whose pictures come back changed by more, mean of abs(a - aba) in [-1, 1], has not converged: it is
    # said to be one, and begun anew from another seed, so many times.
    cycle_error: float = 0.2
    restarts: int = 0                   # the paper repeated what visibly failed and does not say how often
    labelled: float = 100.0             # without a matrix: per cent of the target's learning images with labels


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How test images are scored, and samples measured."""
    size: int = 512                     # side at which test images are scored, px, whatever was trained
    inception_weights: Optional[str] = None  # Keras' InceptionV3 .h5 without top, for FID


@dataclasses.dataclass(frozen=True)
class Logging:
    """What a training writes and how often; changes no result."""
    log_every: int = 50                 # steps between rows of losses.jsonl
    sheet_every: int = 1000             # steps between sample sheets
    # Between two saved states, at least: a large one is saved more rarely, so that saving takes at most 2 % of
    # the time. 0 = after every step.
    checkpoint_seconds: float = 60.0


@dataclasses.dataclass(frozen=True)
class MatrixBlock:
    """A part of an experiment's matrix: every combination of its lists. See pipelines/plan/matrix.py."""
    arm: Optional[str] = None           # names its folder and rows; none = the configuration
    config: Dict[str, Any] = dataclasses.field(default_factory=dict)  # laid over the config
    num_train: Tuple[Optional[int], ...] = ()  # numbers of real images; none = data.num_train
    draws: Tuple[int, ...] = ()         # of those images; none = data.draw
    folds: Tuple[int, ...] = ()         # of data.division: each is tested once; none = data.fold
    regimes: Tuple[str, ...] = ()       # none = the config's
    segmenters: Tuple[str, ...] = ()  # networks, or names in `segmenters`; none = segmenter.network
    seeds: Tuple[int, ...] = (0,)       # of the segmenter
    num_synthetic: Tuple[int, ...] = ()  # of the pairs that train; none = generation.num_train
    # Per cent of the other hospital's learning images with labels, of regimes that go there; of those some need
    # labels and have no run at 0; none = transfer.labelled.
    labelled: Tuple[float, ...] = ()
    # test | left_out (learning images that were not drawn) | the name of an external data set
    score: Tuple[str, ...] = ('test',)


@dataclasses.dataclass(frozen=True)
class Config:
    """A whole experiment."""
    experiment: str                     # names the rows in results.jsonl
    configuration: str                  # tiny | full | demo | ...: which published table is beside
    data: Data
    # Further data sets, by a name of theirs, as changes to `data`: what stages learn from beside it, see
    # stage.Stage.reads. Their size is that of `data`. A translator brings pictures of `target` to those of `data`; a teacher
    # labels those of `unlabelled`, see plan/pseudo.py.
    sources: Dict[str, Data] = dataclasses.field(default_factory=dict)
    # Labelled data sets of other hospitals, by a name of theirs: what segmenters are worth there. Without a matrix
    # every run is scored on them too, in a matrix those of blocks that name them in `score`.
    external: Dict[str, External] = dataclasses.field(default_factory=dict)
    seed: int = 0                       # of weights, batches and noise; the draw is data.draw
    precision: str = 'float32'          # float32 | mixed_float16: what networks compute in
    strategy: str = 'none'              # none | mirrored (GPUs of a host) | multi_worker (of several)
    # What segmenters learn from: real; of each method k (1..3, 2s, 3g, 3m, d = DF-GAN, p = pix2pix) synthk (its pairs),
    # finetunek (then real ones), mixedk (both at once); restart (two trainings as finetunek, with real pairs alone: what the
    # second start is worth without synthesis; first is the first of them); self (the same with pictures of
    # sources.unlabelled that a teacher labelled: self-training without a GAN; pseudo is the first of them); for the
    # hospital of sources.target: tone, tuned, scratch, cyclegan, unit, munit.
    regimes: Tuple[str, ...] = ('real', 'synth3', 'finetune3')
    labels: Labels = Labels()
    # The settings of each kind of GAN; in a config each is a section of its own: pggan, shape_model, pix2pixhd, pix2pix, dfgan,
    # cyclegan, unit, munit.
    kinds: Mapping[str, Any] = dataclasses.field(
        default_factory=lambda: {name: kind.settings() for name, kind in KINDS.items()})
    # Changes to the section of its kind for one stage, by the name of its folder: dots, labels_from_dots, image_from_labels
    # (three-stage), labels, image_from_labels (two-stage), image_labels (single-stage), labels_of_shapes (two_shapes),
    # image_guided (three_guided), image_from_more (three_more), image_from_region (DF-GAN), image_from_region_plain
    # (pix2pix); translator_cyclegan, translator_unit, translator_munit. --stage takes a method's own names: dots, labels,
    # image, pair.
    stages: Dict[str, Dict[str, Any]] = dataclasses.field(default_factory=dict)
    generation: Generation = Generation()
    segmenter: Segmenter = Segmenter()
    # Changes to `segmenter` for one network, by its name: that of --segmenter and of a block.
    segmenters: Dict[str, Dict[str, Any]] = dataclasses.field(default_factory=dict)
    transfer: Transfer = Transfer()
    matrix: Tuple[MatrixBlock, ...] = ()      # none = each of `regimes` once
    evaluation: Evaluation = Evaluation()
    run: Logging = Logging()
    # No key: what sections of `sources` and `external` say themselves; their other values are those of `data`.
    said: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def section_of(self, records: str) -> str:
        """The name of the section that says which pictures a set of records holds, such as 'sources.target'."""
        name = {VALIDATION: TARGET, PSEUDO: UNLABELLED}.get(records, records)
        return next((f'{section}.{name}' for section in ('sources', 'external') if name in getattr(self, section)), 'data')

    def data_of(self, records: str) -> Data:
        """That section itself."""
        section, _, name = self.section_of(records).partition('.')
        return getattr(self, section)[name] if name else self.data
