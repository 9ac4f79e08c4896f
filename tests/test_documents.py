"""The pages: the README's length, every relative link and heading, every command against its tool's options."""
import re
from pathlib import Path

import pytest

from tests.command import call

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path for path in ROOT.rglob('*.md')
               if not re.match(r'\.venv|runs/|tests/data/', str(path.relative_to(ROOT))))
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
LINK = re.compile(r'\]\(([^)\s]+)\)')


def text_of(page):
    return (ROOT / page).read_text(encoding='utf-8')


def test_the_readme_is_short():
    assert len(text_of('README.md').splitlines()) < 200


@pytest.mark.parametrize('page', NAMES)
def test_links_lead_somewhere(page):
    for link in LINK.findall(text_of(page)):
        if link.startswith(('http://', 'https://')):
            continue
        path, _, anchor = link.partition('#')
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r'^#+ (.*)$', path.read_text(encoding='utf-8'), re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def commands(page):
    """(tool, options) of every command in a block or between backticks, continued lines together."""
    text = re.sub(r'\\\n\s*', ' ', text_of(page))
    for line in text.splitlines():
        for found in re.findall(r'(?:python|bash) (tools/\w+\.(?:py|sh))([^`\n]*)', line):
            yield found


@pytest.mark.parametrize('page', NAMES)
def test_commands_are_those_of_the_tools(page):
    for tool, rest in commands(page):
        assert (ROOT / tool).is_file(), tool
        if tool.endswith('.py'):
            own = re.split(r' #| \w+\.py', rest)[0]  # no comment, no tool that this one starts
            wanted = set(re.findall(r'(?<!\S)--[\w-]+', own))
            assert wanted <= options_of(tool), f'{tool}: {wanted - options_of(tool)}'


def options_of(tool, known={}):
    if tool not in known:
        done = call(Path(tool).stem, '--help')
        assert done.returncode == 0, done.stderr
        known[tool] = set(re.findall(r'--[\w-]+', done.stdout))
    return known[tool]


@pytest.mark.parametrize('page', NAMES)
def test_files_that_are_named_are_there(page):
    """Paths with a folder, between backticks, as the page itself or the repository has them."""
    for name in re.findall(r'`([\w./]+/[\w.]+\.(?:py|yaml|json|sh))`', text_of(page)):
        places = (ROOT / name, (ROOT / page).parent / name, ROOT / 'pipelines' / name)
        assert any(place.exists() for place in places) or 'WORKDIR' in name or '<' in name, name


def costs():
    """What the heads of the configs say they do and take, as a table."""
    rows = ['| config | is | takes |', '|---|---|---|']
    for path in sorted((ROOT / 'pipelines' / 'configs').glob('*.yaml')):
        head = re.match(r'(# .*\n)+', path.read_text())[0].replace('\n# ', ' ')
        purpose = re.split(r'(?<=[^ ][.?])(?: |$)|: bash|  +python ', head[2:].strip())[0].strip()
        cost = re.search(r'Cost: (.*?)(?:[.;](?: |$)|$)', head, re.M)[1]
        rows.append(f'| `{path.stem}` | {purpose} | {cost} |')
    return '\n'.join(rows)


def test_times_are_those_of_the_configs():
    """After a change: copy what this asserts into the page."""
    assert f'<!-- costs -->\n{costs()}\n<!-- end -->' in text_of('tools/README.md')
