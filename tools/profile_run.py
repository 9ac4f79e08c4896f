"""Runs an experiment, as run_experiment.py does, and says where its time went: a line a training, and the rest by parts.

Of a run that was begun before, the part that is left is measured. Nothing else should run on the machine meanwhile.
"""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    begun = time.perf_counter()
    options = common.parser(
        __doc__,
        '  python tools/profile_run.py --config pipelines/configs/jsrt_tiny_cpu.yaml --workdir runs/profiled \\\n'
        '      --set data.source=/data/jsrt-scr --output pipelines/cost/profile.json')
    common.add_config_options(options)
    options.add_argument('--output', type=common.some_path, metavar='FILE', help='keep what was measured as JSON')
    arguments = options.parse_args()
    if arguments.output:
        common.check_parent('--output', arguments.output)

    from pipelines.plan import matrix
    config = common.load_config(arguments)
    arms = matrix.arms_of(config)
    if common.dry_run(arguments, arms):
        return
    workdir = common.open_workdir(arguments, config, arms)
    common.setup_tensorflow(config.strategy)
    from pipelines.cost import profiled
    from pipelines.experiment.run import run_experiment
    from pipelines.runtime import devices, versions
    from pipelines.scores.table import to_markdown
    imported = time.perf_counter() - begun
    spent = profiled.profile(lambda: run_experiment(config, workdir, arms))
    spent[profiled.WHOLE, 'imports'] = [imported, 1]
    if arguments.output:
        profiled.write(arguments.output, spent, {'config': config.experiment, 'device': devices.device_name(), **versions.versions()})
    print(to_markdown(profiled.tables(spent)), end='')


if __name__ == '__main__':
    common.run(main)
