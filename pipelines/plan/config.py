"""Strict YAML -> frozen dataclasses.

Every key of a config is a field below, with its meaning and default; an unknown key or a wrong type
is refused with its path and the known keys. Defaults are the paper's full-size settings.
"""
from __future__ import annotations

import dataclasses
from typing import Any, Dict, Optional, Sequence, Tuple

import yaml

from datasets.errors import InputError
from datasets.files import read_yaml
from pipelines.plan import checks, growth, strict


@dataclasses.dataclass(frozen=True)
class Data:
    """Which pictures, and how they become records."""
    dataset: str                        # phantom | jsrt | folder
    source: Optional[str] = None        # folder of the data set; none for the phantom
    size: int = 1024                    # side of the records that the GANs learn, px
    num_train: Optional[int] = None     # draw so many learning images at random (TINY: 11)
    draw: int = 0                       # which random draw of them (and which phantoms)
    train_ids: Optional[str] = None     # or name them: a file with one id a line
    num_test: Optional[int] = None      # phantom: how many test images to draw
    field_of_view_mm: Optional[Tuple[float, ...]] = None  # folder: height and width of its pictures
    augment: int = 6                    # versions of each real image: itself and 5 variants
    noise: str = 'variance'             # variance | std: how to read the paper's noise
    augment_mode: str = 'separate'      # separate | composed: one operation a variant, or all
    dots_size: int = 64                 # side of the map of dots, px
    dots_radius: int = 2                # radius of a dot on that map, px
    memory_limit_mb: int = 4096         # decoded records are kept in memory below this


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random changes while training, the same ones in every regime; all 0 = none (the paper)."""
    rotation: float = 0.0               # degrees, either way
    shift: float = 0.0                  # share of the side, either way
    scale: float = 0.0                  # share, either way
    elastic: float = 0.0                # deviation of displacements on a 5x5 grid, share of the side
    gamma: float = 0.0                  # exponent exp(U(-gamma, gamma)) on the grey range; image only
    noise: float = 0.0                  # highest standard deviation, in units of the image's own


@dataclasses.dataclass(frozen=True)
class PGGAN:
    """Networks and growth of the stages that draw from noise; see models/pggan, plan/growth.py."""
    fmap_base: int = 8192               # maps at side 2^r: fmap_base / 2^(r-1), at most fmap_max
    fmap_max: int = 64
    latent_size: int = 64               # numbers of noise that a sample is drawn from
    fused_scale: bool = True            # resize inside the convolution: same function, less cost
    fade_images: int = 600_000          # real images shown while a new resolution fades in
    stable_images: int = 600_000        # shown at each resolution after that
    batch_sizes: Dict[int, int] = dataclasses.field(  # by side, for every side up to the last
        default_factory=lambda: dict(growth.BATCH_SIZES))
    total_images: Optional[int] = None  # of all phases; the last takes what the others leave
    learning_rate: float = 1.0e-3       # of both networks, below 1024 px
    learning_rate_1024: float = 1.5e-3  # from there on
    group_size: int = 4                 # samples that share a minibatch standard deviation
    initial_weights: Optional[str] = None  # folder of tools/import_weights.py to start from
    snapshot: Optional[int] = None      # step whose snapshot draws, stopping by eye; none = the last


@dataclasses.dataclass(frozen=True)
class Pix2PixHD:
    """Networks and schedule of the stages that translate; see models/pix2pixhd."""
    ngf: int = 64                       # channels of the global generator at its own full size
    downsamplings: int = 4              # strided convolutions of the global generator
    blocks: int = 9                     # residual blocks of the global generator
    enhancers: int = 0                  # local enhancers; each doubles the size and halves ngf
    blocks_local: int = 3               # residual blocks of an enhancer
    enhancer_epochs: int = 10           # epochs that train the enhancers alone, before everything
    ndf: int = 64                       # channels of a discriminator's first layer
    layers: int = 3                     # strided layers of a discriminator
    scales: int = 2                     # of the discriminator; each enhancer brings one more
    edges: bool = False                 # one more input channel: where label codes change
    pool_size: int = 0                  # generated pictures kept to be shown again; 0 = none
    batch_size: int = 1                 # images in a step
    learning_rate: float = 2.0e-4       # of both networks
    epochs: int = 100                   # at a constant learning rate; with enhancers, of either part
    decay_epochs: int = 100             # falling linearly to 0
    feature_weight: float = 10.0        # of feature matching and of the perceptual loss
    vgg_weights: Optional[str] = None   # file for the perceptual loss, pix2pixhd/vgg.py; none = off
    initial_weights: Optional[str] = None  # folder of tools/import_weights.py to start from
    augmentation: Augmentation = Augmentation()


@dataclasses.dataclass(frozen=True)
class Labels:
    """How label maps are drawn, cleaned and checked."""
    channels: str = 'grey'              # grey (the paper) | onehot: how codes enter a GAN
    clean: bool = True                  # majority filter and speck removal on generated label maps
    warp: float = 0.0                   # of generated ones: displacements on a 5x5 grid, as elastic
    reject: bool = False                # redraw samples that fail the anatomical check
    margin: float = 0.5                 # by how much the check widens the range of organs' areas
    centroid_margin: float = 0.08       # and that of their centroids, as a share of the side


@dataclasses.dataclass(frozen=True)
class Generation:
    """How many samples the segmenter gets, and how they are made and filed."""
    num_train: int = 7500               # these train the segmenter
    num_validation: int = 2500          # these choose the epoch
    block: int = 16                     # samples computed together; part of a sample's address
    shard: int = 512                    # samples per file, a multiple of block

    @property
    def count(self) -> int:
        """Samples in all."""
        return self.num_train + self.num_validation


@dataclasses.dataclass(frozen=True)
class Segmenter:
    """The segmenter and its training in every regime; see segmentation/task.py."""
    network: str = 'smanet'             # smanet | unet, see models/segmenters
    size: int = 512                     # side at which it trains, px
    crop: int = 377                     # random crop, and the sliding window at test
    width: float = 1.0                  # scales every channel count
    blocks: Tuple[int, ...] = (3, 4, 6, 3)  # smanet, of the encoder: ResNet-50; (3, 4, 23, 3): -101
    context: str = 'attention'          # smanet: attention (SMANet) | pyramid (PSPNet's, to compare)
    imagenet_weights: Optional[str] = None  # smanet: Keras' ResNet .h5 without top | keras | none
    batch_size: int = 17                # crops in a step
    learning_rate: float = 1.0e-4       # of SYNTH and REAL, constant
    synth_steps: int = 20_000           # updates on synthetic pairs
    finetune_steps: int = 5_000         # updates on real pairs after that; REAL gets the sum
    finetune_learning_rate: float = 1.0e-4  # of FINETUNE
    validate_every: int = 500           # steps
    max_validation: int = 2500          # images used to choose the epoch
    holdout: float = 0.15               # share of the real source images held out to choose it
    min_holdout_images: int = 20        # with fewer source images, none: averaged weights instead
    average_decay: float = 0.999        # a step, of those averaged weights
    augmentation: Augmentation = Augmentation()


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How test images are scored, and samples measured."""
    size: int = 512                     # scored at this side whatever was trained
    inception_weights: Optional[str] = None  # Keras' InceptionV3 .h5 without top, for FID


