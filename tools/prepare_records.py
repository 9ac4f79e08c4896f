"""Reads a data set, checks it, augments it and writes TFRecord shards with dataset_info.json."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  # the learning fold of JSRT + SCR, each image and its five variants, for the GANs\n'
        '  python tools/prepare_records.py --dataset jsrt --source /data/jsrt-scr --split train \\\n'
        '      --size 1024 --augment 6 --output runs/records/train\n'
        '  # your own images/*.png, masks/<organ>/*.png and coding.yaml\n'
        '  python tools/prepare_records.py --dataset folder --source /data/mine --split test \\\n'
        '      --size 512 --output runs/records/test')
    options.add_argument('--dataset', required=True, choices=['phantom', 'jsrt', 'folder'])
    options.add_argument('--source', metavar='DIR', help='folder of the data set (not for phantom)')
    options.add_argument('--split', required=True, choices=['train', 'test'])
    options.add_argument('--ids', metavar='FILE', help='only these images: one id a line')
    options.add_argument('--size', type=common.positive, required=True, metavar='N',
                         help='side of the records, px')
    options.add_argument('--augment', type=common.positive, default=1, metavar='K',
                         help='versions of each image: 1 = itself (default), 6 = with the paper\'s '
                         'five variants')
    options.add_argument('--noise', choices=['variance', 'std'], default='variance',
                         help='what the paper\'s "variance between 0.01 and 0.03 x 255" is')
    options.add_argument('--count', type=common.positive, metavar='N',
                         help='phantom: how many chests to draw')
    options.add_argument('--seed', type=int, default=0)
    options.add_argument('--output', required=True, metavar='DIR', help='a new folder')
    common.add_part_options(options)
    arguments = options.parse_args()

    from datasets.splits import read_ids
    from pipelines import prepare
    from pipelines.config import Data
    common.setup_tensorflow()
    ids = read_ids(arguments.ids) if arguments.ids else None
    dataset = prepare.open_dataset(arguments.dataset, arguments.source, arguments.split, ids,
                                   arguments.count, arguments.size, arguments.seed)
    part = common.part_of(arguments)
    info = prepare.write_records(
        dataset, arguments.output, arguments.split, arguments.size, arguments.augment,
        arguments.seed, Data(arguments.dataset, noise=arguments.noise), part)
    if info is None:
        print(f'worker {part.index} of {part.workers} is done; shards of others are still missing')
        return
    print(f'{info.count} records of {len(info.ids)} images in {len(info.shards)} shards: '
          f'{arguments.output}')


if __name__ == '__main__':
    common.run(main)
