"""Exports a trained segmenter or GAN stage as a SavedModel that needs nothing but TensorFlow."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/export_model.py --config pipelines/configs/demo.yaml --workdir runs/demo \\\n'
        '      --regime finetune3 --output exports/smanet\n'
        '  python tools/export_model.py --config pipelines/configs/demo.yaml --workdir runs/demo \\\n'
        '      --method three --stage image --output exports/labels_to_image')
    common.add_config_options(options)
    common.add_run_options(options)
    common.add_method_option(options, required=False)
    options.add_argument('--stage', metavar='S', help='a stage of --method')
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR',
                         help='the model goes to DIR/1')
    arguments = options.parse_args()
    if bool(arguments.regime) == bool(arguments.method and arguments.stage):
        options.error('expected either --regime, or --method and --stage')

    from pipelines.plan import matrix, methods, regimes
    config = common.load_arm_config(arguments)
    if arguments.regime:
        run = common.run_of(arguments, config)
    else:
        method = methods.parse_method(arguments.method)
        stage = methods.parse_stage(method, arguments.stage)
        run = regimes.Run(regimes.synth_regime(method))
    arms = [matrix.arm_of(config, [run])]
    if common.dry_run(arguments, arms):
        return
    common.setup_tensorflow()
    from pipelines.report import cards
    from pipelines.serving import export
    name = f'segmenters/{run.trained.name}' if arguments.regime else f'stages/{stage.folder}'
    workdir = common.open_workdir(arguments, config, arms, [name])
    if arguments.regime:
        path = export.export_segmenter(config, run, workdir, arguments.output)
        card = cards.model_card(config, run, workdir)
    else:
        path = export.export_generator(config, method, stage, workdir, arguments.output)
        card = cards.generator_card(config, method, stage, workdir)
    cards.write(path / cards.CARD, card)
    print(f'SavedModel: {path}\nwhat it is, learned from and is not for: {path / cards.CARD}')


if __name__ == '__main__':
    common.run(main)
