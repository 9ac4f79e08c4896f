"""SavedModels that need nothing but TensorFlow.

Segmenter, `<name>/1/`:
  serving_default(image: float32 [N, H, W, C], any size and shape, any positive linear grey scale)
      -> class_map: uint8 [N, H, W], probabilities: float32 [N, H, W, classes]
  encoded(data: string [], one PNG or JPEG file's bytes, as TensorFlow decodes them) -> the same for N = 1
Normalisation, antialiased fitting into the training square, sliding window and fitting back are inside.
Generators: latent float32 [N, L], or codes uint8 [N, h, w], -> their decoded fields, uint8.
`assets/model.json` holds class names, colours, sizes and provenance; `manifest.json` size and sha256
of every file, checked before TensorFlow opens one.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Mapping, Optional, Sequence

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.files import check_manifest, whole_folder, write_manifest
from datasets.targets import Targets, scored_on, targets_of
from pipelines.data import pixels
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings, to_dict
from pipelines.plan.methods import Method, Stage
from pipelines.plan.regimes import Run
from pipelines.plan.workdir import Workdir
from pipelines.runtime.versions import versions
from pipelines.segmentation.predict import predict_probabilities
from pipelines.segmentation.task import updates_of
from pipelines.segmentation.trained import Trained, trained_segmenter
from pipelines.serving import encoded
from pipelines.stages.stage import draw_function, stage_io, trained_generator

DESCRIPTION = 'model.json'
MANIFEST = 'manifest.json'


class Segmenter(tf.Module):
    """What is exported: a network with everything that belongs to using it."""

    def __init__(self, trained: Trained, size: int, crop: int, channels: int, fit: str = 'pad', grey: str = 'equal'):
        super().__init__()
        image = tf.TensorSpec([None, None, None, channels], tf.float32, 'image')
        self.segment = tf.function(self._segment, input_signature=[image])
        self.channels, self.fit, self.grey = channels, fit, grey
        # Only the weights are tracked: the network's own Keras functions need not be saved.
        self.weights = list(trained.variables)
        self.size, self.targets = size, tuple(trained.targets.names)
        self.is_overlapping = trained.targets.is_overlapping
        self.predict = lambda images: predict_probabilities(trained.network, images, crop, trained.targets)
        self.seen = trained.seen

    def _segment(self, image):
        # a NaN would spread over the picture and come back as a class
        image = tf.debugging.assert_all_finite(image, 'image: expected finite pixels, found NaN or infinity')
        height, width = tf.shape(image)[1], tf.shape(image)[2]
        small, box = pixels.fitted(image, self.size, self.fit)
        small = tf.ensure_shape(small, [None, self.size, self.size, self.channels])
        found = tf.image.crop_to_bounding_box(self.predict(self.seen(small)), *box)
        probabilities = pixels.resize(found, height, width)
        if not self.is_overlapping:
            return {'class_map': tf.cast(tf.argmax(probabilities, -1), tf.uint8),
                    'probabilities': probabilities}
        masks, numbers = tf.cast(probabilities > 0.5, tf.uint8), [*range(1, len(self.targets) + 1)]
        painted = tf.reduce_max(masks * tf.constant(numbers, tf.uint8), axis=-1)  # later ones over earlier
        return {'class_map': painted, 'masks': masks, 'probabilities': probabilities}

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, 'data')])
    def segment_encoded(self, data):
        """`segment` of the bytes of one picture file."""
        return self.segment(encoded.decoded(data, self.channels, self.grey)[None])


def export_segmenter(config: Config, run: Run, workdir, output) -> Path:
    """Exports the chosen weights of a trained run to `output`/1; returns that folder."""
    if not (Workdir(workdir).records('train') / records.INFO).exists():
        raise InputError(f'{workdir}: {run.name} is not trained yet: train it first, with '
                         f'tools/train_segmenter.py --regime {run.regime.name}')
    info = records.read_info(Workdir(workdir).records('train'))
    coding, settings = info.coding, segmenter_settings(config, run.segmenter)
    trained = trained_segmenter(config, run, info, workdir)
    targets = trained.targets
    module = Segmenter(trained, settings.size, settings.crop, config.data.channels, info.fit, config.data.grey)
    description = {
        'kind': 'segmenter', 'classes': ['background', *targets.names], 'targets': targets.to_dict(),
        'colours': targets.colours(coding).tolist(), 'size': settings.size, 'crop': settings.crop,
        'channels': config.data.channels, 'grey': config.data.grey, 'fit': info.fit,
        'trim_borders': config.data.trim_borders, 'greys': settings.greys, 'bits': info.bits,
        'regime': run.regime.name, 'network': settings.network,
        'labelled': run.labelled, 'updates': updates_of(config, run, info.count, workdir), 'seed': run.seed,
        'config': to_dict(config), 'versions': versions()}
    return _save(module, {'serving_default': module.segment, 'encoded': module.segment_encoded},
                 description, output)


def export_generator(config: Config, method: Method, stage: Stage, workdir, output) -> Path:
    """Exports one trained GAN stage to `output`/1; returns that folder."""
    if not (Workdir(workdir).records('train') / records.INFO).exists():
        raise InputError(f'{workdir}: stage {stage.folder} is not trained yet: train it first, with '
                         f'tools/train_stage.py --method {method.name} --stage {stage.name}')
    coding = records.read_info(Workdir(workdir).records('train')).coding
    generator = trained_generator(config, stage, coding, workdir)
    io = stage_io(config, stage, coding)
    draw = draw_function(io, generator)
    module = tf.Module()
    module.weights = list(generator.variables)
    if stage.consumes is None:
        spec = tf.TensorSpec([None, generator.latent_size], tf.float32, 'latent')
    else:
        given = io.source.decode(tf.zeros([1, io.source.size, io.source.size, io.source.channels]))
        spec = tf.TensorSpec([None, *given.shape[1:]], tf.uint8, stage.consumes)
    function = tf.function(draw, input_signature=[spec])
    description = {
        'kind': 'generator', 'method': method.name, 'stage': stage.name,
        'produces': list(stage.produces), 'coding': coding.to_dict(), 'seed': config.seed,
        'config': to_dict(config), 'versions': versions()}
    return _save(module, {'serving_default': function}, description, output)


def read_description(model) -> dict:
    """`assets/model.json` of an exported model.

    Raises:
      InputError: the folder is no SavedModel of ours, or one of its files is damaged.
    """
    model = Path(model)
    if not (model / 'saved_model.pb').is_file():
        raise InputError(f'--model {model}: expected a SavedModel folder with saved_model.pb, '
                         f'found none; tools/export_model.py writes one in <output>/1')
    try:
        check_manifest(model / MANIFEST)
        return json.loads((model / 'assets' / DESCRIPTION).read_text())
    except (InputError, OSError, ValueError) as error:
        raise InputError(f'--model {model}: not a whole model of tools/export_model.py ({error}); '
                         f'export it again') from None


def load_segmenter(model):
    """-> (function float32 [N, H, W, C] -> dict, description).

    Raises:
      InputError: no exported segmenter there.
    """
    description = read_description(model)
    if description.get('kind') != 'segmenter':
        raise InputError(f'--model {model}: expected an exported segmenter, found a '
                         f'{description.get("kind")}')
    try:
        loaded = tf.saved_model.load(str(model))
    except (OSError, tf.errors.OpError, KeyError, ValueError) as error:
        raise InputError(f'--model {model}: the SavedModel cannot be loaded: '
                         f'{" ".join(str(error).split())[:200]}') from None
    signature = loaded.signatures['serving_default']
    # the signature does not keep its module alive
    return (lambda image, _keep=loaded: signature(image=image)), description


def load_segmenter_on(model, records_directory, chosen: Optional[Mapping[str, Sequence[str]]] = None):
    """-> (function as of `load_segmenter`, records.Info, targets.Targets, targets.Scored): a model and records
    of any data set that shows something of what it finds.

    Args:
      chosen: the classes to score, see targets.scored_on.

    Raises:
      InputError: no model, no records, or nothing on which the two can be compared.
    """
    segment, info, targets = _with_records(model, records_directory)
    where = f'--records {records_directory}' if chosen is None else '--targets'
    return segment, info, targets, scored_on(targets, info.coding, chosen, where)


def _with_records(model, records_directory):
    segment, description = load_segmenter(model)
    info = records.read_info(records_directory)
    if not info.coding.is_labelled:
        raise InputError(f'--records {records_directory}: expected labels to compare with, found pictures alone')
    targets = (Targets.from_dict(description['targets']) if 'targets' in description else
               targets_of(info.coding))
    if description['classes'] != ['background', *targets.names]:
        raise InputError(f'--records {records_directory}: expected the classes of the model, '
                         f'{description["classes"]}, found the organs {", ".join(info.coding.organs)}')
    if description.get('greys') == 'as_is' and info.bits != description['bits']:
        raise InputError(f'--records {records_directory}: expected pictures of {description["bits"]} bits, whose greys the '
                         f'model takes as they are (segmenter.greys), found {info.bits}')
    if info.channels != description.get('channels', 1):
        raise InputError(f'--records {records_directory}: expected pictures of '
                         f'{description.get("channels", 1)} channels, as the model, found {info.channels}')
    return segment, info, targets


def masks_of(result: dict, targets: Targets) -> np.ndarray:
    """What a segmenter returned for one image -> bool [classes, H, W]."""
    if targets.is_overlapping:
        return np.moveaxis(result['masks'][0].numpy() > 0, -1, 0)
    return result['class_map'][0].numpy() == np.arange(1, 1 + len(targets.names))[:, None, None]


def probabilities_of(result: dict, targets: Targets) -> np.ndarray:
    """What a segmenter returned for one image -> the probability of each class but the background, float32
    [classes, H, W]."""
    found = np.moveaxis(result['probabilities'][0].numpy(), -1, 0)
    return found if targets.is_overlapping else found[1:]


def _save(module, signatures, description: dict, output) -> Path:
    """Writes to a temporary folder beside `output`/1 and renames: complete or not there."""
    target = Path(output) / '1'
    if target.exists():
        raise InputError(f'--output {output}: {target} exists already; remove it or choose another '
                         f'folder')
    with whole_folder(target) as folder:
        asset = folder.parent / DESCRIPTION
        asset.write_text(json.dumps(description, indent=1))
        module.description = tf.saved_model.Asset(str(asset))
        tf.saved_model.save(module, str(folder), signatures=signatures)
        write_manifest(folder / MANIFEST, [f for f in folder.rglob('*') if f.is_file()])
    return target
