"""How long the trainings of a config take on one GPU: an estimate, from the operations of every step.

Every step is traced, none is run. The rate is what SMANet's training is taken to reach on a V100 (12
crops of 377 px a second in float32, 35 in half precision), for all networks alike. Of a validation the "steps"
are its pictures, at that rate too; saving is taken for as long as it may last. Drawing samples and scoring come on
top.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__, '  python tools/estimate_cost.py --config pipelines/configs/jsrt_full.yaml \\\n'
        '      --images 124    # of the learning fold; the data need not be there\n'
        '  ... --rate 40       # another GPU: TFLOP/s that convolutions reach in training')
    options.add_argument('--config', required=True, type=common.some_path, metavar='FILE', help='YAML file without a '
                         'matrix, such as pipelines/configs/jsrt_full.yaml; every key: '
                         'pipelines/plan/config.py')
    options.add_argument('--set', action='append', default=[], metavar='KEY=VALUE', dest='overrides',
                         help='override one value of the config (repeatable)')
    options.add_argument('--images', type=common.positive, metavar='N', help='real images before '
                         'augmentation; default: data.num_train')
    options.add_argument('--rate', type=float, metavar='TFLOPS',
                         help='TFLOP/s in training; default: a V100 at the config\'s precision')
    arguments = options.parse_args()

    from datasets.errors import InputError
    from datasets.labels import CHEST, PNEUMOTHORAX
    config = common.load_config(arguments)
    if config.matrix:
        raise InputError(f'--config {arguments.config}: expected no matrix, whose arms differ in '
                         f'cost; give the config.yaml of one arm\'s folder, or add --set matrix=[] '
                         f'for the config\'s regimes once')
    images = arguments.images or config.data.num_train
    if images is None:
        raise InputError('--images: expected the number of real images, which the config leaves to '
                         'the data; give it')
    if arguments.rate is not None and not arguments.rate > 0:
        raise InputError(f'--rate: expected TFLOP/s above 0, found {arguments.rate}')
    common.setup_tensorflow()
    from pipelines.cost import operations
    from pipelines.plan import matrix
    from pipelines.training.loop import SAVING_SHARE
    runs = matrix.arms_of(config)[0].runs
    for run in runs:
        if run.regime.transfer:
            raise InputError(f'regimes {run.regime.name}: expected regimes of one hospital, for how long a training for '
                             f'another takes follows from the pictures of both; tools/run_experiment.py --dry-run reads '
                             f'those and tells its steps')
    # samples that begin with a region are of a data set with one organ
    is_begun, organ = any(run.regime.method and run.regime.method.begins for run in runs), config.data.organ
    coding = CHEST.only(organ) if organ in CHEST.organs else PNEUMOTHORAX if is_begun else CHEST
    rate = arguments.rate * 1e12 if arguments.rate else operations.V100_RATES[config.precision]
    total = 0.0
    print(f'{"training":22}{"phase":18}{"steps":>11}{"GFLOP a step":>14}{"PFLOP":>12}{"hours":>9}')
    for cost in operations.of_trainings(config, runs, coding, images * config.data.augment):
        hours = operations.hours([cost], rate)
        total += hours
        print(f'{cost.training:22}{cost.phase:18}{cost.steps:11,}{cost.operations / 1e9:14,.0f}'
              f'{cost.total / 1e15:12,.1f}{hours:9.2f}', flush=True)
    saving = SAVING_SHARE * total
    print(f'{"saving, at most":77}{saving:9.2f}')
    print(f'{total + saving:.0f} hours at {rate / 1e12:.1f} TFLOP/s')


if __name__ == '__main__':
    common.run(main)
