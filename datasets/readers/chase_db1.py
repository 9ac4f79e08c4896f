"""CHASE_DB1: photographs of both eyes of 14 children, with the vessels that two observers drew.

Fraz et al., "An ensemble classification-based approach applied to retinal blood vessel segmentation", IEEE TBME 59
(2012) 2538; Owen et al., IOVS 50 (2009) 2004; Kingston University, London. 28 photographs of 999 x 960 pixels, without
masks of the field of view, which is found in the picture (datasets/fundus.py).

    <source>/Image_01L.jpg              left eye of child 01, Image_01R.jpg the right one; all in one folder
    <source>/Image_01L_1stHO.png        first observer, Image_01L_2ndHO.png second

It has no division of its own. The usual one learns from children 01 to 10 (20 pictures) and tests 11 to 14 (8), which
`official` means here. The patient is the child: no division parts two eyes.
"""
from __future__ import annotations

from datasets.readers.vessels import Archive, files_in, open_archive, root_of
from datasets.sample import Dataset

LAST_LEARNT = 10             # children up to this number are learned from
MANUAL = {1: '1stHO', 2: '2ndHO'}
PICTURE, MASK = r'(Image_\d\d[LR])', r'(Image_\d\d[LR])_{}'


def open_chase_db1(asked, observer: int = 1) -> Dataset:
    """Opens CHASE_DB1 as one observer drew it, see readers.Request.

    Raises:
      InputError: layout, names, ids, a picture or a mask is not as it should be.
    """
    root = root_of(asked.source, ('', 'CHASEDB1', 'CHASE_DB1'), ('Image_[0-9][0-9][LR].*',))
    pictures = files_in(root, PICTURE, 'Image_01L', MASK.format('(?:1st|2nd)HO'))
    masks = files_in(root, MASK.format(MANUAL[observer]), f'Image_01L_{MANUAL[observer]}', r'Image_.*')
    children = {id: id[6:8] for id in pictures}
    parts = {'train': tuple(sorted(id for id in pictures if int(children[id]) <= LAST_LEARNT)),
             'test': tuple(sorted(id for id in pictures if int(children[id]) > LAST_LEARNT))}
    return open_archive(Archive('chase_db1', root, pictures, masks, parts, observer,
                                f'Image_01L_{MANUAL[observer]}.png', patients=children), asked)
