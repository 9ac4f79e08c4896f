"""One text in two forms: HTML in a single file, and Markdown with its pictures beside it.

A document is a list of blocks; every block knows both forms. The HTML loads nothing, runs nothing
and wraps on a phone: wide tables and figures scroll inside their own box, which shows that it does. On paper
nothing scrolls, so there everything shrinks. The first section stands before the contents: it is what a
reader came for.
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
  background: #fff; max-width: 72rem; margin: 0 auto; padding: 1rem 1rem 4rem;
  overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: .4rem 0; }
h2 { font-size: 1.3rem; margin-top: 2.5rem; padding-top: .6rem; border-top: 1px solid #d5dbe3; }
h1 + h2 { margin-top: .5rem; }
h3 { font-size: 1.05rem; margin-top: 1.8rem; }
p, li, figcaption { max-width: 52rem; }
nav ol { padding-left: 1.4rem; columns: 16rem; }
a { color: #0b5cad; }
summary { cursor: pointer; color: #0b5cad; margin: .5rem 0; }
.answer { border-left: 4px solid #0072b2; padding-left: .8rem; margin: .8rem 0; }
.answer b { display: block; }
.scroll { overflow-x: auto; scrollbar-width: thin; scrollbar-color: #8895a5 #e6eaef; background:
  linear-gradient(to right, #fff 40%, #fff0) left / 3rem 100% no-repeat local,
  linear-gradient(to left, #fff 40%, #fff0) right / 3rem 100% no-repeat local,
  linear-gradient(to right, #1b233055, #1b233000) left / .9rem 100% no-repeat scroll,
  linear-gradient(to left, #1b233055, #1b233000) right / .9rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid #e3e8ee; vertical-align: top; }
table.scores td { white-space: nowrap; }
table.scores th, table.scores td:first-child { white-space: normal; min-width: 4.2rem; }
th { border-bottom: 2px solid #9aa7b5; }
.notes { font-size: .85rem; color: #465364; padding-left: 1.2rem; }
figure { margin: 1.2rem 0; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { font-size: .88rem; color: #465364; margin-top: .4rem; }
pre { background: #f4f6f9; padding: .8rem; overflow-x: auto; font-size: .82rem; line-height: 1.4; }
.missing { color: #6a4300; background: #fff5e0; padding: .35rem .7rem; border-left: 3px solid
  #d9951a; }
@media (max-width: 45rem) { figure.wide img { max-width: none; } body { padding: .6rem .6rem 3rem; } }
@media print {
  @page { margin: 12mm; }
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  nav { display: none; }
  .scroll { overflow: visible; background: none; }
  table { width: 100%; font-size: 7pt; }
  table.scores td, table.scores th { white-space: normal; min-width: 0; }
  th, td { padding: .12rem .2rem; }
  tr, figure, .answer { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  figure img, figure.wide img { max-width: 100%; max-height: 22cm; }
  pre { white-space: pre-wrap; font-size: 7pt; }
}
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


def answer(question: str, verdict: str, text: str) -> Block:
    """A question, what is answered in few words, and the figures."""
    told = [html.escape(words) for words in (question, verdict, text)]
    return Block('<p class="answer"><b>{}</b> <strong>{}</strong> {}</p>'.format(*told),
                 f'**{question}** *{verdict}* {text}')


def figure(name: str, png: bytes, caption: str, wide: bool = False, scale: int = 1) -> Block:
    """A picture, never larger than its own pixels.

    Args:
      wide: whether it keeps its size on a phone and scrolls there; else it shrinks.
      scale: its pixels for one of the page.
    """
    name = re.sub('[^A-Za-z0-9_-]+', '-', name)  # it becomes a file name
    text = html.escape(caption, quote=True)
    data = base64.b64encode(png).decode()
    width = f' width="{_width(png) // scale}"' if _width(png) else ''
    return Block(f'<figure{_class("wide" if wide else "")}><div class="scroll">'
                 f'<img alt="{text}"{width} src="data:image/png;base64,{data}"></div>'
                 f'<figcaption>{text}</figcaption></figure>',
                 f'![{caption}]({FILES}/{name}.png)\n\n*{caption}*', {f'{name}.png': png})


def _width(png: bytes) -> int:
    """Of a PNG, from its first chunk; 0 of anything else."""
    return int.from_bytes(png[16:20], 'big') if png[:4] == b'\x89PNG' else 0


def write(directory: pathlib.Path, title: str,
          sections: Dict[str, Sequence[Block]]) -> pathlib.Path:
    """Writes report.html, report.md and report_files/ into `directory`; returns the HTML's path."""
    parts = [[heading(2, name), *content] for name, content in sections.items()]
    blocks = [block for part in parts for block in part]
    contents = ''.join(f'<li><a href="#{_anchor(name)}">{html.escape(name)}</a></li>'
                       for name in sections)
    head = heading(1, title)
    first, *others = [''.join(f'{block.html}\n' for block in part) for part in parts]
    page = (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n'
            f'{head.html}\n{first}<nav><h2>Further in this report</h2><ol>{contents}</ol></nav>\n'
            + ''.join(others) + '</body></html>\n')
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
