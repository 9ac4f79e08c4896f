"""Pictures that a teacher labels: which, with what labels, and who learns from them."""
import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.labels import CHEST
from datasets.phantom.phantom import draw_phantom
from datasets.targets import targets_of
from pipelines.data.sources import open_split
from pipelines.experiment import exporting, pseudo_labels, steps
from pipelines.experiment.opening import open_experiment
from pipelines.experiment.possible import check_possible
from pipelines.plan import matrix
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime, teacher_of
from tests.conftest import tiny_config

EVERY = {organ: [organ] for organ in CHEST.organs}
TEACHER = {'network': 'unet', 'crop': 48, 'width': 0.125, 'overlapping': True, 'targets': EVERY}
MORE = {'num_train': 7, 'draw': 5, 'unlabelled': True}
IMAGE = METHODS['three_more'].stages[-1]


def config_of(source=MORE, teacher=TEACHER, regimes=('self', 'finetune3m'), **sections):
    return tiny_config(regimes=list(regimes), sources={'unlabelled': source} if source else {},
                       segmenters={'teacher': teacher} if teacher else {}, **sections)


@pytest.fixture
def teacher(monkeypatch):
    """A teacher that has nothing to learn: it finds what was drawn, by the mean of the picture; `spoil` changes what."""
    drawn, targets = {}, targets_of(CHEST, EVERY, True)

    def label(image):
        found = next(masks for mean, masks in drawn.items() if abs(mean - image.mean()) < 0.02)
        return np.stack([found[organ] for organ in CHEST.organs])

    def remember(dataset):
        for id in dataset.ids:
            _, draw, index = id.split('_')
            sample = draw_phantom(int(draw), int(index), 48)
            drawn[float(dataset.load(id).image.mean())] = sample.masks
            assert np.array_equal(sample.image, dataset.load(id).image)
        return drawn

    monkeypatch.setattr(pseudo_labels, 'is_finished', lambda folder: True)
    monkeypatch.setattr(pseudo_labels, 'exported', lambda config, run, workdir: 'model')
    monkeypatch.setattr(pseudo_labels.export, 'load_segmenter', lambda model: (
        lambda image: {'masks': tf.constant(np.moveaxis(label(image.numpy()), 0, -1)[None].astype(np.uint8))},
        {'targets': targets.to_dict()}))
    return remember


def test_what_it_finds_becomes_records_with_versions_and_dots(teacher, tmp_path):
    config = config_of()
    pictures = open_split(config, 'pseudo')
    assert not pictures.coding.is_labelled and len(pictures.ids) == 7
    teacher(pictures)
    steps.prepare(config, tmp_path, {'pseudo'})
    info = records.read_info(tmp_path / 'records' / 'pseudo')
    assert info.coding.organs == CHEST.organs and info.ids == list(pictures.ids) and info.count == 14
    rows = records.load_arrays(info)
    truth = CHEST.encode(draw_phantom(5, 0, 48).masks)
    assert np.array_equal(rows['labels'][0], truth) and not np.array_equal(rows['labels'][1], truth)
    assert set(np.unique(rows['dots'][0])) == {0, 1, 2, 3, 4, 5}
    before = os.stat(info.paths[0])
    steps.prepare(config, tmp_path, {'pseudo'})
    assert os.stat(info.paths[0]) == before


@pytest.mark.parametrize('spoil, why', [
    (lambda masks: masks['heart'][:] & False, 'heart'),
    (lambda masks: masks['left_lung'] & (np.arange(48) > 40)[:, None], 'left_lung')])
def test_a_picture_in_which_an_organ_is_lost_is_left_out_and_said(teacher, tmp_path, capsys, spoil, why):
    config = config_of()
    drawn = teacher(open_split(config, 'pseudo'))
    for masks in list(drawn.values())[:2]:
        masks[why] = spoil(masks)
    steps.prepare(config, tmp_path, {'pseudo'})
    assert records.read_info(tmp_path / 'records' / 'pseudo').ids == list(open_split(config, 'pseudo').ids)[2:]
    assert f'2 of 7 pictures are left out, in which the teacher finds too little of {why} (2)' in capsys.readouterr().out


def test_sides_that_are_swapped_are_no_labels(teacher, tmp_path, capsys):
    config = config_of()
    masks = next(iter(teacher(open_split(config, 'pseudo')).values()))
    masks['left_lung'], masks['right_lung'] = masks['right_lung'], masks['left_lung']
    steps.prepare(config, tmp_path, {'pseudo'})
    assert '1 of 7 pictures are left out, in which the teacher finds too little of an organ on the wrong side (1)' \
        in capsys.readouterr().out


def test_a_teacher_that_finds_nothing_is_one_line(teacher, tmp_path):
    config = config_of()
    for masks in teacher(open_split(config, 'pseudo')).values():
        masks['heart'] &= False
    with pytest.raises(InputError, match='expected pictures in which the teacher finds every organ, found none among 7'):
        steps.prepare(config, tmp_path, {'pseudo'})
    assert not (tmp_path / 'records' / 'pseudo' / records.INFO).exists()


def test_images_with_labels_are_not_among_those_without(tmp_path):
    config = config_of({'num_train': 9, 'unlabelled': True})   # the same draw of phantoms: the first four are labelled
    assert set(open_split(config, 'train').ids) < set(open_split(config, 'unlabelled').ids)
    assert set(open_split(config, 'pseudo').ids) == set(open_split(config, 'unlabelled').ids) - set(
        open_split(config, 'train').ids)
    with pytest.raises(InputError, match='sources.unlabelled.source: expected pictures beside the 4 that are learned from '
                                         'with their labels, found none; set sources.unlabelled.num_train=null'):
        open_split(config_of({'unlabelled': True}), 'pseudo')


