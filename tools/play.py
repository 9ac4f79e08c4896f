"""Serves a page on this computer: drag the dots, and label map, radiograph and segmentation follow."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  bash tools/demo.sh\n'
        '  python tools/play.py --workdir runs/demo   # then open the address that it prints; Ctrl-C ends it')
    options.add_argument('--workdir', required=True, type=common.some_path, metavar='DIR',
                         help='of an experiment with the three-stage method and an exported segmenter; in a matrix the '
                         'folder of an arm. Pairs that are saved go to DIR/play, which prepare_records.py '
                         '--dataset folder reads')
    options.add_argument('--port', type=common.natural, default=8642, metavar='N',
                         help='default 8642; 0 = any that is free')
    arguments = options.parse_args()

    from pipelines.plan.loading import load_config
    from pipelines.plan.workdir import Workdir
    path = Workdir(arguments.workdir).config
    if not path.is_file():
        raise InputError(f'--workdir {arguments.workdir}: expected the folder of an experiment, with config.yaml, '
                         f'found none; make one: bash tools/demo.sh')
    config = load_config(path, [])
    if config.matrix:
        raise InputError(f'--workdir {arguments.workdir}: has a matrix; expected the folder of one of its arms')
    common.setup_tensorflow()
    from pipelines.play import server, session
    model = session.check_made(config, arguments.workdir)
    with server.Server(arguments.port) as serving:
        print('loading and drawing once: some seconds', flush=True)
        serving.ready(session.open_session(config, arguments.workdir, model))
        print(f'segmenter: {model}\nopen {serving.url}\nCtrl-C ends it', flush=True)
        serving.serve_forever()


if __name__ == '__main__':
    common.run(main)
