"""Scores an exported segmenter, or label maps of any other program, on records.

J and DSC (pooled and per image, per cent), HD95 and ASSD (mm). With --workdir the predictions of another program stand
beside an experiment's own networks in its results, statistics and report.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common, finding


def _targets(words):
    """['lungs=left_lung,right_lung'] -> {'lungs': ['left_lung', 'right_lung']}; None of none."""
    chosen = {}
    for word in words or ():
        name, _, organs = word.partition('=')
        if not name or not all(organs.split(',')) or name in chosen:
            raise InputError(f'--targets {word}: expected different classes, each as CLASS=ORGAN,ORGAN')
        chosen[name] = organs.split(',')
    return chosen or None


def line_like(arguments):
    """The line of --workdir beside which the predictions are to stand; InputError where there is none."""
    if not (arguments.predictions and arguments.name and arguments.regime):
        raise InputError('--workdir: expected --predictions of another program, its --name and its --regime beside it; '
                         'networks of this program are trained and scored by run_experiment.py')
    place = Path(arguments.records).resolve()
    if place.parent != Path(arguments.workdir).resolve() / 'records':
        raise InputError(f'--records {arguments.records}: expected those of --workdir, {arguments.workdir}/records/test')
    from pipelines.experiment import foreign
    from pipelines.plan.regimes import check_pairs, parse_regime
    check_pairs(parse_regime(arguments.regime), arguments.num_synthetic)
    return foreign.line_like(arguments.workdir, place.name, arguments.name, arguments.regime)


def parsed():
    """The arguments, none of which nobody would read."""
    options = common.parser(
        __doc__,
        '  python tools/evaluate_segmenter.py --model runs/demo/exports/finetune3-smanet-0/1 \\\n'
        '      --records runs/demo/records/test --output finetune3.json --overlays finetune3.png\n'
        '  # at another hospital, where somebody drew the lungs alone: both as one class\n'
        '  python tools/prepare_records.py --dataset shenzhen --source /data/shenzhen --split all \\\n'
        '      --size 512 --output records/shenzhen\n'
        '  python tools/evaluate_segmenter.py --model runs/smanet/1 --records records/shenzhen \\\n'
        '      --targets lungs=left_lung,right_lung --output shenzhen.json\n'
        '  # what nnU-Net predicted, as REAL of a network `nnunet` in the report of runs/demo\n'
        '  python tools/evaluate_segmenter.py --predictions nnunet_out --records runs/demo/records/test \\\n'
        '      --output nnunet.json --workdir runs/demo --name nnunet --regime real')
    finding.add_finder_options(options)
    options.add_argument('--targets', nargs='+', metavar='CLASS=ORGAN,...', help='the classes to score, each made of '
                         'organs that the model finds and the records show, for example '
                         'lungs=left_lung,right_lung; default: the classes of the model that the records show')
    options.add_argument('--output', required=True, type=common.some_path, metavar='FILE.json',
                         help='the scores, and of each image what they follow from; '
                         'replaced')
    options.add_argument('--overlays', type=common.some_path, metavar='FILE.png',
                         help='also draw image, target and prediction, worst to best')
    options.add_argument('--workdir', type=common.some_path, metavar='DIR', help='also as a line of the results of this experiment (or arm), '
                         'whose --records these are, and in its report; of --predictions')
    options.add_argument('--name', metavar='N', help='with --workdir: the network in tables, such as nnunet')
    options.add_argument('--regime', metavar='R', help='with --workdir: what it learned from: real, synth1..3, '
                         'finetune1..3, ...')
    options.add_argument('--seed', type=common.natural, default=0, metavar='N', help='of its training (default 0)')
    options.add_argument('--num-synthetic', type=common.positive, metavar='N', help='with --workdir: how many synthetic '
                         'pairs it learned from; default: as many as the networks of that regime there')
    arguments = options.parse_args()
    if not arguments.workdir:
        common.refuse_given(options, arguments, ('name', 'regime', 'seed', 'num_synthetic'), 'with --workdir alone')
    return arguments


def main() -> None:
    arguments = parsed()
    chosen, like = _targets(arguments.targets), None
    if arguments.workdir:
        like = line_like(arguments)
    common.check_parent('--output', arguments.output)
    if arguments.overlays:
        common.check_parent('--overlays', arguments.overlays)
        if Path(arguments.overlays).resolve() == Path(arguments.output).resolve():
            raise InputError(f'--overlays {arguments.overlays}: expected another file than --output')

    common.setup_tensorflow()
    from pipelines.evaluation import evaluate
    scored = evaluate.evaluate(finding.finder_of(arguments, chosen), arguments.output, arguments.overlays)
    if scored.left_out:
        print(f'note: these records do not show, or nobody asked for: {", ".join(scored.left_out)}')
    organs = [*scored.targets.names, 'average']
    print(f'{"":20}' + ''.join(f'{organ:>14}' for organ in organs))
    for metric, of_organ in scored.scores.items():
        print(f'{metric:20}' + ''.join(f'{of_organ[organ][0]:14.2f}' if organ in of_organ
                                       else f'{"-":>14}' for organ in organs))
    print(f'{scored.info.count} images at {scored.info.size} px: {arguments.output}')
    if like:
        from datasets.files import read_json
        from pipelines.experiment import foreign
        row = foreign.row_of(like, read_json(arguments.output), arguments.name, arguments.regime, arguments.seed,
                             arguments.num_synthetic)
        print(f'report: {foreign.add(arguments.workdir, row)}')


if __name__ == '__main__':
    common.run(main)
