"""Which pictures of a hospital learn, choose and test, and records of pictures without labels."""
import dataclasses

import numpy as np
import pytest

from datasets import records
from datasets.errors import InputError
from datasets.labels import UNLABELLED
from pipelines.data.prepare import prepare_split
from pipelines.data.sources import open_split
from pipelines.evaluation import finders
from pipelines.plan.loading import from_dict, to_dict
from pipelines.segmentation.pairs import pairs_of
from pipelines.plan.regimes import Run, parse_regime
from tests.conftest import tiny_config
from tests.hospitals import BARE, MONTGOMERY, draw_montgomery, draw_shenzhen


def config_of(name, source, **changes):
    return tiny_config(data={'dataset': name, 'source': str(source), 'division': '60/20/20', 'num_train': None,
                             'num_test': None, **changes}, regimes=['real'])


def test_a_hospital_is_parted_once_and_a_part_chooses(tmp_path, capsys):
    config = config_of('montgomery', draw_montgomery(tmp_path / 'set', swapped=MONTGOMERY, bordered=MONTGOMERY[:1]))
    infos = {part: prepare_split(config, tmp_path, part) for part in ('train', 'validation', 'test')}
    counts = {part: len(info.ids) for part, info in infos.items()}
    assert sum(counts.values()) == 10 and counts['train'] >= 7  # of 9 patients, of whom one has two pictures
    for info in infos.values():
        assert ('MCUCXR_0009_0' in info.ids) == ('MCUCXR_0009_1' in info.ids)
        for row in records.read(info):
            left, right = (np.nonzero(row['labels'] == code)[1].mean() for code in (1, 2))
            assert left > right and info.coding.codes[1].organs == ('left_lung',)
    pairs = pairs_of(config, Run(parse_regime('real')), tmp_path)
    assert pairs.chooser.info.ids == infos['validation'].ids
    said = capsys.readouterr().out
    assert f'montgomery_all: {counts["train"]} of {counts["train"]} pictures: leftMask lies left' in said
    assert '1 of ' in said and 'pictures: a black border' in said


def test_a_picture_stays_on_its_side_whether_or_not_it_is_labelled(tmp_path):
    source = draw_shenzhen(tmp_path)
    labelled = config_of('shenzhen', source)
    alone = dataclasses.replace(labelled, data=dataclasses.replace(labelled.data, unlabelled=True))
    for part, count in (('train', 8), ('validation', 2), ('test', 2)):
        every, some = (open_split(config, part).ids for config in (alone, labelled))
        assert len(every) == count and set(some) == set(every) - set(BARE)


def test_a_part_without_labels_is_refused(tmp_path):
    """All but one of the test pictures' masks were never drawn."""
    source = draw_shenzhen(tmp_path)
    config = config_of('shenzhen', source)
    for id in open_split(config, 'test').ids:
        (source / 'mask' / f'{id}_mask.png').unlink()
    with pytest.raises(InputError, match='expected pictures of test with labels, found none among 2'):
        open_split(config, 'test')


@pytest.fixture
def unlabelled(tmp_path):
    """(config, records of a source without labels)."""
    tree = to_dict(tiny_config())
    tree['sources'] = {'there': {'dataset': 'shenzhen', 'source': str(draw_shenzhen(tmp_path / 'set')),
                                 'unlabelled': True, 'division': '60/20/20', 'num_train': None}}
    config = from_dict(tree)
    return config, prepare_split(config, tmp_path, 'there')


def test_records_without_labels(unlabelled):
    config, info = unlabelled
    assert info.coding == UNLABELLED and not info.coding.is_labelled and info.dots_size == 0
    again = records.read_info(info.directory)
    assert again.coding == UNLABELLED and info.count == 2 * 8  # two versions of each
    arrays = records.load_arrays(info)
    assert 'labels' not in arrays and 'dots' not in arrays and arrays['image'].shape == (16, 48, 48, 1)
    for row in records.read(info, 1):
        image, labels, known = info.shown(row)
        assert image.shape == (48, 48, 1) and not labels.any() and not known.any()


def test_who_needs_labels_refuses_in_one_line(unlabelled, finished, tmp_path):
    _, info = unlabelled
    model = finished[1] / 'exports' / 'real-smanet-0' / '1'
    with pytest.raises(InputError, match='--records .*there: expected labels to compare with, found pictures alone'):
        finders.of_model(model, info.directory)
    with pytest.raises(InputError, match='data.unlabelled: expected false, for segmenters learn from labels'):
        tiny_config(data={'unlabelled': True})


def test_refusals_name_the_section_of_the_other_hospital(tmp_path):
    config = tiny_config(sources={'target': {'division': 'folds', 'folds': 99}},
                         external={'there': {'dataset': 'montgomery', 'source': str(tmp_path / 'none')}})
    with pytest.raises(InputError, match=r'^sources\.target\.folds: expected at most'):
        open_split(config, 'target')
    with pytest.raises(InputError, match=r'external\.there\.source\) .*expected the folder of the data set'):
        open_split(config, 'there')


def test_one_organ_of_a_data_set():
    """What else is drawn is not there: neither in the coding nor among a picture's masks."""
    whole, heart = (open_split(tiny_config(data={'organ': organ}), 'train') for organ in (None, 'heart'))
    assert heart.coding.organs == ('heart',) and heart.ids == whole.ids
    found, wanted = heart.load(heart.ids[0]), whole.load(whole.ids[0])
    assert list(found.masks) == ['heart'] and (found.masks['heart'] == wanted.masks['heart']).all()
    assert (found.image == wanted.image).all()
    with pytest.raises(InputError, match="data.organ: expected one of left_lung, .*, right_clavicle, found 'liver'"):
        open_split(tiny_config(data={'organ': 'liver'}), 'train')
