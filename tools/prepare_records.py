"""Reads a data set, checks it, augments it and writes TFRecord shards with dataset_info.json.

Prints for each organ its area and what the program's own rules would do to it (cleaning, anatomical check, a
dot where it lies), and draws contact_sheet.png: outlines, dots and ids of some pictures.
For evaluate_segmenter.py and make_reading.py, and to see whether a data set is read as meant. The
trainings do not need it: they read WORKDIR/records, which they make themselves from the config.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common, sharing


def parsed():
    """The arguments."""
    options = common.parser(
        __doc__,
        '  # your own images/*.png, masks/<organ>/*.png and coding.yaml, to score a model on\n'
        '  python tools/prepare_records.py --dataset folder --source /data/mine --split test \\\n'
        '      --size 512 --output records/mine\n'
        '  python tools/evaluate_segmenter.py --model runs/smanet/1 --records records/mine \\\n'
        '      --output mine.json\n'
        '  # whether JSRT + SCR is read as meant, with the five variants of each image\n'
        '  python tools/prepare_records.py --dataset jsrt --source /data/jsrt-scr --split train \\\n'
        '      --size 256 --augment 6 --output records/look')
    options.add_argument('--dataset', required=True, metavar='D',
                         help='phantom, phantom_b, phantom_lesions, phantom_retina: drawn from --seed; jsrt, '
                         'montgomery, shenzhen: radiographs with masks; siim_acr, siim_acr_all: with outlines of '
                         'pneumothoraces; drive, chase_db1, stare, hrf, drive_second, ...: retinas with vessels of the '
                         'first or second observer; folder: your own, laid out as datasets/readers/folder.py says; '
                         'nnunet: a folder of nnUNet_raw')
    options.add_argument('--source', type=common.some_path, metavar='DIR', help='folder of the data set (not for drawn ones)')
    options.add_argument('--split', required=True, choices=['train', 'test', 'all'],
                         help='jsrt: the fold of odd numbers (train) or of even ones; others: the '
                         'ids in train.txt or test.txt of the folder; all: all there are')
    options.add_argument('--ids', type=common.some_path, metavar='FILE', help='only these images: one id a line')
    options.add_argument('--channels', type=int, choices=[1, 3], default=1, metavar='C',
                         help='of the pictures: 1 = grey (default), 3 = colour')
    options.add_argument('--grey', choices=['equal', 'luminance', 'red', 'green', 'blue'], default='equal',
                         metavar='HOW', help='where they are grey: what becomes of files in colour: equal '
                         '(default: refused, unless all channels agree), luminance, red, green or blue')
    options.add_argument('--unlabelled', action='store_true', help='the pictures alone, also those of which '
                         'nobody drew what they show')
    options.add_argument('--fit', choices=['pad', 'stretch'], default='pad',
                         help='pictures that are not square: whole and undistorted in the middle of a square '
                         '(pad, default), or squeezed onto it')
    options.add_argument('--trim-borders', action='store_true', help='cut to the film, where a side is as black as its plate')
    options.add_argument('--field-of-view-mm', type=float, nargs=2, metavar=('HEIGHT', 'WIDTH'), help='folder: what '
                         'every picture covers, so that distances can be scored')
    options.add_argument('--size', type=common.positive, required=True, metavar='N', help='side of the records, px')
    options.add_argument('--label-channels', choices=['grey', 'onehot', 'distance'], default='grey',
                         help='how a GAN would draw label maps, by which cleaning is tried on the real ones (default '
                         'grey, as labels.channels)')
    options.add_argument('--augment', type=common.positive, default=1, metavar='K',
                         help='versions of each image: 1 = itself (default), 6 = with the paper\'s '
                         'five variants')
    options.add_argument('--noise', choices=['variance', 'std'], default='variance',
                         help='the paper\'s noise of "variance between 0.01 and 0.03 x 255" in the fifth variant: its '
                         'variance (default) or its standard deviation')
    options.add_argument('--count', type=common.positive, metavar='N', help='drawn ones: how many to draw')
    options.add_argument('--seed', type=int, default=0, metavar='N',
                         help='of the augmentation, and of drawn phantoms (default 0)')
    options.add_argument('--output', required=True, type=common.some_path, metavar='DIR', help='a new folder')
    options.add_argument('--nnunet', type=common.some_path, metavar='DIR', help='also as a data set of nnU-Net, a new folder such as '
                         'nnUNet_raw/Dataset501_CHEST, in five folds by patient; of --split train the other part becomes '
                         'imagesTs')
    sharing.add_part_options(options)
    return options.parse_args()


def check_contents(dataset, digests, output, part) -> Path:
    """InputError where records were made of other files than there are now; -> where is noted which."""
    from datasets.digests import contents
    from datasets.files import read_json
    note = Path(output) / f'.contents-{part.index}-of-{part.workers}.json'
    if note.exists():
        kept, found = read_json(note)['samples'], contents(dataset, digests)['samples']
        changed = sorted(id for id in {*kept, *found} if kept.get(id) != found.get(id))
        if changed:
            raise InputError(f'--output {output}: made of other pictures or masks of {", ".join(changed[:3])} '
                             f'({len(changed)} in all); remove it, or choose another folder')
    return note


def note_contents(dataset, digests, note) -> None:
    """Writes down what records are about to be made of."""
    from datasets.digests import contents
    from datasets.files import write_json
    note.parent.mkdir(parents=True, exist_ok=True)
    write_json(note, contents(dataset, digests))


def check_other_part(dataset, asked, name, digests) -> None:
    """InputError where a picture stands in the other part of the archive too; says so if there is none to see."""
    from datasets.digests import check_apart
    from datasets.readers import open_dataset
    from pipelines.data.sources import check_patients
    part = 'test' if asked.split == 'train' else 'train'
    try:
        other = open_dataset(name, asked._replace(split=part))
    except InputError as error:
        print(f'note: the pictures of {part} are not looked at for copies of these: {error}')
        return
    check_apart(dataset, other, digests, (f'--split {asked.split}', part))
    check_patients(dataset, other)


def nnunet_sets(arguments, part, asked, dataset, data):
    """What --nnunet holds: classes, pictures, and those of the other part to test, where there is one, all of them checked."""
    from datasets.readers import open_dataset
    from datasets.targets import targets_of
    from pipelines.data import nnunet
    if arguments.unlabelled or part.workers > 1:
        raise InputError('--nnunet: expected pictures with labels, and one worker only; leave out --unlabelled and '
                         '--num-shards')
    nnunet.check_output(arguments.nnunet)
    test = None
    if arguments.split == 'train':
        try:
            test = nnunet.Real(open_dataset(arguments.dataset, asked._replace(split='test', ids=None)), data)
        except InputError as error:
            print(f'note: without imagesTs: {error}')
    sets = (targets_of(dataset.coding), nnunet.Real(dataset, data), None, test)
    nnunet.check(arguments.nnunet, *sets)
    return sets


def main() -> None:
    arguments = parsed()
    from datasets.digests import Digests
    from datasets.readers import READERS, Request, open_dataset
    from datasets.records import INFO
    from datasets.splits import read_ids
    from datasets.writing import check_vacant
    from pipelines.data import contact_sheet, prepare, structures
    from pipelines.plan.config import Data, Labels
    from pipelines.plan.methods import METHODS
    common.setup_tensorflow()
    ids = read_ids(arguments.ids) if arguments.ids else None
    asked = Request(arguments.source, arguments.split, ids, arguments.channels, arguments.grey,
                    arguments.unlabelled, arguments.count, arguments.size, arguments.seed)
    digests = Digests(arguments.output)
    dataset = digests.watched(open_dataset(arguments.dataset, asked))
    if arguments.field_of_view_mm:
        dataset = dataset._replace(field_of_view_mm=tuple(arguments.field_of_view_mm))
    part, data = sharing.part_of(arguments), Data(
        arguments.dataset, channels=arguments.channels, grey=arguments.grey, fit=arguments.fit, noise=arguments.noise,
        trim_borders=arguments.trim_borders)
    sets = nnunet_sets(arguments, part, asked, dataset, data) if arguments.nnunet else None
    labels = Labels(arguments.label_channels, clean=True, reject=True)

    def look(label_maps):
        found = structures.examine(label_maps, dataset.coding, labels)
        print(*structures.table(found), sep='\n')
        structures.warn(found, dataset.coding, labels, list(METHODS.values()))

    has_other = ids is None and arguments.split != 'all' and not READERS[arguments.dataset].is_drawn
    is_first = part.index == 0 and not (Path(arguments.output) / INFO).exists()

    check_vacant(arguments.output)
    own = dataset._replace(ids=tuple(prepare.ids_of(dataset, part)))
    note = check_contents(own, digests, arguments.output, part)

    def begin():
        if has_other and is_first:
            check_other_part(dataset, asked, arguments.dataset, digests)
        note_contents(own, digests, note)

    info = prepare.write_records(
        dataset, arguments.output, arguments.split, arguments.size, arguments.augment,
        arguments.seed, data, part, begin, look)
    if info is None:
        print(f'worker {part.index} of {part.workers} is done; shards of others are still missing')
        return
    contact_sheet.write_contact_sheet(info, Path(arguments.output) / contact_sheet.NAME)
    print(f'{info.count} records of {len(info.ids)} images in {len(info.shards)} shards: '
          f'{arguments.output}\nlook at {Path(arguments.output) / contact_sheet.NAME}: outlines, dots and ids of some')
    if arguments.nnunet:
        from pipelines.data import nnunet
        print(nnunet.what_next(arguments.nnunet, nnunet.write_nnunet(arguments.nnunet, *sets)))


if __name__ == '__main__':
    common.run(main)
