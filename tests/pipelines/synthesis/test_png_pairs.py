"""Samples as PNG pairs are a folder data set of their own, in the shape of the training pictures."""
import cv2
import numpy as np
import pytest

from datasets import records, writing
from datasets.errors import InputError
from datasets.images import read_codes
from datasets.readers.coding import read_coding
from pipelines.synthesis import png_pairs
from pipelines.synthesis.png_pairs import write_png_pairs


def test_png_pairs_are_a_folder_data_set(finished, tmp_path):
    _, workdir = finished
    info = records.read_info(workdir / 'synthetic' / 'three')
    write_png_pairs(info, tmp_path)
    coding = read_coding(tmp_path / 'coding.yaml').coding
    assert [c.organs for c in coding.codes] == [c.organs for c in info.coding.codes]
    assert (coding.projection == info.coding.projection).all()
    stored = read_codes(tmp_path / 'labels' / 'three-000003.png')
    assert (stored == records.load_arrays(info)['labels'][3]).all()


def test_pairs_have_the_shape_of_the_training_pictures(finished, tmp_path):
    coding = records.read_info(finished[1] / 'synthetic' / 'three').coding
    whole = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)
    for name, shape, wanted in (('tall', (96, 64), (48, 32)), ('mixed', (0, 0), (48, 48))):
        info = records.Info(tmp_path / name, 's', 'synthetic', 48, 8, 0, coding, ['a'], {}, fit='pad')
        example = records.Example('a', 'a', whole, np.zeros_like(whole), shape=shape)
        info = writing.write_dataset(info, [lambda notes: [example]])
        write_png_pairs(info, tmp_path / 'png' / name)
        for part in ('images', 'labels'):
            picture = cv2.imread(str(tmp_path / 'png' / name / part / 'a.png'), cv2.IMREAD_UNCHANGED)
            assert picture.shape == wanted
        assert (picture == 0).all() and coding.codes
        image = cv2.imread(str(tmp_path / 'png' / name / 'images' / 'a.png'), cv2.IMREAD_UNCHANGED)
        assert (image == whole[:, 8:40] if name == 'tall' else image == whole).all()


def test_pairs_are_not_mixed_with_what_somebody_has(tmp_path):
    """A data set's own train.txt and coding.yaml would be replaced, and labels/ read in the place of masks/."""
    for fine in (tmp_path / 'new', tmp_path):
        png_pairs.check_output(fine, 'DATASHEET.md')
    (tmp_path / 'train.txt').write_text('a')
    with pytest.raises(InputError, match='--png .*: expected a new folder, or one of this tool\'s with its DATASHEET.md, found'):
        png_pairs.check_output(tmp_path, 'DATASHEET.md')
    with pytest.raises(InputError, match='--png .*train.txt: expected a new folder'):
        png_pairs.check_output(tmp_path / 'train.txt', 'DATASHEET.md')
    (tmp_path / 'DATASHEET.md').write_text('')
    png_pairs.check_output(tmp_path, 'DATASHEET.md')
