"""A workdir belongs to the config that what it holds was made with."""
import pytest
import yaml

from datasets.errors import InputError
from pipelines.plan import provenance
from tests.conftest import tiny_config


def test_a_workdir_of_another_experiment_is_refused(finished, tmp_path):
    _, workdir = finished
    other = tiny_config(seed=2, segmenter={'batch_size': 4})
    with pytest.raises(InputError, match='made with another seed, segmenter.batch_size'):
        provenance.open_workdir(other, workdir)
    fresh = provenance.open_workdir(tiny_config(), tmp_path / 'run')
    provenance.open_workdir(other, fresh)  # nothing was made yet: a mistake may be mended
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(InputError, match='expected a new or empty folder'):
        provenance.open_workdir(other, tmp_path)
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write there'):
        provenance.open_workdir(other, tmp_path / 'file' / 'run')


def test_a_workdir_from_before_a_key_existed_goes_on(tmp_path):
    """What its config does not say is the default; a kept config that cannot be read is another's."""
    config = tiny_config()
    workdir = provenance.open_workdir(config, tmp_path / 'run')
    (workdir / 'synthetic' / 'three').mkdir(parents=True)
    (workdir / 'synthetic' / 'three' / 'x.tfrecord').write_text('')
    kept = yaml.safe_load((workdir / 'config.yaml').read_text())
    del kept['labels']['warp']
    (workdir / 'config.yaml').write_text(yaml.safe_dump(kept))
    provenance.open_workdir(config, workdir)
    with pytest.raises(InputError, match='made with another labels.warp; choose another'):
        provenance.open_workdir(tiny_config(labels={'warp': 0.1}), workdir)


def test_what_was_made_by_way_of_others_keeps_its_config(tmp_path):
    """Networks may be removed to save space; what was made with them is still theirs."""
    config = tiny_config()
    workdir = provenance.open_workdir(config, tmp_path / 'run')
    (workdir / 'evaluations').mkdir()
    scored = workdir / 'evaluations' / 'synth3-smanet-0-test.json'
    scored.write_text('')
    for section in ({'segmenter': {'learning_rate': 0.5}}, {'labels': {'warp': 0.1}},
                    {'pix2pixhd': {'ngf': 8}}, {'pggan': {'fmap_max': 4}}):
        with pytest.raises(InputError, match=f'made with another {list(section)[0]}.'):
            provenance.open_workdir(tiny_config(**section), workdir)
    scored.rename(scored.with_name('real-smanet-0-test.json'))
    provenance.open_workdir(tiny_config(labels={'warp': 0.1}), workdir)  # REAL needs no samples
    provenance.open_workdir(tiny_config(stages={'dots': {'snapshot': 4}}), workdir)


@pytest.mark.parametrize('content', ['', '7', '[1]', 'a: [', '2024-13-01'])
def test_a_kept_config_that_is_none_is_damaged(tmp_path, content):
    workdir = provenance.open_workdir(tiny_config(), tmp_path / 'run')
    (workdir / 'config.yaml').write_text(content)
    with pytest.raises(InputError, match='config.yaml: damaged: expected the config'):
        provenance.open_workdir(tiny_config(seed=9), workdir)


def test_a_key_that_nobody_knows_counts_once_something_was_made(tmp_path):
    """A section of a later version, say: what was made with it cannot be told, so all of it may be."""
    config = tiny_config()
    workdir = provenance.open_workdir(config, tmp_path / 'run')
    kept = yaml.safe_load((workdir / 'config.yaml').read_text())
    (workdir / 'config.yaml').write_text(yaml.safe_dump({**kept, 'cyclegan': {'epochs': 3}}))
    provenance.open_workdir(config, workdir)  # nothing was made yet
    (workdir / 'config.yaml').write_text(yaml.safe_dump({**kept, 'cyclegan': {'epochs': 3}}))
    (workdir / 'stages' / 'dots' / 'checkpoints').mkdir(parents=True)
    (workdir / 'stages' / 'dots' / 'checkpoints' / 'ckpt-1.index').write_text('')
    with pytest.raises(InputError, match='made with another cyclegan.epochs; choose another'):
        provenance.open_workdir(config, workdir)


def test_what_changes_no_result_may_change_at_any_time(finished):
    _, workdir = finished
    provenance.open_workdir(tiny_config(run={'log_every': 7}), workdir)
    assert yaml.safe_load((workdir / 'config.yaml').read_text())['run']['log_every'] == 7


def test_the_memory_limit_is_kept(finished):
    """Above it records are shuffled in a buffer, in another order: another training."""
    _, workdir = finished
    with pytest.raises(InputError, match='made with another data.memory_limit_mb; choose another'):
        provenance.open_workdir(tiny_config(data={'memory_limit_mb': 1}), workdir)
