"""DRIVE: photographs of the retina with the vessels that one or two observers drew.

Staal et al., "Ridge-based vessel segmentation in color images of the retina", IEEE TMI 23 (2004) 501: 40 photographs
of 565 x 584 pixels of a screening for diabetic retinopathy, 20 to learn from (21 to 40, one observer) and 20 to test
(01 to 20, two observers), each with its field of view. Its terms forbid copies: fetch it from its owner.

    <source>/training/images/21_training.tif          <source> is DRIVE, or the folder it lies in
    <source>/training/1st_manual/21_manual1.gif
    <source>/training/mask/21_training_mask.gif       the field of view
    <source>/test/images/01_test.tif, 1st_manual/01_manual1.gif, 2nd_manual/01_manual2.gif, mask/01_test_mask.gif

Newer downloads are without test/1st_manual: then the twenty pictures of `training` can be divided, as by folds.
"""
from __future__ import annotations

from typing import Dict

from datasets.readers.vessels import Archive, files_in, open_archive, root_of
from datasets.sample import Dataset

FOLDERS = {'train': 'training', 'test': 'test'}
MANUAL = {1: '1st_manual', 2: '2nd_manual'}


def open_drive(asked, observer: int = 1) -> Dataset:
    """Opens DRIVE as one observer drew it, see readers.Request; ids are 21_training, ..., 01_test, ...

    Raises:
      InputError: layout, names, ids, a picture or a mask is not as it should be.
    """
    root = root_of(asked.source, ('', 'DRIVE'), ('training/images/*', 'test/images/*'))
    pictures: Dict[str, object] = {}
    masks: Dict[str, object] = {}
    fields: Dict[str, object] = {}
    parts = {}
    for part, folder in FOLDERS.items():
        found = files_in(root / folder / 'images', rf'(\d\d_{folder})', f'21_{folder}')
        drawn = files_in(root / folder / MANUAL[observer], rf'(\d\d)_manual{observer}', f'21_manual{observer}')
        pictures.update(found)
        masks.update({f'{number}_{folder}': path for number, path in drawn.items()})
        fields.update(files_in(root / folder / 'mask', rf'(\d\d_{folder})_mask', f'21_{folder}_mask'))
        parts[part] = tuple(sorted(found))
    looked = f'training/{MANUAL[observer]}/21_manual{observer}.gif, test/{MANUAL[observer]}/01_manual{observer}.gif'
    return open_archive(Archive('drive', root, pictures, masks, parts, observer, looked, fields), asked)
