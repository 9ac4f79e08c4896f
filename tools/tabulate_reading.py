"""Unblinds the answers to a reading and tabulates them: preferences, tests, agreement, comments."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  # one file of answers per reader\n'
        '  python tools/tabulate_reading.py --key reading/key.json \\\n'
        '      --answers answers_rossi.json answers_bianchi.json --output reading/result')
    options.add_argument('--key', required=True, type=common.some_path, metavar='FILE', help='from make_reading.py')
    options.add_argument('--answers', required=True, nargs='+', type=common.some_path, metavar='FILE',
                         help='the answers.json that the page let each reader download')
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR',
                         help='for reading.md and reading.csv, which are replaced')
    arguments = options.parse_args()

    from pipelines.reading import unblinding
    unblinded = unblinding.tabulate(arguments.key, arguments.answers)
    unblinding.write(arguments.output, unblinded)
    print(unblinding.to_text(unblinded))
    answered = sum(row.preferred != '' for row in unblinded.rows)
    print(f'{answered} of {len(unblinded.rows)} answered: '
          f'{Path(arguments.output) / "reading.md"}, reading.csv')


if __name__ == '__main__':
    common.run(main)
