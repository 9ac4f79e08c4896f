"""Pictures of a run as the report shows them."""
from pipelines.report import exhibits
from tests.finished_run import write_picture


def test_small_pictures_grow_by_whole_factors_and_large_ones_shrink(tmp_path):
    write_picture(tmp_path / 'small.png', 100, 10)
    write_picture(tmp_path / 'large.png', 2800, 20)
    assert exhibits._load(tmp_path / 'small.png').shape == (40, 400, 3)
    assert exhibits._load(tmp_path / 'large.png').shape == (10, 1400, 3)
