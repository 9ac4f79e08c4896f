"""Completes a folder of records whose shards several workers wrote, and checks it."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__ + '\n\nWorkers that share a folder need it not: the one that ends last does the '
        'same. It is for shards\nfrom several machines, copied into one folder with the files '
        'beside them and recipe.json.',
        '  python tools/merge_records.py --records runs/demo/synthetic/three')
    options.add_argument('--records', required=True, type=common.some_path, metavar='DIR', help='the folder of shards')
    arguments = options.parse_args()

    common.setup_tensorflow()
    from datasets import writing
    from pipelines.plan import methods
    from pipelines.synthesis import generate
    info = writing.merge(arguments.records)
    if info.split == 'synthetic':
        generate.write_sheet(info, methods.parse_method(info.made['method']),
                             info.directory / 'samples.png')
    print(f'{info.count} records of {len(info.ids)} sources in {len(info.shards)} shards, every one '
          f'as its worker wrote it: {info.directory}')


if __name__ == '__main__':
    common.run(main)
