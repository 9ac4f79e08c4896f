"""Draws synthetic image + label pairs with a trained method and writes them as records."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common, sharing


def parsed():
    """The arguments, of which --png and --nnunet are checked."""
    options = common.parser(
        __doc__,
        '  # what the training of SYNTH 3 in this config needs\n'
        '  python tools/generate_samples.py --config pipelines/configs/demo.yaml \\\n'
        '      --workdir runs/demo --method three\n'
        '  # the same, and as PNG pairs for other programs\n'
        '  python tools/generate_samples.py ... --png runs/demo/pairs\n'
        '  # with the real pairs, for nnU-Net\n'
        '  python tools/generate_samples.py ... --nnunet nnUNet_raw/Dataset501_CHEST\n'
        '  # by a Slurm job array (448 samples in files of 256: 2 workers have work); the one that\n'
        '  # ends last completes the folder\n'
        '  sbatch --array=0-1 --wrap "python tools/generate_samples.py ... --num-shards 2"')
    common.add_config_options(options)
    common.add_method_option(options)
    options.add_argument('--num', type=common.positive, metavar='N',
                         help='samples; default: generation.num_train + num_validation of the '
                         'config. train_segmenter.py refuses a folder of any other number')
    sharing.add_part_options(options)
    options.add_argument('--png', type=common.some_path, metavar='DIR', help='also as DIR/images and DIR/labels, a folder '
                         'that prepare_records.py --dataset folder reads')
    options.add_argument('--nnunet', type=common.some_path, metavar='DIR', help='also as a data set of nnU-Net, a new folder such as '
                         'nnUNet_raw/Dataset501_CHEST: the classes of the segmenter, real pairs in their own shape and '
                         'in folds, synthetic ones to learn from in each of them, the test pairs as imagesTs')
    arguments = options.parse_args()
    part = sharing.part_of(arguments)
    for option in ('png', 'nnunet'):
        if getattr(arguments, option) and part.workers > 1:
            raise InputError(f'--{option}: expected with one worker only; repeat the command without '
                             f'--num-shards once all are done')
    if arguments.nnunet:
        from pipelines.data import nnunet
        nnunet.check_output(arguments.nnunet)
        if arguments.png and Path(arguments.png).resolve() == Path(arguments.nnunet).resolve():
            raise InputError(f'--png {arguments.png}: expected another folder than --nnunet')
    return arguments, part


def main() -> None:
    arguments, part = parsed()
    from pipelines.plan import matrix, methods, regimes
    config = common.load_arm_config(arguments)
    method = methods.parse_method(arguments.method)
    arms = [matrix.arm_of(config, [regimes.Run(regimes.synth_regime(method))])]
    if common.dry_run(arguments, arms):
        return
    common.setup_tensorflow()
    from pipelines.report import cards
    from pipelines.synthesis import generate, png_pairs
    if arguments.png:
        png_pairs.check_output(arguments.png, cards.SHEET)
    sets = nnunet_sets(arguments.nnunet, config) if arguments.nnunet else None
    workdir = common.open_workdir(arguments, config, arms, [f'synthetic/{method.name}'])
    info = generate.generate(config, method, workdir, arguments.num, part)
    if info is None:
        print(f'worker {part.index} of {part.workers} is done; shards of others are still missing')
        return
    print(f'{info.count} samples in {len(info.shards)} shards: {info.directory}')
    failed = info.notes['failed_check'] / info.notes['samples']
    print(f'{failed:.1%} failed the anatomical check, {info.notes["redrawn"]} were redrawn; '
          f'sheet: {info.directory / "samples.png"}')
    sheet = cards.datasheet(config, method, workdir)
    cards.write(info.directory / cards.SHEET, sheet)
    if arguments.png:
        Path(arguments.png).mkdir(parents=True, exist_ok=True)
        cards.write(Path(arguments.png) / cards.SHEET, sheet)  # first: by it the folder is known when this is repeated
        png_pairs.write_png_pairs(info, arguments.png)
        print(f'PNG pairs: {arguments.png}')
    if arguments.nnunet:
        from pipelines.data import nnunet
        counts = nnunet.write_nnunet(arguments.nnunet, *sets, info)
        cards.write(Path(arguments.nnunet) / cards.SHEET, cards.with_real_pairs(sheet, method, counts, sets[0].names))
        print(nnunet.what_next(arguments.nnunet, counts))
        if sets[2] is None:
            print(f'note: {nnunet.LEARNED_OF}')


def nnunet_sets(output, config):
    """The classes, and the real pairs to learn from, validate on and test, as the config divides them, all of them checked."""
    from datasets.divisions import validates
    from datasets.targets import targets_of
    from pipelines.data import nnunet
    from pipelines.data.sources import open_split
    train, validation, test = (nnunet.Real(open_split(config, part), config.data) if there else None for part, there in (
        ('train', True), ('validation', validates(config.data)), ('test', True)))
    sets = (targets_of(train.dataset.coding, config.segmenter.targets, config.segmenter.overlapping), train, validation, test)
    nnunet.check(output, *sets)
    return sets


if __name__ == '__main__':
    common.run(main)
