"""Blocks of a document: escaped, no larger than their pixels, whole on paper."""
import io
import re

from PIL import Image

from pipelines.report import document, plots
from pipelines.scores.table import Table


def test_blocks_escape_what_would_be_markup():
    assert '<b>' not in document.paragraph('<b>').html
    table = document.table(Table('', ('a|b',), [('<i>',)], ['<u>']))
    assert '<i>' not in table.html and '<u>' not in table.html and r'a\|b' in table.markdown
    block = document.figure('x/../y', b'png', '"quoted" <b>')
    assert list(block.files) == ['x-y.png'] and 'alt="&quot;quoted&quot; &lt;b&gt;"' in block.html
    assert 'width' not in block.html
    assert document.code('a\n```\nb').markdown.startswith('````\n')


def test_figures_are_never_larger_than_their_pixels():
    png = plots.curves({'real': [{'step': 1, 'phase': 'a', 'loss': 1.0}]})
    width = Image.open(io.BytesIO(png)).width
    assert f'width="{width // 2}"' in document.figure('a', png, 'b', scale=2).html
    rules = re.findall(r'img \{([^}]*)\}', document.STYLE)
    assert rules and not any('min-width' in rule or re.search(r'(?<!-)width: 100%', rule) for rule in rules)


def test_paper_loses_no_columns():
    printed = document.STYLE.split('@media print')[1]
    assert '.scroll { overflow: visible' in printed and 'white-space: normal' in printed
