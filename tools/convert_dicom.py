"""Makes PNG of radiographs that are DICOM, to train on: grey values the right way round, millimetres, nothing else.

Takes pydicom and python-gdcm: EXTRAS=1 bash tools/setup_environment.sh. To segment DICOM, predict.py reads it as it is.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  # then coding.yaml and masks beside images/, as datasets/README.md says\n'
        '  python tools/convert_dicom.py --input /data/export --output /data/mine --names numbers')
    options.add_argument('--input', required=True, nargs='+', type=common.some_path, metavar='PATH',
                         help='DICOM files, with or without a suffix, or folders of them')
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR', help='a new folder, for '
                         'images/<id>.png, dicom.csv (size, millimetres and where they were measured, warnings) and, where '
                         'every file says its millimetres, spacing.csv')
    common.add_names_option(options)
    arguments = options.parse_args()

    from pipelines.serving import convert
    rows = convert.convert(arguments.input, arguments.output, arguments.names == 'numbers')
    spacing = {'detector': 'at the detector, where everything is larger than in the patient',
               'calibrated': 'as the files calibrate them', '': 'unknown'}
    measured = ', '.join(f'{sum(row["measured"] == key for row in rows)} {words}' for key, words in spacing.items()
                         if any(row['measured'] == key for row in rows))
    print(f'{len(rows)} pictures: {Path(arguments.output) / "images"}\nmillimetres: {measured}; each: '
          f'{Path(arguments.output) / convert.TABLE}')


if __name__ == '__main__':
    common.run(main)
