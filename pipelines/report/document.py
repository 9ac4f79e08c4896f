"""One text in two forms: HTML in a single file, and Markdown with its pictures beside it.

A document is a list of blocks; every block knows both forms. The HTML loads nothing, runs nothing
and wraps on a phone: wide tables and figures scroll inside their own box.
"""
from __future__ import annotations

import base64
import html
import pathlib
import re
from typing import Dict, NamedTuple, Sequence

from pipelines.scores.table import Table, to_markdown

FILES = 'report_files'

STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1b2330;
  background: #fff; max-width: 62rem; margin: 0 auto; padding: 1rem 1rem 4rem;
  overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin-top: 2.5rem; padding-top: .6rem; border-top: 1px solid #d5dbe3; }
h3 { font-size: 1.05rem; margin-top: 1.8rem; }
nav ol { padding-left: 1.4rem; columns: 16rem; }
a { color: #0b5cad; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid #e3e8ee; }
table.scores th, table.scores td { white-space: nowrap; }
th { border-bottom: 2px solid #9aa7b5; }
.notes { font-size: .85rem; color: #465364; padding-left: 1.2rem; }
figure { margin: 1.2rem 0; }
figure img { display: block; max-width: 100%; height: auto; }
figure.wide img { max-width: none; width: 100%; min-width: 40rem; }
figcaption { font-size: .88rem; color: #465364; margin-top: .4rem; }
pre { background: #f4f6f9; padding: .8rem; overflow-x: auto; font-size: .82rem; line-height: 1.4; }
.missing { color: #6a4300; background: #fff5e0; padding: .35rem .7rem; border-left: 3px solid
  #d9951a; }
"""


class Block(NamedTuple):
    """A piece of a document: its HTML, its Markdown, and the files that the Markdown points to."""
    html: str
    markdown: str
    files: Dict[str, bytes] = {}


def heading(level: int, text: str) -> Block:
    """A heading; those of level 2 are what the contents point to."""
    anchor = f' id="{_anchor(text)}"' if level == 2 else ''
    return Block(f'<h{level}{anchor}>{html.escape(text)}</h{level}>',
                 f'{"#" * level} {text}')


def paragraph(text: str) -> Block:
    """Plain text."""
    return Block(f'<p>{html.escape(text)}</p>', text)


def missing(text: str) -> Block:
    """One line on what is not there."""
    return Block(f'<p class="missing">{html.escape(text)}</p>', f'> {text}')


def code(text: str) -> Block:
    """Text as it stands, in the type of code."""
    text = text.rstrip('\n')
    longest = max((len(run) for run in re.findall('`+', text)), default=0)
    fence = '`' * max(3, longest + 1)
    return Block(f'<pre>{html.escape(text)}</pre>', f'{fence}\n{text}\n{fence}')


def folded(title: str, blocks: Sequence[Block], is_open: bool = False) -> Block:
    """Blocks behind a title that opens and closes them; in Markdown they stand below it."""
    inside = ''.join(block.html for block in blocks)
    files = {name: data for block in blocks for name, data in block.files.items()}
    return Block(f'<details{" open" * is_open}><summary>{html.escape(title)}</summary>{inside}</details>',
                 '\n\n'.join([f'**{title}**', *[block.markdown for block in blocks]]), files)


def listing(items: Sequence[str], css: str = '') -> Block:
    """A list of plain texts."""
    marks = ''.join(f'<li>{html.escape(item)}</li>' for item in items)
    return Block(f'<ul{_class(css)}>{marks}</ul>', '\n'.join(f'- {item}' for item in items))


def table(content: Table, css: str = '') -> Block:
    """A table with its title above (none if empty) and its notes below."""
    def row(tag, cells):
        return '<tr>' + ''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells) + '</tr>'

    notes = listing(content.notes, css='notes') if content.notes else Block('', '')
    title = heading(3, content.title) if content.title else Block('', '')
    body = ''.join(row('td', cells) for cells in content.rows)
    return Block(f'{title.html}<div class="scroll"><table{_class(css)}><thead>'
                 f'{row("th", content.header)}</thead><tbody>{body}</tbody></table></div>'
                 f'{notes.html}', to_markdown([content]).rstrip('\n'))


def figure(name: str, png: bytes, caption: str, wide: bool = False) -> Block:
    """A picture; a wide one keeps its text legible on a phone and scrolls."""
    name = re.sub('[^A-Za-z0-9_-]+', '-', name)  # it becomes a file name
    text = html.escape(caption, quote=True)
    data = base64.b64encode(png).decode()
    return Block(f'<figure{_class("wide" if wide else "")}><div class="scroll">'
                 f'<img alt="{text}" src="data:image/png;base64,{data}"></div>'
                 f'<figcaption>{text}</figcaption></figure>',
                 f'![{caption}]({FILES}/{name}.png)\n\n*{caption}*', {f'{name}.png': png})


def write(directory: pathlib.Path, title: str,
          sections: Dict[str, Sequence[Block]]) -> pathlib.Path:
    """Writes report.html, report.md and report_files/ into `directory`; returns the HTML's path."""
    blocks = [block for name, content in sections.items()
              for block in (heading(2, name), *content)]
    contents = ''.join(f'<li><a href="#{_anchor(name)}">{html.escape(name)}</a></li>'
                       for name in sections)
    head = heading(1, title)
    page = (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n'
            f'{head.html}\n<nav><ol>{contents}</ol></nav>\n'
            + '\n'.join(block.html for block in blocks) + '\n</body></html>\n')
    markdown = '\n\n'.join(block.markdown for block in [head, *blocks]) + '\n'
    (directory / FILES).mkdir(exist_ok=True)
    for block in blocks:
        for name, data in block.files.items():
            (directory / FILES / name).write_bytes(data)
    (directory / 'report.md').write_text(markdown, encoding='utf-8')
    path = directory / 'report.html'
    path.write_text(page, encoding='utf-8')
    return path


def _anchor(text: str) -> str:
    return re.sub('[^a-z0-9]+', '-', text.lower()).strip('-')


def _class(css: str) -> str:
    return f' class="{css}"' if css else ''
