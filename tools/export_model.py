"""Exports a trained segmenter or GAN stage as a SavedModel that needs nothing but TensorFlow, or as ONNX."""
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
        '      --method three --stage image --output exports/labels_to_image --onnx labels_to_image.onnx')
    common.add_config_options(options)
    common.add_run_options(options)
    common.add_method_option(options, required=False)
    options.add_argument('--stage', metavar='S', help='a stage of --method')
    options.add_argument('--output', type=common.some_path, metavar='DIR', help='the SavedModel goes to DIR/1')
    options.add_argument('--onnx', type=common.some_path, metavar='FILE', help='an ONNX file of opset 17, which is '
                         'compared with the SavedModel before it is written; takes EXTRAS=1 bash '
                         'tools/setup_environment.sh')
    arguments = options.parse_args()
    if (arguments.method or arguments.stage) if arguments.regime else not (arguments.method and arguments.stage):
        options.error('expected either --regime, or --method and --stage')
    if arguments.stage:
        common.refuse_given(options, arguments, ('segmenter', 'seed', 'num_synthetic', 'labelled'), 'with --regime alone')
    if not (arguments.output or arguments.onnx):
        options.error('expected --output, --onnx or both')

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
    from pipelines.serving import export, onnx_file
    if arguments.onnx:
        common.check_parent('--onnx', arguments.onnx)
        onnx_file.check_can_write(arguments.onnx)
    if arguments.output:
        export.vacant(arguments.output)
    name = f'segmenters/{run.trained.name}' if arguments.regime else f'stages/{stage.folder}'
    workdir = common.open_workdir(arguments, config, arms, [name])
    made = (export.segmenter_of(config, run, workdir) if arguments.regime else
            export.generator_of(config, method, stage, workdir))
    card = (cards.model_card(config, run, workdir, made.description.get('threshold')) if arguments.regime else
            cards.generator_card(config, method, stage, workdir))  # before anything is written: what it reads may be damaged
    if arguments.onnx:
        print(f'ONNX: {onnx_file.write(made, arguments.onnx)}')
        cards.write(f'{arguments.onnx}.{cards.CARD}', card)
    if arguments.output:
        path = export.save(made, arguments.output)
        cards.write(path / cards.CARD, card)
        print(f'SavedModel: {path}\nwhat it is, learned from and is not for: {path / cards.CARD}')


if __name__ == '__main__':
    common.run(main)
