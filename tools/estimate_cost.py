"""How long the trainings of a config take on one GPU: an estimate, from the operations of every step.

Every step is traced, none is run. The rate is what SMANet's training is taken to reach on a V100 (12
crops of 377 px a second in float32, 35 in half precision), for all networks alike. Of a validation the "steps"
are its pictures, at that rate too; saving is taken for as long as it may last. Drawing samples and scoring come on
top. What each method's stages take together stands below: which is the cheaper one.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__, '  python tools/estimate_cost.py --config pipelines/configs/jsrt_full.yaml \\\n'
        '      --images 124    # of the learning fold; the pictures of JSRT and SIIM-ACR need not be there\n'
        '  ... --arm chase_tiny   # of a config with a matrix\n'
        '  ... --rate 40       # another GPU: TFLOP/s that convolutions reach in training')
    options.add_argument('--config', required=True, type=common.some_path, metavar='FILE', help='YAML file, such as '
                         'pipelines/configs/jsrt_full.yaml; every key: pipelines/plan/config.py')
    options.add_argument('--set', action='append', default=[], metavar='KEY=VALUE', dest='overrides',
                         help='override one value of the config (repeatable)')
    options.add_argument('--arm', metavar='A', help='which folder of the config\'s matrix; they differ in cost')
    options.add_argument('--images', type=common.positive, metavar='N', help='real images before '
                         'augmentation; default: as many as the data has')
    options.add_argument('--rate', type=float, metavar='TFLOPS',
                         help='TFLOP/s in training; default: a V100 at the config\'s precision')
    arguments = options.parse_args()

    from datasets.errors import InputError
    from pipelines.plan import matrix
    arms = {arm.folder: arm for arm in matrix.arms_of(common.load_config(arguments))}
    arm = arms.get(arguments.arm) if arguments.arm or arms.keys() != {''} else arms['']
    if arm is None:
        raise InputError(f'--arm: expected one folder of the matrix, whose arms differ in cost, of {", ".join(arms)}, found '
                         f'{arguments.arm or "none"}')
    if arguments.rate is not None and not arguments.rate > 0:
        raise InputError(f'--rate: expected TFLOP/s above 0, found {arguments.rate}')
    for run in arm.runs:
        if run.regime.transfer:
            raise InputError(f'regimes {run.regime.name}: expected regimes of one hospital, for how long a training for '
                             f'another takes follows from the pictures of both; tools/run_experiment.py --dry-run reads '
                             f'those and tells its steps')
    coding, images = _learned_from(arm.config, arguments.images)
    common.setup_tensorflow()
    _print_costs(arm, coding, images, arguments.rate)


def _learned_from(config, images):
    """Coding and number of the learning images: the data's, where it is there; else of data sets that we know."""
    from datasets.errors import InputError
    from datasets.labels import CHEST, PNEUMOTHORAX
    from pipelines.data.sources import open_split
    known = {'jsrt': CHEST, 'siim_acr': PNEUMOTHORAX}.get(config.data.dataset)
    try:
        dataset = open_split(config, 'train')
        return dataset.coding, images or len(dataset.ids)
    except InputError:
        if known is None:
            raise
    images = images or config.data.num_train
    if images is None:
        raise InputError('--images: expected the number of real images, for the config leaves it to the data, which is '
                         'not there; give it')
    return known.only(config.data.organ) if config.data.organ else known, images


def _print_costs(arm, coding, images: int, rate) -> None:
    from pipelines.cost import operations
    from pipelines.plan.regimes import methods_of
    from pipelines.training.loop import SAVING_SHARE
    rate = rate * 1e12 if rate else operations.V100_RATES[arm.config.precision]
    costs = []
    print(f'{"training":22}{"phase":18}{"steps":>11}{"GFLOP a step":>14}{"PFLOP":>12}{"hours":>9}')
    for cost in operations.of_trainings(arm.config, arm.runs, coding, images * arm.config.data.augment):
        costs.append(cost)
        print(f'{cost.training:22}{cost.phase:18}{cost.steps:11,}{cost.operations / 1e9:14,.0f}'
              f'{_short(cost.total / 1e15):>12}{_short(operations.hours([cost], rate)):>9}', flush=True)
    total = operations.hours(costs, rate)
    print(f'{"saving, at most":77}{_short(SAVING_SHARE * total):>9}')
    for method in methods_of([run.regime for run in arm.runs]):
        of_method = [cost for cost in costs if cost.training in {stage.folder for stage in method.stages}]
        print(f'{f"stages of method {method.name}":65}{_short(sum(cost.total for cost in of_method) / 1e15):>12}'
              f'{_short(operations.hours(of_method, rate)):>9}')
    print(f'{_short(total * (1 + SAVING_SHARE))} hours at {rate / 1e12:.1f} TFLOP/s')


def _short(number: float) -> str:
    return f'{number:,.1f}' if number >= 100 else f'{number:.3g}'


if __name__ == '__main__':
    common.run(main)
