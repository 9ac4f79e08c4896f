"""The diagram of the methods."""
from pipelines.report import diagram
from tests.pipelines.report.test_plots import has_colour


def test_diagram_shows_each_organ_in_its_colour():
    from datasets.labels import CHEST
    png = diagram.pipeline()
    for colour in CHEST.dot_colours[1:]:
        assert has_colour(png, '#' + bytes(colour.tolist()).hex())
