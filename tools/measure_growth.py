"""Measures how time and memory grow with the number of samples, the side of pictures, the real images.

The networks are small and the same throughout; every job is run in a process of its own. The last
column says how the cost of the job grows between the last two values: about 1 = as the work does
(samples, pixels, images), less = part of it is the same for all.
"""
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common

OF = ('samples', 'size', 'images')
JOBS = ('preparation', 'training', 'generation', 'quality')


def main() -> None:
    options = common.parser(
        __doc__, '  python tools/measure_growth.py             # about 12 minutes on 2 cores\n'
        '  python tools/measure_growth.py --of size   # one of the three')
    options.add_argument('--of', nargs='+', choices=OF, default=OF, metavar='G',
                         help=f'of {", ".join(OF)}; default: all')
    options.add_argument('--value', type=common.positive, metavar='N',
                         help='this one only; default: a row for each of several')
    options.add_argument('--job', choices=JOBS, metavar='J', help='with one G, --value and '
                         f'--workdir: run {", ".join(JOBS[:-1])} or {JOBS[-1]} in this process, '
                         'and print seconds and MiB as JSON; the tables call it so for every cell')
    options.add_argument('--workdir', type=common.some_path, metavar='DIR', help='of --job; the tables use a temporary one')
    arguments = options.parse_args()
    if arguments.job:
        given = {'--of with one name': len(arguments.of) == 1, '--value': arguments.value,
                 '--workdir': arguments.workdir}
        missing = [option for option, there in given.items() if not there]
        if missing:
            options.error(f'--job {arguments.job}: expected {", ".join(missing)} too')

    common.setup_tensorflow()
    from pipelines.cost import scaling
    if arguments.job:
        done = scaling.run_job(arguments.of[0], arguments.job, arguments.value,
                               Path(arguments.workdir))
        print(json.dumps(done._asdict()))
        return
    for name in arguments.of:
        with tempfile.TemporaryDirectory() as folder:
            _table(name, scaling.GROWTHS[name], Path(folder), arguments.value)


def _table(name: str, growth, folder: Path, value) -> None:
    from pipelines.cost import scaling
    print(f'\n| {growth.words} | ' + ' | '.join(f'{job}: s | MiB | growth' for job in growth.jobs)
          + ' |\n|' + '---|' * (1 + 3 * len(growth.jobs)), flush=True)
    before = {}
    for number in [value] if value else growth.values:
        cells = []
        for job, taken in scaling.measure(name, number, folder):
            grown = (f'{scaling.exponent(name, before[job], (number, taken.seconds)):.2f}'
                     if job in before else '')
            before[job] = number, taken.seconds
            cells += [f'{taken.seconds:.2f}', f'{taken.mebibytes:,.0f}', grown]
        print(f'| {number:,} | ' + ' | '.join(cells) + ' |', flush=True)


if __name__ == '__main__':
    common.run(main)
