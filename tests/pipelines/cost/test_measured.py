"""What was measured of every network at its published size: the file, its tables, and what the page shows of it."""
import json
import re
from pathlib import Path

import pytest

from datasets.errors import InputError
from datasets.labels import CHEST
from pipelines.cost import measure, measured, product
from pipelines.experiment import steps
from pipelines.plan import matrix
from pipelines.plan.loading import load_config, segmenter_settings
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.plan.segmenters import SEGMENTERS
from pipelines.scores.table import to_markdown
from tests.conftest import tiny_config

ROOT = Path(__file__).resolve().parents[3]
CONFIG, ROWS = ROOT / 'pipelines/configs/networks_full.yaml', ROOT / 'pipelines/cost/networks.json'
BLOCK = re.compile(r'<!-- networks -->\n(.*?)<!-- end -->', re.S)
RUNS = [Run(parse_regime('finetune3'))]


def test_every_network_is_measured_at_the_size_of_the_config():
    config = load_config(str(CONFIG))
    names = [run.segmenter for arm in matrix.arms_of(config) for run in arm.runs]
    assert names == list(SEGMENTERS)
    rows = measured.read(ROWS)
    assert [row['training'] for row in rows] == names
    for row in rows:
        settings = segmenter_settings(config, row['training'])
        assert (settings.crop, settings.batch_size, settings.size) == (
            row['side'], row['batch'], row['sample_side']), row['training']


def test_memory_is_predicted_within_a_quarter():
    for row in measured.read(ROWS):
        for what in ('step', 'sample'):
            assert abs(measured.memory_error(row[what])) <= measured.MEMORY_ERROR, (row['training'], what)


def test_the_page_shows_the_file_and_says_why_where_a_network_is_slow():
    page = (ROOT / 'pipelines/cost/README.md').read_text(encoding='utf-8')
    rows = measured.read(ROWS)
    assert BLOCK.search(page)[1] == to_markdown(measured.tables(rows))
    reasons = page.split('<!-- end -->')[1].split('\n## ')[0]
    for row in rows:
        if measured.share(row['step']) < measured.LEAST_SHARE:
            assert f'**{measured.name_of(row)}' in reasons, row['training']


def test_a_row_comes_once_and_is_held_at_its_size_alone():
    row = {'training': 'scan', 'phase': '', 'side': 400, 'batch': 10, 'sample_side': 400}
    rows = measured.with_row([{**row, 'training': 'unet'}], row)
    assert [one['training'] for one in rows] == ['unet', 'scan']
    assert measured.holds(rows, row) and not measured.holds(rows, {**row, 'batch': 5})
    assert measured.with_row(rows, {**row, 'training': 'unet', 'batch': 3}) == [
        {**row, 'training': 'unet', 'batch': 3}, row]
    part = {'operations': 4e9, 'cpu': 2.0, 'product_cpu': 8.0, 'predicted': 75, 'peak': 100}
    assert measured.share(part) == 0.25 and measured.memory_error(part) == -0.25


def test_a_file_is_read_as_it_was_written(tmp_path):
    rows = json.loads(ROWS.read_text(encoding='utf-8'))['rows']
    measured.write(tmp_path / 'rows.json', rows, {'device': 'CPU'})
    assert measured.read(tmp_path / 'rows.json') == rows and measured.read(tmp_path / 'none.json') == []
    (tmp_path / 'other.json').write_text('[]')
    with pytest.raises(InputError, match='other.json: expected rows of an earlier measurement'):
        measured.read(tmp_path / 'other.json')


@pytest.mark.parametrize('training, sizes', [
    (METHODS['three'].stages[1], {'side': 48, 'batch': 2, 'sample_side': 48}),
    ('smanet', {'side': 41, 'batch': 2, 'sample_side': 48})], ids=['stage', 'segmenter'])
def test_a_step_and_a_sample_are_counted_and_predicted(training, sizes, tmp_path, monkeypatch):
    config, workdir = tiny_config(), tmp_path / 'run'
    steps.prepare(config, workdir)
    monkeypatch.setattr(product, 'LEAST_SECONDS', 0.0)
    monkeypatch.setattr(product, 'PRODUCT_SIDE', 64)
    assert measure.size_of(config, training, '', CHEST) == sizes
    step = measure.measure('step', config, training, '', CHEST, workdir)
    sample = measure.measure('sample', config, training, '', CHEST, workdir)
    for one in (step, sample):
        assert one.first > one.seconds > 0 and min(one.cpu, one.product, one.product_cpu) > 0 and one.peak > 2 ** 28
    # both sides of a step, with gradients, and of a batch of 2; SMANet predicts 4 windows of 41 px over 48
    assert step.operations > sample.operations > 0
    need, less = (measure.predict(what, config, training, '', CHEST) for what in ('step', 'sample'))
    assert need['parameters'] > 0 and need['predicted'] > less['predicted'] > 2 ** 28


def test_a_training_that_is_not_there_is_refused():
    assert measure.named(RUNS, 'smanet') == 'smanet'
    assert measure.named(RUNS, 'dots') == METHODS['three'].stages[0]
    with pytest.raises(InputError, match='--trainings: expected of dots, labels_from_dots, .*, smanet, found bones'):
        measure.named(RUNS, 'bones')


def test_plain_graphs_count_what_calls_count():
    """In a plain graph, where plans trace, == of tensors is identity: a plan of masks that overlap broke there."""
    config = tiny_config(segmenter={'overlapping': True})
    need = measure.predict('step', config, 'smanet', '', CHEST)
    assert need['predicted'] > 2 ** 28
