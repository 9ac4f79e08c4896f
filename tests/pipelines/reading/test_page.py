"""The page of a blinded reading stands alone."""
import html.parser
import re

import pytest

from pipelines.reading import layout, unblinding
from tests.pipelines.reading.test_layout import make

pytestmark = pytest.mark.usefixtures('model')


class Links(html.parser.HTMLParser):
    """Collects the attributes that load or send."""
    def __init__(self):
        super().__init__()
        self.found, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.found += [(tag, name, value) for name, value in attributes
                       if name in ('src', 'href', 'action', 'srcset') or name.startswith('on')]


def test_the_page_stands_alone(folder, tmp_path):
    _, data, page = make(folder, tmp_path / 'out')
    links = Links()
    links.feed(page)
    assert links.found == [] and 'link' not in links.tags
    assert "default-src 'none'" in page and 'name="viewport"' in page
    assert re.findall('https?://[^\'"]*', page) == ['http://www.w3.org/2000/svg']
    assert f'id="comment" rows="2" maxlength="{unblinding.MAX_COMMENT}"' in page
    assert f'id="reader" required maxlength="{unblinding.MAX_READER}"' in page
    # ids that the script asks for are there
    for name in set(re.findall(r"\$\('(\w+)'\)", page)):
        assert f'id="{name}"' in page, name
    choices = re.findall('data-choice="(.*?)"', page)
    assert choices == ['A', 'same', 'B'] and set(choices) < set(unblinding.CHOICES)


def test_a_name_in_the_coding_cannot_end_the_script(folder, tmp_path):
    _, data, _ = make(folder, tmp_path / 'out')
    data['organs'][0]['name'] = '</script><img onerror=x>@DATA@'
    links = Links()
    links.feed(layout.page(data))
    assert links.tags.count('script') == 2 and links.found == []
