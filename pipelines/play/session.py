"""What the page asks for, drawn: dots of a seed, a pair from dots, a segmenter's outlines on it, a pair kept.

The stages are those of the three-stage method as `synthesis.sampling` loads them, the segmenter an exported one as
`evaluation` scores it. Positions are (y, x) as fractions of the square, like `datasets.dots`.
"""
from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence

import numpy as np
import tensorflow as tf

from datasets import dots as disc_maps
from datasets.dots import Dot
from datasets.errors import InputError
from datasets.files import encode_png
from datasets.fitting import Box, crop
from datasets.labels import LabelCoding
from datasets.sample import is_complete
from pipelines.data import sheets
from pipelines.data.fields import Repairs
from pipelines.plan.config import Config
from pipelines.plan.methods import METHODS
from pipelines.plan.workdir import Workdir
from pipelines.reading.layout import SIDE, contours
from pipelines.runtime.seeds import stable_seed
from pipelines.scores import overlap
from pipelines.serving import export
from pipelines.synthesis import png_pairs, sampling
from pipelines.training import checkpoints

METHOD = METHODS['three']
KEPT = 'play'         # folder in the workdir
LIVE_SIZE = 128       # [ours] largest side, px, at which a pair follows a dot while it is dragged
MAX_SEED = 999_999
MAX_NOISE = 10.0      # [ours] standard deviation, per cent of the side
MAX_DOTS = 64


class Asked(NamedTuple):
    """Dots of a request, where they stand before the noise; `noise` in per cent of the side."""
    dots: Sequence[Dot]
    seed: int
    noise: float


class Session(NamedTuple):
    """Everything loaded. `segment` and the rest as export.load_segmenter_on returns them."""
    sampler: sampling.Sampler
    segment: Callable
    targets: object
    compared: object
    kept: Path

    @property
    def coding(self) -> LabelCoding:
        """Of the label maps."""
        return self.sampler.info.coding

    @property
    def box(self) -> Box:
        """The part of the square that pictures take."""
        return self.sampler.info.box({'shape': np.array(self.sampler.shape)})


def check_made(config: Config, workdir) -> Path:
    """The exported segmenter to draw with: of the last of the config's regimes that has one.

    Raises:
      InputError: no stage trained, or no segmenter exported; names the command that makes it.
    """
    place, tools = Workdir(Path(workdir)), f'--config {Workdir(workdir).config} --workdir {workdir}'
    for stage in METHOD.stages:
        if not (place.stage(stage) / checkpoints.FINISHED).exists():
            raise InputError(f'{workdir}: stage {stage.folder} of the three-stage method is not trained yet: python '
                             f'tools/train_stage.py {tools} --method three --stage {stage.name}')
    names = [f'{name}-{config.segmenter.network}-0' for name in reversed(config.regimes)]
    others = sorted(path.parents[1].name for path in (place.root / 'exports').glob('*/1/saved_model.pb'))
    found = [name for name in [*names, *others] if name in others]
    if not found:
        regime = config.regimes[-1]
        raise InputError(f'{workdir}: no segmenter is exported yet: python tools/export_model.py {tools} --regime '
                         f'{regime} --output {place.root / "exports" / names[0]}')
    return place.root / 'exports' / found[0] / '1'


def open_session(config: Config, workdir, model) -> Session:
    """Loads the stages and the segmenter, and draws once, which traces: seconds."""
    sampler = sampling.load_sampler(config, METHOD, workdir)
    segment, _, targets, compared = export.load_segmenter_on(model, Workdir(workdir).records('train'))
    session = Session(sampler, segment, targets, compared, Path(workdir) / KEPT)
    asked = Asked([Dot(**dot) for dot in draw_dots(session, 0)['dots']], 0, 0.0)
    draw_outlines(session, asked)
    return session


def description(session: Session) -> dict:
    """What the page is told once: organs, colours, sizes."""
    config, coding = session.sampler.config, session.coding
    targets = session.compared.targets
    shown = zip(targets.names, targets.colours(coding)[1:])
    return {
        'organs': [{'name': name, 'colour': _css(coding.dot_colours[1 + i])} for i, name in enumerate(coding.organs)],
        'classes': [{'name': name, 'colour': _css(colour)} for name, colour in shown],
        'size': config.data.size, 'live': config.data.size <= LIVE_SIZE,
        'radius': config.data.dots_radius / config.data.dots_size,
        'max_seed': MAX_SEED, 'max_noise': MAX_NOISE, 'kept': str(session.kept)}


