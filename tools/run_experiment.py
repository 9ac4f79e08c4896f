"""All of it: records, GAN stages, samples, segmenters, scores, report. Repeat it to continue."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/run_experiment.py --config pipelines/configs/demo.yaml --workdir runs/demo\n'
        '  python tools/run_experiment.py --config pipelines/configs/jsrt_tiny_cpu.yaml \\\n'
        '      --set data.source=/data/jsrt-scr --workdir runs/tiny --regimes real synth3 finetune3')
    common.add_config_options(options)
    options.add_argument('--regimes', nargs='+', metavar='R', help='only these: real, synth1..3, '
                         'finetune1..3 (each FINETUNE brings its SYNTH), mixed1..3; with a matrix, of its '
                         'regimes')
    options.add_argument('--arms', nargs='+', metavar='A', help='only these folders of the matrix, '
                         'such as tiny-draw0; --dry-run lists them. Different arms may run side by '
                         'side; of those that share a GAN stage the first has to train it')
    options.add_argument('--segmenters', nargs='+', metavar='S', help='networks (models/README.md) or '
                         'names in the config\'s segmenters; with a matrix, of its segmenters')
    options.add_argument('--seeds', nargs='+', type=common.natural, metavar='N',
                         help='only these seeds of the segmenters, of those in the matrix')
    options.add_argument('--stages-from', type=common.some_path, metavar='DIR', help='the workdir of another experiment: its '
                         'trained GAN stages are taken where settings and data are the same')
    arguments = options.parse_args()
    if arguments.stages_from and not Path(arguments.stages_from).is_dir():
        options.error(f'--stages-from {arguments.stages_from}: expected the workdir of an experiment, '
                      f'found no folder')

    from pipelines.experiment import status
    from pipelines.plan import matrix
    config = common.load_config(arguments)
    if arguments.regimes and not config.matrix:  # any regime, not only those of the config
        arguments.overrides.append(f'regimes=[{", ".join(arguments.regimes)}]')
        config = common.load_config(arguments)
    for name in () if config.matrix else arguments.segmenters or ():
        common.check_segmenter(arguments, config, name)
    arms = matrix.selected(matrix.arms_of(config, arguments.segmenters), arguments.arms, arguments.regimes,
                           arguments.segmenters, arguments.seeds)
    if common.dry_run(arguments, arms):
        return
    workdir = common.open_workdir(arguments, config, arms)
    if status.is_done(workdir, arms):
        print('done: nothing is left to do')
    else:
        common.setup_tensorflow(config.strategy)
        from pipelines.experiment.run import run_experiment
        run_experiment(config, workdir, arms, stages_from=arguments.stages_from)
    print(f'report: {workdir / "report.html"}')


if __name__ == '__main__':
    common.run(main)