def test_self_and_the_image_stage_learn_from_them_and_hang_on_the_teacher(teacher, tmp_path, monkeypatch):
    config = config_of(regimes=('self', 'finetune3m'))
    arm = matrix.arm_of(config, [Run(parse_regime(name)) for name in config.regimes])
    names = [run.name for run in arm.runs]
    assert names == ['pseudo-smanet-0', 'self-smanet-0', 'synth3m-smanet-0', 'finetune3m-smanet-0', 'real-teacher-0']
    teach = teacher_of(config, arm.runs)
    assert teach.name == 'real-teacher-0' and teacher_of(config, [Run(parse_regime('finetune3'))]) is None
    open_experiment(config, tmp_path, [arm], say=lambda text: None)
    steps.train_segmenter(config, teach, tmp_path)
    monkeypatch.setattr(pseudo_labels, 'exported', exporting.exported)   # a real one, which the fake stands for
    teacher(open_split(config, 'pseudo'))
    pseudo = Run(parse_regime('pseudo'))
    steps.train_segmenter(config, pseudo, tmp_path)
    steps.train_segmenter(config, Run(parse_regime('self')), tmp_path)
    steps.train_stage(config, IMAGE, tmp_path)
    losses = (tmp_path / 'stages' / 'image_from_more' / 'losses.jsonl').read_text().splitlines()
    assert len(losses) == 2 * (8 + 14) // 2                   # two epochs of all records, two a step
    open_experiment(config, tmp_path, [arm], say=lambda text: None)
    longer = dataclasses.replace(config, segmenters={'teacher': {**TEACHER, 'synth_steps': 5}})
    with pytest.raises(InputError) as error:
        open_experiment(longer, tmp_path, [arm._replace(config=longer)], say=lambda text: None)
    assert 'segmenters/real-teacher-0' in str(error.value) and 'synth_steps 4 and not 5' in str(error.value)
    said = []
    open_experiment(longer, tmp_path, [arm._replace(config=longer)], redo=['segmenters/real-teacher-0'], say=said.append)
    assert {line.split()[-1] for line in said} == {
        'segmenters/real-teacher-0', 'exports/real-teacher-0', 'records/pseudo', 'stages/image_from_more',
        'segmenters/pseudo-smanet-0', 'segmenters/self-smanet-0'}


def test_no_teacher_no_records(tmp_path):
    with pytest.raises(InputError, match='expected segmenters/real-teacher-0, which labels the pictures of '
                                         'sources.unlabelled, trained, found it is not: first tools/train_segmenter.py '
                                         '--regime real --segmenter teacher'):
        steps.train_segmenter(config_of(), Run(parse_regime('pseudo')), tmp_path)


@pytest.mark.parametrize('changes, message', [
    ({'source': None}, r'sources.unlabelled: expected the pictures that regime pseudo learns from without their labels'),
    ({'source': {**MORE, 'unlabelled': False}}, r"sources.unlabelled: expected the pictures .*found \{'unlabelled': False\}"),
    ({'source': {**MORE, 'channels': 3}}, 'sources.unlabelled.channels: expected that of data, 1, found 3')])
def test_a_config_without_such_pictures_is_refused_when_it_is_planned(changes, message):
    with pytest.raises(InputError, match=message):
        matrix.arm_of(config_of(**changes, regimes=['self']), [Run(parse_regime('self'))])


def test_a_teacher_that_does_not_find_every_organ_is_refused_before_it_is_trained():
    arm = matrix.arm_of(config_of(teacher=None), [Run(parse_regime('self'))])
    with pytest.raises(InputError, match=r'segmenters.teacher: expected a segmenter that finds every organ by itself, .*'
                                         r'left_clavicle: \[left_clavicle\].*, found smanet, which finds left_lung, heart'):
        check_possible(arm, True)
    check_possible(matrix.arm_of(config_of(), [Run(parse_regime('self'))]), True)


def test_the_teacher_sees_what_it_learned_the_film_alone(teacher, tmp_path, monkeypatch):
    config = config_of(data={'trim_borders': True})
    pictures, seen = open_split(config, 'pseudo'), []

    def bordered(id):
        sample = pictures.load(id)
        return sample._replace(image=np.pad(sample.image, ((0, 0), (0, 24))))

    teacher(pictures)
    label = pseudo_labels._found
    monkeypatch.setattr(pseudo_labels, 'open_split', lambda config, name: pictures._replace(
        load=bordered, field_of_view_mm=None))
    monkeypatch.setattr(pseudo_labels, '_found', lambda segment, targets, coding, image, side: seen.append(image.shape) or label(
        segment, targets, coding, image, side))
    steps.prepare(config, tmp_path, {'pseudo'})
    assert set(seen) == {(48, 48)}


def test_a_teacher_that_rubs_out_what_lies_below_is_refused():
    arm = matrix.arm_of(config_of(teacher={**TEACHER, 'overlapping': False}), [Run(parse_regime('self'))])
    with pytest.raises(InputError, match='segmenters.teacher.overlapping: expected true where organs lie over each other'):
        check_possible(arm, True)


def test_greys_of_other_files_are_refused_where_they_are_shown_as_they_are(teacher, tmp_path, monkeypatch):
    config = config_of()
    teacher(open_split(config, 'pseudo'))
    segment, description = pseudo_labels.export.load_segmenter('model')
    monkeypatch.setattr(pseudo_labels.export, 'load_segmenter', lambda model: (segment, {
        **description, 'greys': 'as_is', 'bits': 16}))
    with pytest.raises(InputError, match='sources.unlabelled: expected pictures of 16 bits, whose greys the teacher takes .*found 8'):
        steps.prepare(config, tmp_path, {'pseudo'})