def draw_dots(session: Session, seed: int) -> dict:
    """The dots that the first stage draws of a seed: those of the sample of that number, at its first attempt."""
    sampler, stage = session.sampler, METHOD.stages[0]
    drawn = sampler.draw[stage.folder](tf.constant(sampling.latents(sampler, seed, np.zeros(1, int))))
    found = disc_maps.decode_dots(drawn['dots'].numpy()[0], session.coding, sampler.config.data.dots_radius)
    return {'dots': [dot._asdict() for dot in found[:MAX_DOTS]]}


def shifted(asked: Asked) -> List[Dot]:
    """Each dot moved by normal noise of the seed, inside the square."""
    normal = np.random.default_rng(stable_seed(asked.seed, 'play', 'noise')).normal(size=(MAX_DOTS, 2))
    noise = normal * asked.noise / 100
    inside = [np.clip((dot.y + dy, dot.x + dx), 0, 1).tolist() for dot, (dy, dx) in zip(asked.dots, noise)]
    return [Dot(dot.organ, y, x) for dot, (y, x) in zip(asked.dots, inside)]


def _draw(session: Session, asked: Asked) -> Dict[str, np.ndarray]:
    """Labels uint8 [S, S], image uint8 [S, S(, C)], what is wrong with both maps. [ours] Label maps are not warped."""
    sampler, data = session.sampler, session.sampler.config.data
    dot_map = disc_maps.draw_dots(shifted(asked), session.coding, data.dots_size, data.dots_radius)
    values = {'dots': dot_map, 'wrong': disc_maps.dots_violations(dot_map, session.coding, data.dots_radius)}
    for stage in METHOD.stages[1:]:
        style = sampling.style(sampler, stage, asked.seed, np.zeros(1, int))
        drawn = sampler.draw[stage.folder](tf.constant(values[stage.consumes][None]), *style)
        for field in sampler.fields[stage.folder]:
            repaired = field.repair(drawn[field.name].numpy()[0], Repairs(sampler.limits))
            values[field.name] = repaired.values
            values['wrong'] = values['wrong'] + repaired.violations
    return values


def draw_pair(session: Session, asked: Asked) -> dict:
    """Label map and radiograph of dots, as PNG; where the dots were with their noise; what the check says."""
    values = _draw(session, asked)
    label_colours = session.coding.colours
    return {'labels': _uri(label_colours[values['labels']]), 'image': _uri(sheets.picture_to_rgb(values['image'])),
            'at': [[dot.y, dot.x] for dot in shifted(asked)], 'wrong': values['wrong']}


def draw_outlines(session: Session, asked: Asked) -> dict:
    """The segmenter's outlines on the radiograph, and J of each class against the label map, per cent.

    `view` is (top, left, height, width) of the picture in its square, px; outlines enlarge its longer side to `side`.
    """
    values, box = _draw(session, asked), session.box
    image, labels = crop(values['image'], box), crop(values['labels'], box)
    result = session.segment(tf.constant(np.atleast_3d(image)[None], tf.float32))
    masks = session.compared.united(export.masks_of(result, session.targets))
    wanted = session.compared.targets.masks(session.coding, labels)
    scores = overlap.jaccard(overlap.mask_counts(wanted, masks))
    paths = contours(session.compared.targets.class_map(masks), 1 + len(masks))
    return {'outlines': paths, 'side': SIDE, 'view': [box.top, box.left, box.height, box.width],
            'j': [None if math.isnan(score) else round(float(score), 2) for score in scores]}


def save_pair(session: Session, asked: Asked) -> dict:
    """Keeps the pair of these dots in `kept`, a folder data set, under the next free number.

    Raises:
      InputError: it cannot be written.
    """
    values, box, output = _draw(session, asked), session.box, session.kept
    labels = crop(values['labels'], box)
    try:
        done = [path.stem for path in (output / 'images').glob('play-*.png')]
        name = f'play-{1 + max([int(stem[5:]) for stem in done if stem[5:].isdecimal()], default=-1):06d}'
        listed = (output / 'train.txt').read_text().split() if (output / 'train.txt').exists() else []
        png_pairs.write_pair(output, name, crop(values['image'], box), labels)
        png_pairs.write_lists(output, listed + [name] * is_complete(session.coding, labels), session.coding)
    except OSError as error:
        raise InputError(f'{output}: cannot write there: {error.strerror}') from None
    return {'name': name, 'complete': is_complete(session.coding, labels)}


def _css(colour: Sequence[int]) -> str:
    return '#' + ''.join(f'{int(value):02x}' for value in colour)


def _uri(picture: np.ndarray) -> str:
    return 'data:image/png;base64,' + base64.b64encode(encode_png(picture)).decode()
