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
    options.add_argument('--regimes', nargs='+', metavar='R', help='real, synth1..3, finetune1..3; '
                         'default: those of the config')
    arguments = options.parse_args()

    from pipelines import experiment
    config = common.load_config(arguments)
    regimes = experiment.with_prerequisites(arguments.regimes or config.regimes)
    if common.dry_run(arguments, config, regimes):
        return
    workdir = experiment.open_workdir(config, arguments.workdir)
    if experiment.is_done(workdir, regimes):
        print('done: nothing is left to do')
    else:
        common.setup_tensorflow(config.strategy)
        experiment.run(config, workdir, regimes)
    print(f'results: {workdir / "results.jsonl"}\nreport:  {workdir / "report.html"}')


if __name__ == '__main__':
    common.run(main)
