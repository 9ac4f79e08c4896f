"""Segments pictures: label map and overlay PNGs, and a CSV row with areas each (of chests the heart's ratio)."""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/predict.py --model runs/demo/exports/finetune3-smanet-0/1 \\\n'
        '      --input scan.png more_scans/ --output segmented')
    options.add_argument('--model', required=True, type=common.some_path, metavar='SAVEDMODEL',
                         help='folder with saved_model.pb, from export_model.py')
    options.add_argument('--input', required=True, nargs='+', type=common.some_path, metavar='PATH',
                         help='pictures as the model learned from, of any size and shape, 8 or 16 bits '
                         '(chests: lungs dark), or DICOM (takes EXTRAS=1 bash tools/setup_environment.sh); or folders, '
                         'whose folders below are kept')
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR',
                         help='for <name>.png (codes of '
                         'the classes), <name>_overlay.png and predictions.csv, which are replaced; '
                         'made if needed')
    options.add_argument('--trim-borders', action=argparse.BooleanOptionalAction, help='whether the model is shown the '
                         'film alone, without the black border of the plate that it was scanned on (default: as the '
                         'model learned, data.trim_borders, or for another hospital sources.target.trim_borders); '
                         'results have the shape of the whole picture')
    options.add_argument('--dicom-overlay', action='store_true', help='also <name>_overlay.dcm, a DICOM Secondary Capture '
                         'that lies under the study of the radiograph; it carries the name of the patient, as that does')
    common.add_names_option(options)
    arguments = options.parse_args()
    if arguments.dicom_overlay and arguments.names == 'numbers':
        options.error('--dicom-overlay: names the patient, which --names numbers is there to avoid; leave one of them out')

    common.setup_tensorflow()
    from pipelines.runtime import devices
    from pipelines.serving import predict
    rows = predict.predict(arguments.model, arguments.input, arguments.output, arguments.trim_borders,
                           arguments.names == 'numbers', arguments.dicom_overlay)
    print(f'segmented {len(rows)} pictures on {devices.device_name()}: '
          f'{Path(arguments.output) / "predictions.csv"}')


if __name__ == '__main__':
    common.run(main)
