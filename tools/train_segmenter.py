"""Trains a segmenter on real or synthetic pairs, or fine-tunes it. Repeat it to continue."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/train_segmenter.py --config pipelines/configs/demo.yaml \\\n'
        '      --workdir runs/demo --regime real\n'
        '  ... --regime synth3        # needs generate_samples.py --method three\n'
        '  ... --regime finetune3     # needs --regime synth3\n'
        '  ... --regime real --segmenter unet --seed 1\n'
        '  ... --regime munit --labelled 5   # needs --regime real and train_stage.py --translator munit')
    common.add_config_options(options)
    common.add_run_options(options, required=True)
    arguments = options.parse_args()

    from pipelines.plan import matrix
    config = common.load_arm_config(arguments)
    run = common.run_of(arguments, config)
    if run.trained != run:
        raise InputError(f'--regime {run.regime.name}: nothing is trained for it, its segmenter is that of --regime '
                         f'{run.trained.regime.name}; train that, and export this with tools/export_model.py')
    arms = [matrix.arm_of(config, [run])]
    if common.dry_run(arguments, arms):
        return
    common.setup_tensorflow(config.strategy)
    from pipelines.experiment import steps
    workdir = common.open_workdir(arguments, config, arms, [f'segmenters/{run.name}'])
    steps.train_segmenter(config, run, workdir)
    print(f'trained: {workdir / "segmenters" / run.name}')


if __name__ == '__main__':
    common.run(main)
