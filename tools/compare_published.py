"""Prints the papers' tables with our measured numbers beside the published ones.

Tables 1, 2 and 3 of Ciano et al. 2021; of what was tested in folds, Table I of Oliveira and dos Santos 2018; of real
and synthetic pairs together, Tables 1 and 2 of DF-GAN.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common

EXAMPLES = """\
  what a run scored, beside the paper
    python tools/compare_published.py --results runs/tiny
  the same, and as Markdown for a README
    python tools/compare_published.py --results runs/tiny --markdown tables.md
"""


def main() -> None:
    options = common.parser(__doc__, EXAMPLES)
    options.add_argument('--results', required=True, type=common.some_path, metavar='PATH',
                         help='the workdir of an experiment, or one results.jsonl')
    options.add_argument('--markdown', type=common.some_path, metavar='FILE', help='also write the tables here')
    arguments = options.parse_args()

    from pipelines.report import protocols, published
    from pipelines.scores import results, runs, table
    rows, missing = runs.joined(results.collect(arguments.results))
    scores = results.score_rows(rows)
    foreign = published.foreign(scores)
    if len(foreign) == len(scores):
        raise InputError(f'--results {arguments.results}: expected scores on JSRT with SCR, of which numbers are '
                         f'published, or of MIXED D or MIXED P, found {protocols.said(foreign, "dataset")}; your own '
                         f'tables are in report.md: tools/write_report.py')
    made = published.tables(scores)
    print(table.to_text(made))
    if foreign:
        print(f'left out, for nothing is published on it: {protocols.said(foreign, "dataset")}')
    for words in missing:
        print(f'left out, for folds are missing: {words}')
    if arguments.markdown:
        try:
            Path(arguments.markdown).write_text(table.to_markdown(made), encoding='utf-8')
        except OSError as error:
            raise InputError(f'--markdown {arguments.markdown}: expected a file that can be '
                             f'written ({error.strerror}); choose another path') from error


if __name__ == '__main__':
    common.run(main)
