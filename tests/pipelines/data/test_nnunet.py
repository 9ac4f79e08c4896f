"""Pairs as nnU-Net wants them: names, codes, folds, and that its reader finds again what was there."""
import json

import cv2
import numpy as np
import pytest

from datasets import records
from datasets.errors import InputError
from datasets.readers import Request, open_dataset
from datasets.targets import targets_of
from pipelines.data.nnunet import Real, check_output, what_next, write_nnunet
from pipelines.data.sources import open_split
from pipelines.plan.config import Data
from tests.command import call, refused
from tests.odd_folder import make_folder


def read(folder, name):
    return cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)


def test_real_pairs_keep_shape_and_depth_and_are_read_again(tmp_path):
    source = make_folder(tmp_path / 'mine', 6, 3)
    train, test = (open_dataset('folder', Request(str(source), part)) for part in ('train', 'test'))
    output, data, targets = tmp_path / 'raw' / 'Dataset007_ODD', Data('folder'), targets_of(train.coding)
    counts = write_nnunet(output, targets, Real(train, data), test=Real(test, data))
    assert counts == {'real': 6, 'synthetic': 0, 'test': 3}
    assert json.loads((output / 'dataset.json').read_text()) == {
        'channel_names': {'0': 'grey'}, 'labels': {'background': 0, 'kidney': 1, 'cyst': 2}, 'numTraining': 6,
        'file_ending': '.png', 'name': 'mine_train', 'description': '6 real pairs and 0 synthetic ones'}
    for part, wanted in (('train', train), ('test', test)):
        found = open_dataset('nnunet', Request(str(output), part))
        assert found.ids == wanted.ids and found.coding.optional == ('cyst',)
        for id in wanted.ids:
            one, other = wanted.load(id), found.load(id)
            assert one.image.dtype == other.image.dtype and (one.image == other.image).all()
            assert all((mask == other.masks[organ]).all() for organ, mask in one.masks.items())
    folds = json.loads((output / 'splits_final.json').read_text())
    assert sorted(case for fold in folds for case in fold['val']) == list(train.ids) and len(folds) == 5
    assert all(sorted(fold['train'] + fold['val']) == list(train.ids) for fold in folds)
    assert 'nnUNetv2_plan_and_preprocess -d 007' in what_next(output, counts)


def test_synthetic_pairs_are_learned_from_in_every_fold_and_validated_on_in_none(finished, tmp_path):
    config, workdir = finished
    info = records.read_info(workdir / 'synthetic' / 'three')
    train = Real(open_split(config, 'train'), config.data)
    output, targets = tmp_path / 'Dataset501_CHEST', targets_of(info.coding)
    counts = write_nnunet(output, targets, train, synthetic=info)
    names = {path.stem for path in (output / 'labelsTr').iterdir()}
    drawn = {name for name in names if name.startswith('three-')}
    assert len(drawn) == counts['synthetic'] > 0 and len(names) == counts['real'] + counts['synthetic']
    for fold in json.loads((output / 'splits_final.json').read_text()):
        assert drawn < set(fold['train']) and not drawn & set(fold['val']) and fold['val']
        assert set(fold['train']) | set(fold['val']) == names
    read_again = {part: open_dataset('nnunet', Request(str(output), part)) for part in ('train', 'all')}
    assert set(read_again['train'].ids) == names and set(read_again['all'].ids) == names - drawn
    assert f'{len(drawn)} synthetic pairs are passed over' in read_again['all'].notes[-1]
    name = sorted(drawn)[0]
    stored = records.load_arrays(info)['labels'][int(name.split('-')[1])]
    assert (read(output / 'labelsTr', f'{name}.png') == targets.projection(info.coding)[stored]).all()
    assert read(output / 'imagesTr', f'{name}_0000.png').shape == stored.shape


def test_a_division_with_validation_is_the_one_fold(finished, tmp_path):
    config, _ = finished
    dataset = open_split(config, 'train')
    train, held = (Real(dataset._replace(ids=ids), config.data) for ids in (dataset.ids[:-1], dataset.ids[-1:]))
    write_nnunet(tmp_path / 'Dataset001_A', targets_of(dataset.coding), train, held)
    assert json.loads((tmp_path / 'Dataset001_A' / 'splits_final.json').read_text()) == [
        {'train': list(train.dataset.ids), 'val': list(held.dataset.ids)}]


def test_overlapping_classes_colours_and_pixels_nobody_knows(tmp_path):
    dataset = open_dataset('phantom_retina', Request(None, 'train', count=2, size=48, channels=3))
    targets = targets_of(dataset.coding, {'vessels': ['vessels']}, is_overlapping=True)
    output = tmp_path / 'Dataset002_EYE'
    write_nnunet(output, targets, Real(dataset, Data('phantom_retina', channels=3)))
    told = json.loads((output / 'dataset.json').read_text())
    assert told['channel_names'] == {'0': 'red', '1': 'green', '2': 'blue'}
    sample = dataset.load(dataset.ids[0])
    assert (read(output / 'imagesTr', f'{dataset.ids[0]}_0000.png')[..., ::-1] == sample.image).all()
    wanted = np.where(sample.ignored, 2, sample.masks['vessels']) if dataset.has_ignored else sample.masks['vessels']
    assert (read(output / 'labelsTr', f'{dataset.ids[0]}.png') == wanted).all()
    assert ('ignore' in told['labels']) == dataset.has_ignored


