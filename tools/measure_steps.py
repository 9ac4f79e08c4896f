"""Measures training steps and samples of every training of a config: time, memory, share of a matrix product's rate.

Each is run in a process of its own, with real batches, on records that are made for it in --workdir. What --output
holds already is not measured again; the tables of all that it holds are printed.
"""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/measure_steps.py --config pipelines/configs/networks_full.yaml \\\n'
        '      --workdir runs/networks_full --output pipelines/cost/networks.json\n'
        '  ... --trainings scan unet --again    # these two anew')
    common.add_config_options(options)
    options.add_argument('--output', type=common.some_path, metavar='FILE', help='keep what was measured as JSON')
    options.add_argument('--trainings', nargs='+', metavar='T', help='stages by their folders (dots, '
                         'labels_from_dots, image_from_labels, labels, image_labels) and segmenters by their names; '
                         'default: all of the config')
    options.add_argument('--again', action='store_true', help='also what --output holds already')
    options.add_argument('--one', nargs=3, metavar=('WHAT', 'T', 'PHASE'), help='a step or a sample of one training '
                         'in this process; of a phase, "" = its last, the dearest of PGGAN and of Pix2PixHD')
    arguments = options.parse_args()
    if arguments.output:
        common.check_parent('--output', arguments.output)

    from pipelines.plan import matrix
    config = common.load_config(arguments)
    arm = matrix.arm_of(config, [run for arm in matrix.arms_of(config) for run in arm.runs])
    if common.dry_run(arguments, [arm]):
        return
    common.setup_tensorflow(config.strategy)
    from pipelines.cost import measure, measured
    from pipelines.experiment import steps
    from pipelines.runtime import devices, versions
    from pipelines.scores.table import to_markdown
    workdir = common.open_workdir(arguments, config, [arm], ['records/train'])
    coding = steps.prepare(config, workdir).coding
    if arguments.one:
        what, training, phase = arguments.one
        print(json.dumps(measure.measure(
            what, config, measure.named(arm.runs, training), phase, coding, workdir)._asdict()))
        return
    for name in arguments.trainings or ():
        measure.named(arm.runs, name)
    rows, failed = measured.read(arguments.output) if arguments.output else [], []
    for name, phase in measure.phases_of(config, arm.runs, coding):
        row = {'training': name, 'phase': phase,
               **measure.size_of(config, measure.named(arm.runs, name), phase, coding)}
        if name not in (arguments.trainings or [name]) or measured.holds(rows, row) and not arguments.again:
            continue
        parts = {what: {**in_own_process(what, name, phase), **measure.predict(
            what, config, measure.named(arm.runs, name), phase, coding)} for what in ('step', 'sample')}
        if any('failed' in part for part in parts.values()):
            failed.append(name)
            continue
        rows = measured.with_row(rows, {**row, **parts})
        print(measured.line({**row, **parts}), flush=True)
        if arguments.output:
            measured.write(arguments.output, rows, {'device': devices.device_name(), **versions.versions()})
    print(to_markdown(measured.tables(rows)), end='')
    if failed:
        raise InputError(f'not measured: {", ".join(failed)}; the lines above say why')


def in_own_process(what: str, training: str, phase: str) -> dict:
    """What this very command prints with --one."""
    done = subprocess.run([sys.executable, *sys.argv, '--one', what, training, phase], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ['killed: out of memory?'])[-1]
        print(f'{training} {phase}: {what} failed: {reason}', flush=True)
        return {'failed': True}
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == '__main__':
    common.run(main)