@dataclasses.dataclass(frozen=True)
class Run:
    """What a training writes and how often; changes no result."""
    log_every: int = 50                 # steps between rows of losses.jsonl
    sheet_every: int = 1000             # steps between sample sheets
    checkpoint_seconds: float = 60.0    # between two saved states


@dataclasses.dataclass(frozen=True)
class Block:
    """A part of an experiment's matrix: every combination of its lists. See pipelines/plan/matrix.py."""
    arm: Optional[str] = None           # names its folder and rows; none = the configuration
    config: Dict[str, Any] = dataclasses.field(default_factory=dict)  # laid over the config
    num_train: Tuple[Optional[int], ...] = ()  # numbers of real images; none = data.num_train
    draws: Tuple[int, ...] = ()         # of those images; none = data.draw
    regimes: Tuple[str, ...] = ()       # none = the config's
    segmenters: Tuple[str, ...] = ('smanet',)
    seeds: Tuple[int, ...] = (0,)       # of the segmenter
    num_synthetic: Tuple[int, ...] = ()  # of the pairs that train; none = generation.num_train
    score: Tuple[str, ...] = ('test',)  # test | left_out: learning images that were not drawn


@dataclasses.dataclass(frozen=True)
class Config:
    """A whole experiment."""
    experiment: str                     # names the rows in results.jsonl
    configuration: str                  # tiny | full | demo | ...: which published table is beside
    data: Data
    seed: int = 0                       # of weights, batches and noise; the draw is data.draw
    precision: str = 'float32'          # float32 | mixed_float16: what networks compute in
    strategy: str = 'none'              # none | mirrored (GPUs of a host) | multi_worker (of several)
    # what segmenters learn from: real, synth1..3 (pairs of method 1..3), finetune1..3 (then real)
    regimes: Tuple[str, ...] = ('real', 'synth3', 'finetune3')
    labels: Labels = Labels()
    pggan: PGGAN = PGGAN()
    pix2pixhd: Pix2PixHD = Pix2PixHD()
    # Changes to `pggan` or `pix2pixhd` for one stage, by the name of its folder: dots,
    # labels_from_dots, image_from_labels (three-stage), labels, image_from_labels (two-stage),
    # image_labels (single-stage). --stage takes a method's own names: dots, labels, image, pair.
    stages: Dict[str, Dict[str, Any]] = dataclasses.field(default_factory=dict)
    generation: Generation = Generation()
    segmenter: Segmenter = Segmenter()
    # Changes to `segmenter` for one network, by its name: that of --segmenter and of a block.
    segmenters: Dict[str, Dict[str, Any]] = dataclasses.field(default_factory=dict)
    matrix: Tuple[Block, ...] = ()      # none = each of `regimes` once
    evaluation: Evaluation = Evaluation()
    run: Run = Run()


