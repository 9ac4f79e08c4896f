"""Reads a data set, checks it, augments it and writes TFRecord shards with dataset_info.json.

For evaluate_segmenter.py and make_reading.py, and to see whether a data set is read as meant. The
trainings do not need it: they read WORKDIR/records, which they make themselves from the config.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def parsed():
    """The arguments."""
    options = common.parser(
        __doc__,
        '  # your own images/*.png, masks/<organ>/*.png and coding.yaml, to score a model on\n'
        '  python tools/prepare_records.py --dataset folder --source /data/mine --split test \\\n'
        '      --size 512 --output records/mine\n'
        '  python tools/evaluate_segmenter.py --model runs/smanet/1 --records records/mine \\\n'
        '      --output mine.json\n'
        '  # whether JSRT + SCR is read as meant, with the five variants of each image\n'
        '  python tools/prepare_records.py --dataset jsrt --source /data/jsrt-scr --split train \\\n'
        '      --size 256 --augment 6 --output records/look')
    options.add_argument('--dataset', required=True, metavar='D',
                         help='phantom: chests drawn from --seed; jsrt: JSRT radiographs with SCR '
                         'masks; folder: your own, laid out as datasets/readers/folder.py says')
    options.add_argument('--source', metavar='DIR', help='folder of the data set (not for phantom)')
    options.add_argument('--split', required=True, choices=['train', 'test', 'all'],
                         help='jsrt: the fold of odd numbers (train) or of even ones; folder: the '
                         'ids in train.txt or test.txt; all: both')
    options.add_argument('--ids', metavar='FILE', help='only these images: one id a line')
    options.add_argument('--channels', type=int, choices=[1, 3], default=1, metavar='C',
                         help='of the pictures: 1 = grey (default), 3 = colour')
    options.add_argument('--size', type=common.positive, required=True, metavar='N',
                         help='side of the records, px')
    options.add_argument('--augment', type=common.positive, default=1, metavar='K',
                         help='versions of each image: 1 = itself (default), 6 = with the paper\'s '
                         'five variants')
    options.add_argument('--noise', choices=['variance', 'std'], default='variance',
                         help='how to read the paper\'s noise of "variance between 0.01 and 0.03 '
                         'x 255" in the fifth variant: as its variance (default), or as its '
                         'standard deviation')
    options.add_argument('--count', type=common.positive, metavar='N',
                         help='phantom: how many chests to draw')
    options.add_argument('--seed', type=int, default=0, metavar='N',
                         help='of the augmentation, and of drawn phantoms (default 0)')
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR', help='a new folder')
    common.add_part_options(options)
    return options.parse_args()


def main() -> None:
    arguments = parsed()
    from datasets.readers import Request, open_dataset
    from datasets.splits import read_ids
    from pipelines.data import prepare
    from pipelines.plan.config import Data
    common.setup_tensorflow()
    ids = read_ids(arguments.ids) if arguments.ids else None
    dataset = open_dataset(arguments.dataset, Request(
        arguments.source, arguments.split, ids, arguments.channels, arguments.count, arguments.size,
        arguments.seed))
    part = common.part_of(arguments)
    info = prepare.write_records(
        dataset, arguments.output, arguments.split, arguments.size, arguments.augment,
        arguments.seed, Data(arguments.dataset, channels=arguments.channels, noise=arguments.noise), part)
    if info is None:
        print(f'worker {part.index} of {part.workers} is done; shards of others are still missing')
        return
    print(f'{info.count} records of {len(info.ids)} images in {len(info.shards)} shards: '
          f'{arguments.output}')


if __name__ == '__main__':
    common.run(main)
