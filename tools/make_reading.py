"""Lays out a blinded reading of target against prediction as an HTML page, and keeps its key."""
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common, finding


def main() -> None:
    options = common.parser(
        __doc__,
        '  # as many difficult images as the paper\'s physicians read\n'
        '  python tools/make_reading.py --model runs/full/exports/finetune3-smanet-0/1 \\\n'
        '      --records runs/full/records/test --count 20 --hardest --output reading\n'
        '  # send reading/reading.html to the readers, keep reading/key.json, and when their\n'
        '  # answers are back: python tools/tabulate_reading.py')
    finding.add_finder_options(options)
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR', help='a new folder')
    options.add_argument('--count', type=common.positive, metavar='N',
                         help='so many of the images, at random; default: all')
    options.add_argument('--hardest', action='store_true', help='the N images with the lowest '
                         'average J instead, as in the paper')
    options.add_argument('--seed', type=common.natural, metavar='N', help='of sides and order, to '
                         'make the same page again; default: a secret one, kept in key.json. With '
                         'the names of the images it gives the key away: readers must not know it')
    arguments = options.parse_args()
    seed = secrets.randbelow(2 ** 31) if arguments.seed is None else arguments.seed

    common.setup_tensorflow()
    from pipelines.reading import layout
    key = layout.make_reading(finding.finder_of(arguments), arguments.output, seed, arguments.count, arguments.hardest)
    output = Path(arguments.output)
    print(f'reading {key["reading"]}, {len(key["pairs"])} pairs (images: {key["chosen"]})\n'
          f'for readers:     {output / layout.PAGE} (holds the pictures: mind their terms)\n'
          f'NOT for readers: {output / layout.KEY} (says which side is the prediction)')


if __name__ == '__main__':
    common.run(main)
