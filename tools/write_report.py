"""Writes the report of an experiment anew from its files: report.html, report.md, report_files/."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/write_report.py --workdir runs/demo\n'
        '  # the tables of the study on real radiographs, from the results in the repository\n'
        '  python tools/write_report.py --workdir pipelines/studies/jsrt_study_cpu \\\n'
        '      --output runs/study_report')
    options.add_argument('--workdir', required=True, type=common.some_path, metavar='DIR',
                         help='of run_experiment.py, or a copy of its results alone')
    options.add_argument('--output', type=common.some_path, metavar='DIR', help='default: the workdir')
    arguments = options.parse_args()

    from pipelines.report import report
    print(f'report: {report.write_report(arguments.workdir, arguments.output)}')


if __name__ == '__main__':
    common.run(main)
