"""Scores an exported segmenter on records: J and DSC (pooled and per image, per cent), HD95, ASSD (mm)."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/evaluate_segmenter.py --model runs/demo/exports/finetune3-smanet-0/1 \\\n'
        '      --records runs/demo/records/test --output finetune3.json --overlays finetune3.png')
    common.add_model_option(options)
    options.add_argument('--records', required=True, metavar='DIR', help='WORKDIR/records/test of a '
                         'run, or from prepare_records.py')
    options.add_argument('--output', required=True, type=common.some_path, metavar='FILE.json',
                         help='the scores, and of each image what they follow from; '
                         'replaced')
    options.add_argument('--overlays', metavar='FILE.png',
                         help='also draw image, target and prediction, worst to best')
    arguments = options.parse_args()
    common.check_parent('--output', arguments.output)
    if arguments.overlays:
        common.check_parent('--overlays', arguments.overlays)

    common.setup_tensorflow()
    from pipelines.evaluation import evaluate
    scored = evaluate.evaluate(arguments.model, arguments.records, arguments.output,
                               arguments.overlays)
    organs = [*scored.targets.names, 'average']
    print(f'{"":20}' + ''.join(f'{organ:>14}' for organ in organs))
    for metric, of_organ in scored.scores.items():
        print(f'{metric:20}' + ''.join(f'{of_organ[organ][0]:14.2f}' if organ in of_organ
                                       else f'{"-":>14}' for organ in organs))
    print(f'{scored.info.count} images at {scored.info.size} px: {arguments.output}')


if __name__ == '__main__':
    common.run(main)
