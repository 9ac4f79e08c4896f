"""Checkpoints: the last whole one counts; a damaged one is passed over and named."""
import json
from types import SimpleNamespace

import pytest
import tensorflow as tf

from datasets.errors import InputError
from models.adversarial import Group, Update
from pipelines.training import checkpoints


def save(folder, *steps):
    for step in steps:
        checkpoint = tf.train.Checkpoint(value=tf.Variable(float(step)))
        checkpoints.write(checkpoint, folder / f'ckpt-{step}')


def value(path):
    return tf.train.load_checkpoint(str(path)).get_tensor('value/.ATTRIBUTES/VARIABLE_VALUE')


def test_the_last_step_counts_not_the_last_name(tmp_path):
    save(tmp_path, 100, 20, 3)
    assert value(checkpoints.latest(tmp_path)) == 100
    assert checkpoints.latest(tmp_path / 'none') is None


@pytest.mark.parametrize('suffix', ['index', 'data-00000-of-00001', 'json'])
@pytest.mark.parametrize('damage', ['flip', 'cut', 'empty', 'gone'])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, capsys, suffix, damage):
    save(tmp_path, 1, 2)
    path = tmp_path / f'ckpt-2.{suffix}'
    data = bytearray(path.read_bytes())
    if damage == 'gone':
        path.unlink()
    else:
        data[len(data) // 2] ^= damage == 'flip'
        path.write_bytes(data[:{'flip': len(data), 'cut': -1, 'empty': 0}[damage]])
    assert value(checkpoints.latest(tmp_path)) == 1
    warned = capsys.readouterr().err
    if (suffix, damage) == ('json', 'gone'):  # as after a kill before it was complete
        assert not warned
    else:
        assert warned.startswith(f'warning: {path}') and warned.count('\n') == 1
        assert 'going back to the checkpoint before' in warned


def test_all_damaged_is_an_error(tmp_path):
    save(tmp_path, 1, 2)
    for path in tmp_path.glob('*.index'):
        path.write_bytes(b'')
    with pytest.raises(InputError, match='every checkpoint is damaged; remove the folder'):
        checkpoints.latest(tmp_path)


def test_foreign_files_are_no_checkpoints(tmp_path):
    save(tmp_path, 7)
    (tmp_path / 'ckpt-x.json').write_text(json.dumps({}))
    (tmp_path / 'ckpt-9.json.123.tmp').write_text('')
    assert value(checkpoints.latest(tmp_path)) == 7


def test_the_whole_one_before_is_kept(tmp_path, capsys):
    task = SimpleNamespace(phases=(), betas=(0.0, 0.9), mixed_precision=False, extras={},
                           networks={'x': tf.Variable(0.0)})

    def kept(state, *steps):
        for step in steps:
            state.step.assign(step)
            state.save()
        return sorted(path.stem for path in (tmp_path / 'checkpoints').glob('*.json'))

    assert kept(checkpoints.State(task, tmp_path), 10, 20, 20) == ['ckpt-10', 'ckpt-20']
    (tmp_path / 'checkpoints' / 'ckpt-20.index').write_bytes(b'')
    state = checkpoints.State(task, tmp_path)
    assert state.restore(tmp_path) == 10 and 'ckpt-20' in capsys.readouterr().err
    assert kept(state, 15) == ['ckpt-10', 'ckpt-15']  # not the damaged one


def test_rates_and_betas_are_those_of_their_update():
    """A variable of two updates is moved by the rate of the one that moves it."""
    shared, other = tf.Variable(0.0), tf.Variable(0.0)
    updates = (Update('one', [shared, other], None, groups=(Group([shared], rate=0.1),)),
               Update('two', [shared, other], None, betas=(0.9, 0.99)))
    optimizers = checkpoints.make_optimizers([updates], (0.5, 0.999), False)
    settings = {name: (optimizer.beta_1, optimizer.beta_2) for name, optimizer in optimizers.items()}
    assert settings == {'one': (0.5, 0.999), 'two': (0.9, 0.99)}
    assert [optimizers['one'].rate_of(v) for v in (shared, other)] == [0.1, 1.0]
    assert [optimizers['two'].rate_of(v) for v in (shared, other)] == [1.0, 1.0]
