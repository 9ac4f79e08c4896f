"""HRF: photographs of the retina in high resolution, with the vessels that one observer drew.

Budai et al., "Robust vessel segmentation in fundus images", Int. J. Biomedical Imaging (2013) 154860: 45 photographs
of 3504 x 2336 pixels, 15 each of healthy eyes (h), of diabetic retinopathy (dr) and of glaucoma (g), each with its
field of view; Friedrich-Alexander University Erlangen-Nuremberg and Brno University of Technology.

    <source>/images/01_dr.JPG
    <source>/manual1/01_dr.tif
    <source>/mask/01_dr_mask.tif        the field of view

It has no division of its own. `official` means here the usual one, of Orlando et al. (IEEE TBME 64 (2017) 16): the
first five of each class are learned from, the other thirty tested. Nobody says which pictures are of one patient.
"""
from __future__ import annotations

from datasets.readers.vessels import Archive, files_in, open_archive, root_of
from datasets.sample import Dataset

CLASSES = ('h', 'dr', 'g')
LEARNT = 5                   # of the sorted pictures of a class
NAME = r'(\d\d_(?:h|dr|g))'


def open_hrf(asked) -> Dataset:
    """Opens HRF, see readers.Request; ids are 01_dr, 01_g, 01_h, ...

    Raises:
      InputError: layout, names, ids, a picture or a mask is not as it should be.
    """
    root = root_of(asked.source, ('', 'HRF'), ('images/*',))
    pictures = files_in(root / 'images', NAME, '01_dr')
    masks = files_in(root / 'manual1', NAME, '01_dr')
    fields = files_in(root / 'mask', NAME + '_mask', '01_dr_mask')
    of_class = [sorted(id for id in pictures if id.split('_')[1] == name) for name in CLASSES]
    parts = {'train': tuple(id for ids in of_class for id in ids[:LEARNT]),
             'test': tuple(id for ids in of_class for id in ids[LEARNT:])}
    return open_archive(Archive('hrf', root, pictures, masks, parts, 1, 'manual1/01_dr.tif', fields), asked)
