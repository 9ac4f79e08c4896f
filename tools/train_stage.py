"""Trains one GAN stage of a method, or a translator. Repeat the command to continue an interrupted training."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/train_stage.py --config pipelines/configs/demo.yaml --workdir runs/demo \\\n'
        '      --method three --stage dots      # then: --stage labels, --stage image\n'
        '  python tools/train_stage.py --config pipelines/configs/demo.yaml --workdir runs/transfer \\\n'
        '      --set sources.target.draw=1 --translator munit')
    common.add_config_options(options)
    common.add_method_option(options, required=False)
    options.add_argument('--stage', metavar='S',
                         help='single: pair; two: labels, image; three: dots, labels, image')
    options.add_argument('--translator', metavar='T', help='in the place of --method and --stage: cyclegan, unit or '
                         'munit, from the data set that the config\'s sources call target to that of data')
    arguments = options.parse_args()
    both = arguments.method, arguments.stage
    if any(both) if arguments.translator else not all(both):
        raise InputError(f'--method, --stage: expected both, or --translator alone, found --method {arguments.method}, '
                         f'--stage {arguments.stage}, --translator {arguments.translator}')

    from pipelines.plan import matrix
    config = common.load_arm_config(arguments)
    stage, runs = (_translator if arguments.translator else _stage)(arguments, config)
    arms = [matrix.arm_of(config, runs)]
    if common.dry_run(arguments, arms, stage if arguments.translator else None):
        return
    common.setup_tensorflow(config.strategy)
    from pipelines.experiment import steps
    workdir = common.open_workdir(arguments, config, arms, [f'stages/{stage.folder}'])
    steps.train_stage(config, stage, workdir)
    folder = workdir / 'stages' / stage.folder
    print(f'trained: {folder}; sample sheets in {folder / "samples"}')


def _stage(arguments, config) -> tuple:
    """The stage of a method that is asked for, and the run for which it is trained."""
    from pipelines.plan import methods, regimes
    method = methods.parse_method(arguments.method)
    return methods.parse_stage(method, arguments.stage), [regimes.Run(regimes.synth_regime(method))]


def _translator(arguments, config) -> tuple:
    """The translator that is asked for, checked; it is trained for no run of its own."""
    from pipelines.plan import checks, loading, translators
    stage = translators.parse_translator(arguments.translator)
    checks.check_translator(config, stage, loading.stage_settings(config, stage), arguments.config)
    return stage, []


if __name__ == '__main__':
    common.run(main)
