"""SavedModels that need nothing but TensorFlow.

Segmenter, `<name>/1/`:
  serving_default(image: float32 [N, H, W, C], any size and shape, any positive linear grey scale)
      -> class_map: uint8 [N, H, W], probabilities: float32 [N, H, W, classes]
  encoded(data: string [], one PNG or JPEG file's bytes, as TensorFlow decodes them) -> the same for N = 1
Normalisation, antialiased fitting into the training square, sliding window and fitting back are inside, and of one
class of scattered organs the threshold (threshold.py); class maps of all others are of the likeliest class.
Generators: latent float32 [N, L], or codes uint8 [N, h, w], and styles float32 [N, K, K] where they take some -> their decoded
fields, uint8.
`assets/model.json` holds class names, colours, sizes and provenance; `manifest.json` size and sha256
of every file, checked before TensorFlow opens one.
"""
from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.files import check_manifest, whole_folder, write_manifest
from datasets.targets import Targets, scored_on, targets_of
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings, to_told
from pipelines.plan.methods import Method, Stage
from pipelines.plan.regimes import Run
from pipelines.plan.transfers import shown_as
from pipelines.plan.workdir import Workdir
from pipelines.runtime.versions import versions
from pipelines.segmentation.task import updates_of
from pipelines.segmentation.trained import trained_segmenter
from pipelines.serving import threshold
from pipelines.serving.portable import Portable, given_specs, portable_generator, portable_segmenter
from pipelines.serving.segmenter import Segmenter
from pipelines.stages.stage import draw_function, stage_io, trained_generator

DESCRIPTION = 'model.json'
MANIFEST = 'manifest.json'
COMPARED = 3   # training pictures on which an ONNX file is compared


class Exported(NamedTuple):
    """A trained run or stage, ready to be written.

    Attributes:
      module: holds its variables.
      signatures: name -> function.
      description: `model.json`.
      portable: -> what an ONNX file of it computes.
    """
    module: tf.Module
    signatures: Dict[str, Callable]
    description: dict
    portable: Callable[[], Portable]


def segmenter_of(config: Config, run: Run, workdir) -> Exported:
    """The chosen weights of a trained run with all that belongs to using them, on pictures as those that it is for:
    of another hospital after a transfer.

    Raises:
      InputError: it is not trained yet, or the pictures are not there on which its threshold is to be chosen.
    """
    if not (Workdir(workdir).records('train') / records.INFO).exists():
        raise InputError(f'{workdir}: {run.name} is not trained yet: train it first, with '
                         f'tools/train_segmenter.py --regime {run.regime.name}')
    info = records.read_info(Workdir(workdir).records('train'))
    coding, settings = info.coding, segmenter_settings(config, run.segmenter)
    trained = trained_segmenter(config, run, info, workdir)
    targets, shown = trained.targets, shown_as(config, run.regime.transfer)
    make = functools.partial(Segmenter, trained, settings.size, settings.crop, shown.channels, shown.fit, shown.grey)
    chosen = (threshold.threshold_of(config, run, workdir, targets, make().segment)
              if threshold.has_threshold(targets, coding) else None)
    module = make(threshold=chosen and chosen['threshold'])
    description = {
        'kind': 'segmenter', 'classes': ['background', *targets.names], 'targets': targets.to_dict(),
        'colours': targets.colours(coding).tolist(), 'size': settings.size, 'crop': settings.crop,
        'channels': shown.channels, 'grey': shown.grey, 'fit': shown.fit,
        'trim_borders': shown.trim_borders, 'greys': trained.greys, 'bits': trained.learned.bits,
        'regime': run.regime.name, 'network': settings.network,
        'labelled': run.labelled, 'updates': updates_of(config, run, info.count, workdir), 'seed': run.seed,
        **({'threshold': chosen} if chosen else {}), 'config': to_told(config), 'versions': versions()}
    return Exported(module, {'serving_default': module.segment, 'encoded': module.segment_encoded}, description,
                    lambda: portable_segmenter(module, [row['image'] for row in records.read(trained.learned, COMPARED)]))


def generator_of(config: Config, method: Method, stage: Stage, workdir) -> Exported:
    """One trained GAN stage as a function of what it is given.

    Raises:
      InputError: it is not trained yet.
    """
    if not (Workdir(workdir).records('train') / records.INFO).exists():
        raise InputError(f'{workdir}: stage {stage.folder} is not trained yet: train it first, with '
                         f'tools/train_stage.py --method {method.name} --stage {stage.name}')
    coding = records.read_info(Workdir(workdir).records('train')).coding
    generator = trained_generator(config, stage, coding, workdir)
    io = stage_io(config, stage, coding)
    module = tf.Module()
    module.weights = list(generator.variables)
    function = tf.function(draw_function(io, generator), input_signature=given_specs(io, generator))
    description = {
        'kind': 'generator', 'method': method.name, 'stage': stage.name,
        'produces': list(stage.produces), 'coding': coding.to_dict(), 'seed': config.seed,
        'config': to_told(config), 'versions': versions()}
    return Exported(module, {'serving_default': function}, description, lambda: portable_generator(io, generator))


def export_segmenter(config: Config, run: Run, workdir, output) -> Path:
    """Exports the chosen weights of a trained run to `output`/1; returns that folder."""
    return save(segmenter_of(config, run, workdir), output)


def export_generator(config: Config, method: Method, stage: Stage, workdir, output) -> Path:
    """Exports one trained GAN stage to `output`/1; returns that folder."""
    return save(generator_of(config, method, stage, workdir), output)


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


def read_threshold(model) -> Optional[dict]:
    """What an exported model says of its threshold, see threshold.py; None = it finds the likeliest class."""
    return read_description(model).get('threshold')


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
    check_bits(description, info.bits, f'--records {records_directory}', 'model')
    if info.channels != description.get('channels', 1):
        raise InputError(f'--records {records_directory}: expected pictures of '
                         f'{description.get("channels", 1)} channels, as the model, found {info.channels}')
    return segment, info, targets


def check_bits(description: Mapping, bits: int, where: str, who: str) -> None:
    """InputError, beginning with `where`, for pictures of other bits than those that a model, `who`, learned as they are."""
    if description.get('greys') == 'as_is' and bits != description['bits']:
        raise InputError(f'{where}: expected pictures of {description["bits"]} bits, whose greys the {who} takes as they are '
                         f'(segmenter.greys), found {bits}')


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


def save(exported: Exported, output) -> Path:
    """Writes to a temporary folder beside `output`/1 and renames: complete or not there."""
    target = vacant(output)
    with whole_folder(target) as folder:
        asset = folder.parent / DESCRIPTION
        asset.write_text(json.dumps(exported.description, indent=1))
        exported.module.description = tf.saved_model.Asset(str(asset))
        tf.saved_model.save(exported.module, str(folder), signatures=exported.signatures)
        write_manifest(folder / MANIFEST, [f for f in folder.rglob('*') if f.is_file()])
    return target


def vacant(output) -> Path:
    """`output`/1; InputError where there is something."""
    target = Path(output) / '1'
    if target.exists():
        raise InputError(f'--output {output}: {target} exists already; remove it or choose another '
                         f'folder')
    return target