def test_refused_before_anything_is_written(tmp_path):
    for name in ('chest', 'Dataset1_A', 'Dataset0001_A', 'Dataset001'):
        with pytest.raises(InputError, match='expected a folder named as nnU-Net wants it'):
            check_output(tmp_path / name)
    (tmp_path / 'Dataset001_A' / 'x').mkdir(parents=True)
    with pytest.raises(InputError, match='exists already; choose another number or name'):
        check_output(tmp_path / 'Dataset001_A')
    dataset = open_dataset('phantom', Request(None, 'train', count=2, size=32))
    for ids, patients, message in ((dataset.ids[:1], {}, 'at least two patients'),
                                   (('a b', 'a_b'), {}, 'of a b and of a_b would both be called a_b')):
        with pytest.raises(InputError, match=message):
            load = lambda id, first=dataset.ids[0]: dataset.load(first)  # noqa: E731
            write_nnunet(tmp_path / 'Dataset002_B', targets_of(dataset.coding),
                         Real(dataset._replace(ids=ids, load=load), Data('phantom')))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith('Dataset')] == ['Dataset001_A']


def test_the_tools_write_it_and_refuse(finished, tmp_path):
    asked = ['--dataset', 'phantom', '--count', 3, '--size', 32, '--split', 'train', '--output', tmp_path / 'records']
    assert 'as nnU-Net wants it' in refused(call('prepare_records', *asked, '--nnunet', tmp_path / 'raw'))
    assert '--unlabelled' in refused(call('prepare_records', *asked, '--unlabelled', '--nnunet', tmp_path / 'Dataset001_A'))
    one = [*asked[:3], 1, *asked[4:]]
    assert 'at least two patients' in refused(call('prepare_records', *one, '--nnunet', tmp_path / 'Dataset001_A'))
    assert not (tmp_path / 'records').exists() and not (tmp_path / 'Dataset001_A').exists()
    done = call('prepare_records', *asked, '--nnunet', tmp_path / 'Dataset001_A')
    assert done.returncode == 0 and 'nnU-Net: 3 real pairs, 0 synthetic ones, 3 to test' in done.stdout
    _, workdir = finished
    done = call('generate_samples', '--config', workdir / 'config.yaml', '--workdir', workdir, '--method', 'three',
                '--nnunet', tmp_path / 'Dataset002_B')
    assert done.returncode == 0 and 'only other pictures' in done.stdout, done.stderr
    assert (tmp_path / 'Dataset002_B' / 'imagesTs').is_dir()
    own, of_samples = (tmp_path / 'Dataset002_B' / 'DATASHEET.md').read_text().split('## Datasheet: ')
    learned = json.loads((tmp_path / 'Dataset002_B' / 'dataset.json').read_text())
    tested = len(list((tmp_path / 'Dataset002_B' / 'labelsTs').iterdir()))
    assert f'pairs to learn from and {tested} to test are pictures of patients**' in own and 'None is' not in own
    assert all(f'| {number} | {name} |' in own for name, number in learned['labels'].items())
    assert '**None is a picture of a patient.**' in of_samples and '\n### How it was made' in of_samples


def test_what_is_tested_is_not_learned_from(tmp_path):
    source = make_folder(tmp_path / 'mine', 6, 3)
    train, test = (open_dataset('folder', Request(str(source), part)) for part in ('train', 'test'))
    real, tested = Real(train, Data('folder')), Real(test, Data('folder'))
    output, targets = tmp_path / 'raw' / 'Dataset007_ODD', targets_of(train.coding)
    leaky = real._replace(dataset=train._replace(ids=(*train.ids, test.ids[0])))
    with pytest.raises(InputError, match=f'ids {test.ids[0]} are in train and in test'):
        write_nnunet(output, targets, leaky, test=tested)
    same = [side._replace(dataset=side.dataset._replace(patients={side.dataset.ids[0]: 'p'})) for side in (real, tested)]
    with pytest.raises(InputError, match='patient p has pictures in both'):
        write_nnunet(output, targets, same[0], test=same[1])
    with pytest.raises(InputError, match='expected classes other than ignore'):
        write_nnunet(output, targets._replace(names=('ignore', *targets.names[1:])), real)
    assert not (tmp_path / 'raw').exists()


def test_a_number_that_is_taken_is_refused(tmp_path):
    (tmp_path / 'Dataset501_A').mkdir()
    check_output(tmp_path / 'Dataset501_A')
    check_output(tmp_path / 'Dataset502_A')
    with pytest.raises(InputError, match='Dataset501_B: expected a number of its own, .*found Dataset501_A beside it'):
        check_output(tmp_path / 'Dataset501_B')
