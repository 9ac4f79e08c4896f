"""How cost grows: the exponent by hand, and one job of the table in a process of its own."""
import pytest

from datasets import records
from pipelines.cost import scaling


def test_the_exponent_is_of_the_work():
    assert scaling.exponent('samples', (100, 2.0), (1000, 20.0)) == pytest.approx(1)
    assert scaling.exponent('images', (11, 3.0), (44, 3.0)) == 0
    # four times the pixels, four times the time
    assert scaling.exponent('size', (64, 1.0), (128, 4.0)) == pytest.approx(1)


@pytest.mark.parametrize('growth, images, side', [('samples', 11, 64), ('size', 11, 512),
                                                  ('images', 512, 256)])
def test_only_one_thing_grows(growth, images, side):
    data = scaling.config_of(growth, 512).data
    assert (data.num_train, data.size) == (images, side)


def test_a_job_is_measured_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(scaling.GROWTHS, 'images', scaling.GROWTHS['images']._replace(
        jobs=('preparation',)))
    (job, taken), = scaling.measure('images', 3, tmp_path)
    assert job == 'preparation' and taken.seconds > 0 and taken.mebibytes > 100
    assert records.read_info(tmp_path / '256px-3' / 'records' / 'train').count == 3
