"""Scores an exported segmenter on records: J and DSC (pooled and per image, per cent), HD95, ASSD (mm)."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common


def _targets(words):
    """['lungs=left_lung,right_lung'] -> {'lungs': ['left_lung', 'right_lung']}; None of none."""
    chosen = {}
    for word in words or ():
        name, _, organs = word.partition('=')
        if not name or not all(organs.split(',')) or name in chosen:
            raise InputError(f'--targets {word}: expected different classes, each as CLASS=ORGAN,ORGAN')
        chosen[name] = organs.split(',')
    return chosen or None


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/evaluate_segmenter.py --model runs/demo/exports/finetune3-smanet-0/1 \\\n'
        '      --records runs/demo/records/test --output finetune3.json --overlays finetune3.png\n'
        '  # at another hospital, where somebody drew the lungs alone: both as one class\n'
        '  python tools/prepare_records.py --dataset shenzhen --source /data/shenzhen --split all \\\n'
        '      --size 512 --output records/shenzhen\n'
        '  python tools/evaluate_segmenter.py --model runs/smanet/1 --records records/shenzhen \\\n'
        '      --targets lungs=left_lung,right_lung --output shenzhen.json')
    common.add_model_option(options)
    options.add_argument('--records', required=True, metavar='DIR', help='WORKDIR/records/test of a '
                         'run, or from prepare_records.py')
    options.add_argument('--targets', nargs='+', metavar='CLASS=ORGAN,...', help='the classes to score, each made of '
                         'organs that the model finds and the records show, for example '
                         'lungs=left_lung,right_lung; default: the classes of the model that the records show')
    options.add_argument('--output', required=True, type=common.some_path, metavar='FILE.json',
                         help='the scores, and of each image what they follow from; '
                         'replaced')
    options.add_argument('--overlays', metavar='FILE.png',
                         help='also draw image, target and prediction, worst to best')
    arguments = options.parse_args()
    chosen = _targets(arguments.targets)
    common.check_parent('--output', arguments.output)
    if arguments.overlays:
        common.check_parent('--overlays', arguments.overlays)

    common.setup_tensorflow()
    from pipelines.evaluation import evaluate
    scored = evaluate.evaluate(arguments.model, arguments.records, arguments.output,
                               arguments.overlays, chosen)
    if scored.left_out:
        print(f'note: these records do not show, or nobody asked for: {", ".join(scored.left_out)}')
    organs = [*scored.targets.names, 'average']
    print(f'{"":20}' + ''.join(f'{organ:>14}' for organ in organs))
    for metric, of_organ in scored.scores.items():
        print(f'{metric:20}' + ''.join(f'{of_organ[organ][0]:14.2f}' if organ in of_organ
                                       else f'{"-":>14}' for organ in organs))
    print(f'{scored.info.count} images at {scored.info.size} px: {arguments.output}')


if __name__ == '__main__':
    common.run(main)
