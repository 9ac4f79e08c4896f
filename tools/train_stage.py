"""Trains one GAN stage of a method. Repeat the command to continue an interrupted training."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/train_stage.py --config pipelines/configs/demo.yaml --workdir runs/demo \\\n'
        '      --method three --stage dots      # then: --stage labels, --stage image')
    common.add_config_options(options)
    common.add_method_option(options)
    options.add_argument('--stage', required=True, metavar='S',
                         help='single: pair; two: labels, image; three: dots, labels, image')
    arguments = options.parse_args()

    from pipelines.plan import matrix, methods, regimes
    config = common.load_arm_config(arguments)
    method = methods.parse_method(arguments.method)
    stage = methods.parse_stage(method, arguments.stage)
    arms = [matrix.arm_of(config, [regimes.Run(regimes.synth_regime(method))])]
    if common.dry_run(arguments, arms):
        return
    common.setup_tensorflow(config.strategy)
    from pipelines.experiment import steps
    workdir = common.open_workdir(arguments, config, arms, [f'stages/{stage.folder}'])
    steps.train_stage(config, stage, workdir)
    folder = workdir / 'stages' / stage.folder
    print(f'trained: {folder}; sample sheets in {folder / "samples"}')


if __name__ == '__main__':
    common.run(main)
