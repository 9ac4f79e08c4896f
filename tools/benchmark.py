"""Measures how close the program is to this machine's limits, and to its targets.

Every figure is a ratio to a limit measured in the same run: a training step to a matrix product,
inference and generation to the bare networks, pipelines to decoding, records to PNG encoding.
"""
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common

PARTS = ('steps', 'inference', 'generation', 'pipelines', 'writing', 'memory', 'help')


def main() -> int:
    options = common.parser(
        __doc__, '  python tools/benchmark.py --quick\n'
        '  python tools/benchmark.py --output runs/benchmark.json   # about 10 minutes on 2 cores\n'
        '  python tools/benchmark.py --parts writing help')
    options.add_argument('--quick', action='store_true', help='fewer repetitions and samples')
    options.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS, metavar='PART',
                         help=f'of {", ".join(PARTS)}; default: all')
    options.add_argument('--output', type=common.some_path, metavar='FILE', help='also as JSON')
    arguments = options.parse_args()
    if arguments.output:
        common.check_parent('--output', arguments.output)

    common.setup_tensorflow()
    from datasets.files import write_json
    from pipelines.cost import benchmark_parts
    from pipelines.runtime import devices
    from pipelines.runtime.versions import versions
    figures = []
    print(f'{"":76}{"measured":>11}{"limit":>11}  {"unit":10}{"ratio":>7}  target')
    with tempfile.TemporaryDirectory() as workdir:
        for part in arguments.parts:
            for figure in benchmark_parts.part(part, Path(workdir) / part, arguments.quick):
                figures.append(figure)
                bound = '>=' if figure.more else '<='
                print(f'{figure.name:76}{figure.value:11,.2f}{figure.limit:11,.2f}  {figure.unit:10}'
                      f'{figure.ratio:7.2f}  {bound} {figure.target:.2f}'
                      f'{"" if figure.is_met else "  MISSED"}', flush=True)
    if arguments.output:
        write_json(arguments.output, {
            'device': devices.device_name(), 'machine': platform.machine(),
            'versions': versions(), 'quick': arguments.quick,
            'figures': [{**figure._asdict(), 'ratio': figure.ratio, 'is_met': figure.is_met}
                        for figure in figures]})


if __name__ == '__main__':
    common.run(main)
