"""Model cards and datasheets say what a workdir knows, and that something is missing where it does not."""
import dataclasses
import shutil

import pytest

from datasets import records
from datasets.readers import READERS
from datasets.readers.terms import DRAWN, OWN, TERMS, terms_of
from pipelines.plan.loading import from_dict, to_dict
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.report import cards
from pipelines.scores.results import read_results
from tests.command import call

THREE, FINETUNE = METHODS['three'], Run(parse_regime('finetune3'))


def test_a_card_has_the_scores_of_its_run_and_no_others(finished):
    config, workdir = finished
    text = (workdir / 'exports' / FINETUNE.name / '1' / cards.CARD).read_text()
    row, = [row for row in read_results(workdir / 'results.jsonl') if row['regime'] == 'finetune3']
    for metric, organ in (('jaccard_pooled', 'heart'), ('hd95_mm', 'average'), ('dice_per_image', 'left_lung')):
        assert '{:.2f} [{:.2f}, {:.2f}]'.format(*row['scores'][metric][organ]) in text
    assert text.count('On test, 3 pictures') == 1 and '# Model card: FINETUNE 3, SMANet, seed 0' in text
    assert f'{len(records.read_info(workdir / "records" / "train").ids)} real pictures of phantom' in text
    assert DRAWN in text and 'synthetic pairs of the method three' in text and 'Copied, by features' in text
    real = (workdir / 'exports' / 'real-smanet-0' / '1' / cards.CARD).read_text()
    assert 'It learned from no synthetic pairs' in real and 'Copied' not in real and real.count('On test') == 1
    for card in (text, real):
        assert 'no medical device' in card


def test_a_datasheet_counts_what_is_there(finished):
    config, workdir = finished
    info = records.read_info(workdir / 'synthetic' / 'three')
    text = (workdir / 'synthetic' / 'three' / cards.SHEET).read_text()
    assert text == cards.datasheet(config, THREE, workdir)
    assert text.startswith(f'# Datasheet: {info.count} samples of the method three')
    assert f'{info.notes["failed_check"]} failed the anatomical check' in text
    assert '**None is a picture of a patient.**' in text and '| 6 | left_clavicle + left_lung | left_lung |' in text
    assert 'Stage labels: pix2pixhd, dots -> labels' in text


def test_what_is_missing_is_said(finished, tmp_path):
    config, workdir = finished
    for folder in ('records', 'synthetic'):
        shutil.copytree(workdir / folder, tmp_path / folder)
    assert 'It is not scored yet' in cards.model_card(config, FINETUNE, tmp_path)
    assert 'Not measured yet' in cards.datasheet(config, THREE, tmp_path)
    shutil.copytree(tmp_path / 'synthetic' / 'three', tmp_path / 'synthetic' / 'dfgan')
    text = cards.datasheet(config, METHODS['dfgan'], tmp_path)
    assert 'a part of a picture of a real patient' in text and 'fid_loss' in text and 'None is a picture' not in text


def test_pictures_that_a_teacher_labelled_are_named_with_their_terms(finished, tmp_path):
    config, workdir = finished
    source = dataclasses.replace(config.data, dataset='montgomery', source='/data', unlabelled=True)
    config = dataclasses.replace(config, sources={'unlabelled': source})
    for folder in ('records', 'synthetic'):
        shutil.copytree(workdir / folder, tmp_path / folder)
    shutil.copytree(tmp_path / 'synthetic' / 'three', tmp_path / 'synthetic' / 'three_more')
    more, told = METHODS['three_more'], f'Pictures of montgomery without their labels, which real-smanet-0 labelled. Terms: {TERMS["montgomery"]}'
    for text in (cards.datasheet(config, more, tmp_path), cards.generator_card(config, more, more.stages[-1], tmp_path),
                 *(cards.model_card(config, Run(parse_regime(name)), tmp_path) for name in ('self', 'finetune3m', 'pseudo'))):
        assert text.count(told) == 1
    for text in (cards.datasheet(config, THREE, tmp_path), cards.model_card(config, FINETUNE, tmp_path)):
        assert 'without their labels' not in text


def test_a_card_of_another_hospital_names_both(finished):
    config, workdir = finished
    there = dataclasses.replace(config.data, dataset='montgomery', source='/x')
    config = dataclasses.replace(config, sources={'target': there})
    text = cards.model_card(config, Run(parse_regime('cyclegan'), labelled=5.0), workdir)
    assert 'another hospital, montgomery, with the labels of 5 %' in text and TERMS['montgomery'] in text
    assert 'A translator between the two, cyclegan' in text


def test_terms_that_a_config_says_stand_in_the_place_of_ours(finished):
    config, workdir = finished
    said = dataclasses.replace(config, data=dataclasses.replace(config.data, terms='CC BY 4.0,\n  cite us'))
    text = cards.model_card(said, FINETUNE, workdir)
    assert 'Terms: CC BY 4.0, cite us\n' in text and DRAWN not in text
    tree = to_dict(config)
    tree['data'].update(dataset='folder', source='/mine')
    assert from_dict(tree).data.terms is None and OWN in cards.model_card(from_dict(tree), FINETUNE, workdir)


@pytest.mark.parametrize('name', READERS)
def test_every_data_set_has_terms(name):
    found = terms_of(name, READERS[name].is_drawn)
    if READERS[name].is_drawn:
        assert found == DRAWN
    else:
        assert (found == OWN) == (name in ('folder', 'nnunet'))
    assert terms_of('siim_acr_all', False) == TERMS['siim_acr'] and terms_of('drive_second', False) == TERMS['drive']


def test_the_tools_write_them(finished, tmp_path):
    _, workdir = finished
    asked = ['--config', workdir / 'config.yaml', '--workdir', workdir]
    done = call('export_model', *asked, '--regime', 'real', '--output', tmp_path / 'model')
    assert done.returncode == 0 and str(tmp_path / 'model' / '1' / cards.CARD) in done.stdout, done.stderr
    done = call('export_model', *asked, '--method', 'three', '--stage', 'image', '--output', tmp_path / 'stage')
    text = (tmp_path / 'stage' / '1' / cards.CARD).read_text()
    assert 'draws image from labels' in text and 'a picture of any patient' in text
    done = call('generate_samples', *asked, '--method', 'three', '--png', tmp_path / 'png')
    assert (tmp_path / 'png' / cards.SHEET).read_text() == (workdir / 'synthetic' / 'three' / cards.SHEET).read_text()
