"""Turns weights of official GANs and segmentation networks into ours, without PyTorch or TensorFlow 1.

The tensors keep their official names; which network they belong to is read from them. If the file
also holds inputs and outputs of the official network, ours has to repeat them before anything is
written.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import common


def main() -> None:
    options = common.parser(
        __doc__,
        '  python tools/import_weights.py --source generator.npz --output imported/pix2pixhd\n\n'
        'Pix2PixHD, pix2pix, CycleGAN, MUNIT, FCN, SegNet, ... (see models/README.md), where PyTorch is:\n'
        '  import numpy as np, torch\n'
        "  state = torch.load('latest_net_G.pth', map_location='cpu')\n"
        "  np.savez('generator.npz', **{name: tensor.numpy() for name, tensor in state.items()})\n"
        '\n'
        'PGGAN, where the official code has unpickled (G, D, Gs):\n'
        "  np.savez('pggan.npz', **{f'G/{name}': Gs.get_var(name) for name in Gs.vars},\n"
        "           **{f'D/{name}': D.get_var(name) for name in D.vars})   # either alone will do")
    options.add_argument('--source', required=True, type=common.some_path, metavar='FILE.npz',
                         help='tensors by official name; may hold meta, inputs and outputs too')
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR',
                         help='new folder for generator/1, discriminator/1, segmenter/1, ... (SavedModels), '
                         'networks.* (checkpoint to train from) and network.json')
    arguments = options.parse_args()

    common.setup_tensorflow()
    from pipelines.serving import official
    path = official.import_weights(arguments.source, arguments.output)
    print(f'written: {path}')


if __name__ == '__main__':
    common.run(main)
