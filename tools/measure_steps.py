"""Measures a training step and a sample of every training of a config: time and memory.

Each is run in a process of its own, with real batches, on records that are made for it in --workdir.
"""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/measure_steps.py --config pipelines/configs/jsrt_full.yaml \\\n'
        '      --set data.dataset=phantom --set data.num_train=4 --set data.num_test=1 \\\n'
        '      --set data.augment=1 --workdir runs/full_size\n'
        '  ... --training image_from_labels --phase global    # one of them, in this process')
    common.add_config_options(options)
    options.add_argument('--training', metavar='T', help='a stage by its folder name '
                         '(dots, labels_from_dots, image_from_labels, labels, image_labels), or '
                         'segmenter; default: all of the config, one after the other')
    options.add_argument('--phase', default='', metavar='P', help='of that training; default: its '
                         'last, which is the dearest of PGGAN and of Pix2PixHD. PGGAN: "64 px, '
                         'fade-in", "64 px, stable" and so on; Pix2PixHD: global, and with '
                         'enhancers enhancer and everything')
    arguments = options.parse_args()

    from pipelines.plan import matrix
    config = common.load_config(arguments)
    arm = matrix.arm_of(config, [run for arm in matrix.arms_of(config) for run in arm.runs])
    regimes = [run.regime for run in arm.runs]
    if common.dry_run(arguments, [arm]):
        return
    common.setup_tensorflow(config.strategy)
    from pipelines.experiment import steps
    from pipelines.cost import dry_run, measure
    workdir = common.open_workdir(arguments, config, [arm], ['records/train'])
    coding = steps.prepare(config, workdir).coding
    if arguments.training:
        stage = measure.named(regimes, arguments.training)
        print(json.dumps(measure.measure(config, stage, arguments.phase, workdir)._asdict()))
        return
    print(f'{"training":30}{"parameters":>13}{"first step":>12}{"step":>9}{"sample":>9}'
          f'{"peak":>11}{"predicted":>11}')
    for training, phase in measure.phases_of(config, regimes, coding):
        result = subprocess.run(
            [sys.executable, *sys.argv, '--training', training, '--phase', phase],
            capture_output=True, text=True)
        name = f'{training} {phase}'.strip()
        if result.returncode:
            reason = (result.stderr.strip().splitlines() or ['killed: out of memory?'])[-1]
            print(f'{name:32}failed: {reason}', flush=True)
            continue
        row = json.loads(result.stdout.splitlines()[-1])
        need = dry_run.predicted(config, measure.planned(config, regimes, training, coding), phase).total
        print(f'{name:30}{row["parameters"]:13,}{row["first_step"]:10.1f} s{row["step"]:7.1f} s'
              f'{row["sample"]:7.1f} s{row["peak"] / 2 ** 30:7.2f} GiB{need / 2 ** 30:7.2f} GiB',
              flush=True)


if __name__ == '__main__':
    common.run(main)