def load_config(path: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML config and applies `key.path=value` overrides (values are YAML too).

    Raises:
      InputError: the file cannot be read, or a key or value is not what Config declares.
    """
    try:
        tree = read_yaml(path)
    except ValueError as error:
        raise InputError(f'--config {path}: expected a readable YAML file: {error}') from None
    if not isinstance(tree, dict):
        raise InputError(f'--config {path}: expected a mapping of keys, found '
                         f'{type(tree).__name__}')
    for override in overrides:
        strict.override(tree, override)
    return from_dict(tree, path)


def from_dict(tree: dict, source: str = 'config') -> Config:
    """Plain data -> Config, strictly checked; errors begin with `source`."""
    config = strict.build(Config, tree, '', source)
    checks.check(config, source, stage_settings, segmenter_settings)
    return config


def to_dict(config: Config) -> dict:
    """Config -> plain data that YAML writes and `from_dict` reads back."""
    return yaml.safe_load(yaml.safe_dump(strict.plain(dataclasses.asdict(config))))


def stage_settings(config: Config, model: str, key: str):
    """Settings of one GAN stage: the section of its model, with `stages: {key: ...}` laid over."""
    section = getattr(config, model)
    changes = config.stages.get(key, {})
    merged = strict.merge(strict.plain(dataclasses.asdict(section)), changes)
    return strict.build(type(section), merged, f'stages.{key}', 'config')


def segmenter_settings(config: Config, name: str) -> Segmenter:
    """Settings of a segmenter: the section `segmenter`, with `segmenters: {name: ...}` laid over.

    The network is that of the same name, unless the changes say otherwise.

    Raises:
      InputError: neither a network nor the changes have that name.
    """
    if name not in checks.NETWORKS and name not in config.segmenters:
        raise InputError(f'segmenter {name!r}: expected one of '
                         f'{", ".join(dict.fromkeys([*checks.NETWORKS, *config.segmenters]))}')
    own = {'network': name} if name in checks.NETWORKS else {}
    changes = {**own, **config.segmenters.get(name, {})}
    merged = strict.merge(strict.plain(dataclasses.asdict(config.segmenter)), changes)
    return strict.build(Segmenter, merged, f'segmenters.{name}', 'config')
