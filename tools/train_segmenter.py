"""Trains SMANet on real pairs, on synthetic pairs, or fine-tunes it. Repeat it to continue."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/train_segmenter.py --config pipelines/configs/demo.yaml \\\n'
        '      --workdir runs/demo --regime real\n'
        '  ... --regime synth3        # needs generate_samples.py --method three\n'
        '  ... --regime finetune3     # needs --regime synth3')
    common.add_config_options(options)
    common.add_regime_option(options, required=True)
    arguments = options.parse_args()

    from pipelines import experiment, methods
    config = common.load_config(arguments)
    regime = methods.parse_regime(arguments.regime)
    if common.dry_run(arguments, config, [regime]):
        return
    common.setup_tensorflow(config.strategy)
    workdir = experiment.open_workdir(config, arguments.workdir)
    experiment.train_segmenter(config, regime, workdir)
    print(f'trained: {workdir / "segmenters" / regime.name}')


if __name__ == '__main__':
    common.run(main)
