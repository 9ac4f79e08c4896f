"""Stages whose discriminators are shown changed pictures: trained, killed and repeated, refused."""
import json

import pytest

from datasets.errors import InputError
from tests.conftest import tiny_config
from tests.test_resume import Killed, fingerprint, train

HOW = {'discriminator_augmentation': {'probability': 0.1, 'target': 0.6, 'images': 50}}


@pytest.mark.parametrize('kind, what, kill_at', [('pggan', 'dots', 6), ('pix2pixhd', 'labels', 3)])
def test_the_probability_moves_and_is_kept_when_killed(tmp_path, monkeypatch, kind, what, kill_at):
    config = tiny_config(**{kind: HOW})
    with pytest.raises(Killed):
        train(config, tmp_path, what, tmp_path / 'killed', monkeypatch, kill_at)
    train(config, tmp_path, what, tmp_path / 'killed', monkeypatch)
    train(config, tmp_path, what, tmp_path / 'whole', monkeypatch)
    assert fingerprint(tmp_path / 'killed') == fingerprint(tmp_path / 'whole')
    rows = [json.loads(line) for line in (tmp_path / 'whole' / 'losses.jsonl').read_text().splitlines()]
    assert rows[0]['augmentation'] == pytest.approx(0.1) and len({row['augmentation'] for row in rows}) > 1
    assert all(-1 <= row['known_real'] <= 1 for row in rows)


@pytest.mark.parametrize('how, message', [
    ({'probability': 0.9}, 'probability: expected a share from 0 to 0.8, above which changes leak into what is drawn, found 0.9'),
    ({'target': 1.0}, 'target: expected a mean sign from 0 to below 1, found 1.0'),
    ({'target': 0.6, 'images': 0}, 'images: expected a number from 1 on, found 0')])
@pytest.mark.parametrize('kind', ['pggan', 'pix2pixhd'])
def test_what_could_not_be_carried_out_is_refused(kind, how, message):
    with pytest.raises(InputError, match=f'{kind}.discriminator_augmentation.{message}'):
        tiny_config(**{kind: {'discriminator_augmentation': how}})


def test_several_devices_share_no_moving_probability():
    with pytest.raises(InputError, match='target: expected 0 with strategy mirrored: one probability serves one device'):
        tiny_config(strategy='mirrored', pggan=HOW)
    tiny_config(strategy='mirrored', pggan={'discriminator_augmentation': {'probability': 0.3}})
