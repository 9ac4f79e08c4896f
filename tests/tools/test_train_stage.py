"""train_stage.py of a translator: trains, goes on, guards, refuses."""
import pytest
import yaml

from datasets.errors import InputError
from pipelines.plan import loading, provenance
from pipelines.training import checkpoints
from tests.test_resume import fingerprint
from tests.translators import config_of, two_hospitals


@pytest.fixture(scope='module', autouse=True)
def dull():
    with two_hospitals():
        yield


@pytest.fixture()
def tool(tmp_path, monkeypatch):
    """train_stage.py in this process, on two hospitals of phantoms: further arguments -> nothing."""
    from tools import train_stage
    path = tmp_path / 'two.yaml'
    path.write_text(yaml.safe_dump(loading.to_dict(config_of(
        'unit', epochs=1, layers=1, width=2)) | {'sources': {'target': {'num_train': 4, 'draw': 1}}}))

    def run(*arguments):
        monkeypatch.setattr('sys.argv', ['train_stage.py', '--config', str(path), '--workdir', str(tmp_path / 'run'),
                                         *arguments])
        train_stage.main()
    return run


def test_the_tool_trains_goes_on_and_guards(tool, tmp_path, capsys):
    tool('--translator', 'unit', '--dry-run')
    assert 'stage      translator_unit: unit' in capsys.readouterr().out and not (tmp_path / 'run').exists()
    tool('--translator', 'unit')
    folder = tmp_path / 'run' / 'stages' / 'translator_unit'
    assert checkpoints.is_finished(folder) and f'trained: {folder}' in capsys.readouterr().out
    before = fingerprint(folder)
    tool('--translator', 'unit', '--set', 'munit.width=8')   # nothing is left to do, and another kind's are its own
    assert fingerprint(folder) == before
    for change, why in (('unit.width=3', 'unit.width 2 and not 3'), ('sources.target.draw=2', 'records/target')):
        with pytest.raises(provenance.Outdated, match=why):
            tool('--translator', 'unit', '--set', change)
    with pytest.raises(InputError, match='--redo stages/translator_none: expected one of .*stages/translator_unit'):
        tool('--translator', 'unit', '--redo', 'stages/translator_none')


@pytest.mark.parametrize('arguments, message', [
    (['--translator', 'dualgan'], "translator 'dualgan': expected one of cyclegan, unit, munit"),
    (['--translator', 'unit', '--stage', 'dots'], '--method, --stage: expected both, or --translator alone, found'),
    (['--method', 'three'], '--method, --stage: expected both, or --translator alone, found --method three, --stage '),
    ([], 'found --method None, --stage None, --translator None'),
    (['--translator', 'munit', '--set', 'sources={}'], 'two.yaml: sources.target: expected the data set that munit')])
def test_the_tool_refuses_before_anything_is_made(tool, tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        tool(*arguments)
    assert not (tmp_path / 'run').exists()
