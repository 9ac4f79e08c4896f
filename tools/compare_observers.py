"""Scores what a second observer drew against what the first drew, of the same pictures at their own size.

Prints the scores that evaluate_segmenter.py prints of a model, and DSC of each picture: what a segmenter is to be
measured by. AUC is missing, for an observer gives no probabilities.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def parsed():
    """The arguments."""
    options = common.parser(
        __doc__,
        '  python tools/compare_observers.py --reference chase_db1 --other chase_db1_second \\\n'
        '      --source /data/chase_db1 --split test')
    for name, words in (('reference', 'whose masks are taken for right'), ('other', 'whose masks are scored')):
        options.add_argument(f'--{name}', required=True, metavar='D', help=f'the data set {words}: a name as '
                             'prepare_records.py takes it')
    options.add_argument('--source', required=True, type=common.some_path, metavar='DIR', help='folder of both')
    options.add_argument('--split', choices=['train', 'test', 'all'], default='all',
                         help='which pictures (default all)')
    return options.parse_args()


def main() -> None:
    arguments = parsed()
    from datasets.readers import Request, open_dataset
    from pipelines.evaluation.observers import agreement
    asked = Request(arguments.source, arguments.split, channels=3)
    found = agreement(*(open_dataset(name, asked) for name in (arguments.reference, arguments.other)))
    for name, values in zip(found.names, found.dice):
        print(f'{name:24}DSC' + ''.join(f'{value:14.2f}' for value in values))
    print(f'{"":27}' + ''.join(f'{organ:>14}' for organ in found.organs))
    for metric, of_organ in found.scores.items():
        print(f'{metric:27}' + ''.join(f'{of_organ[organ][0]:14.2f}' if organ in of_organ else f'{"-":>14}'
                                       for organ in found.organs))
    print(f'{len(found.names)} pictures of {arguments.reference}, {arguments.other} against it')


if __name__ == '__main__':
    common.run(main)
