"""What every tool shares: how it ends, and the options that several of them take.

Nothing here imports TensorFlow, so that `--help` answers at once.
"""
from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import sys
from pathlib import Path
from typing import Sequence

from datasets.errors import Diverged, InputError, reason
from pipelines.runtime import quiet

OWN = ('datasets', 'models', 'pipelines', 'tools')  # packages that cannot be missing

# TensorFlow reads this when it is first imported: its start-up chatter would bury our messages.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
if os.environ['TF_CPP_MIN_LOG_LEVEL'] == '3':
    quiet.quiet_tensorflow()


def run(main) -> None:
    """Runs a tool: what went wrong becomes one line and a code: 2 input, 1 training, 130 Ctrl-C."""
    sys.stdout.reconfigure(errors='backslashreplace')  # a terminal may not know the letters of a path
    try:
        sys.exit(main())
    except InputError as error:
        print(f'error: {error}{_mended(error)}', file=sys.stderr)
        sys.exit(2)
    except Diverged as error:
        print(f'stopped: {error}', file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f'error: {_told(error)}', file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if (error.name or '').split('.')[0] in OWN:
            raise
        print('error: expected Linux or macOS, whose files can be locked, found another system; on Windows use '
              'WSL2, which is a Linux' if error.name == 'fcntl' else
              f'error: {error.name} is not installed for this Python; run `bash tools/setup_environment.sh` and '
              f'activate what it names', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stopped:
        print(f'\nstopped: {str(stopped) or "what is finished is kept"}; to go on, repeat\n'
              f'  {shlex.join([Path(sys.executable).name, *sys.argv])}', file=sys.stderr)
        sys.exit(getattr(stopped, 'exit_code', 130))
    except Exception as error:
        if not _is_from_tensorflow(error):
            raise
        print(f'error: {_told(error)}', file=sys.stderr)
        sys.exit(2)


def _mended(error: InputError) -> str:
    """The exact command that mends it, where the error names one; see plan/provenance.py."""
    if getattr(error, 'adopt', False):
        more = ['--adopt']
    elif getattr(error, 'redo', ()):
        more = ['--redo', *error.redo]
    else:
        return ''
    return f': {shlex.join([Path(sys.executable).name, *sys.argv, *more])}'


def _told(error: Exception) -> str:
    """A failure of the machine in one line: the disk, the memory, a network's file system."""
    text = reason(str(getattr(error, 'message', error)))[:300]
    if isinstance(error, OSError):
        text = f'{error.filename or "writing a file"}: {error.strerror or error}'
    full = any(words in text for words in ('No space left', 'File too large', 'quota exceeded'))
    return text + ('; make space and repeat the command: what was whole is kept' if full else '')


def _is_from_tensorflow(error: Exception) -> bool:
    return type(error).__module__.startswith('tensorflow.')


def parser(description: str, examples: str) -> argparse.ArgumentParser:
    """An ArgumentParser whose help ends with examples to copy."""
    return argparse.ArgumentParser(
        description=description, epilog='examples:\n' + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter)


def add_config_options(options: argparse.ArgumentParser) -> None:
    """--config, --workdir, --set and --dry-run."""
    options.add_argument('--config', required=True, type=some_path, metavar='FILE',
                         help='YAML file, such as those in pipelines/configs/; every key: '
                         'pipelines/plan/config.py')
    options.add_argument('--workdir', required=True, type=some_path, metavar='DIR',
                         help='everything made goes here; repeating a command continues there')
    options.add_argument('--set', action='append', default=[], metavar='KEY=VALUE',
                         dest='overrides', help='override one value of the config, for example '
                         '--set data.source=/data/jsrt (repeatable)')
    options.add_argument('--dry-run', action='store_true',
                         help='print the resolved plan and stop')
    options.add_argument('--redo', nargs='+', action='extend', default=[], metavar='NAME',
                         help='remove these things that were made, with all that hangs on them, and make '
                         'them anew: records/train, stages/dots, synthetic/three, ..., or a sort of them '
                         'such as stages; in a matrix behind the folder of their arm')
    options.add_argument('--adopt', action='store_true',
                         help='take what an older version of this program made, and nobody noted with '
                         'what, for made with this config and this data')


def add_method_option(options: argparse.ArgumentParser, required: bool = True) -> None:
    """--method, checked by methods.parse_method."""
    options.add_argument('--method', required=required, metavar='M',
                         help='single, two or three (stages), dfgan, or pix2pix, which is DF-GAN without its loss')


def add_names_option(options: argparse.ArgumentParser) -> None:
    """--names, of what is made of pictures whose files may be called as patients are."""
    options.add_argument('--names', choices=['files', 'numbers'], default='files', help='what is written is called as '
                         'the files (default), or 0001, 0002, ... in their order: names and UIDs of files tell patients')


def add_run_options(options: argparse.ArgumentParser, required: bool = False) -> None:
    """--regime, --segmenter, --seed, --num-synthetic and --labelled, see `run_of`."""
    options.add_argument('--regime', required=required, metavar='R',
                         help='real, synth1..3 (synthetic pairs of method 1..3), finetune1..3 (then real ones) or '
                         'mixed1..3 (both at once), also of d (DF-GAN) and p (pix2pix); for the hospital of the '
                         'config\'s sources.target: tone, tuned, scratch, cyclegan, unit or munit; with its sources.unlabelled: '
                         'pseudo, self')
    options.add_argument('--segmenter', metavar='S', help='a network (models/README.md), or a name in the config\'s '
                         'segmenters; default: the config\'s segmenter.network')
    options.add_argument('--seed', type=natural, default=0, metavar='N',
                         help='of the segmenter (default 0)')
    options.add_argument('--num-synthetic', type=positive, metavar='N', help='learn from the first '
                         'N synthetic pairs (default: generation.num_train)')
    options.add_argument('--labelled', type=float, metavar='P', help='of a regime for another hospital: learn from the '
                         'labels of P per cent of its learning images (default: transfer.labelled)')


def natural(text: str) -> int:
    """argparse type: a whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'expected a whole number from 0 on, found {text!r}')
    return int(text)


def positive(text: str) -> int:
    """argparse type: a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'expected a whole number from 1 on, found {text!r}')
    return int(text)


def some_path(text: str) -> str:
    """argparse type: a path; an empty one is a variable that nobody set."""
    if not text.strip():
        raise argparse.ArgumentTypeError('expected a path, found an empty text; is a variable not set?')
    return text


def check_parent(option: str, path: str) -> None:
    """Raises InputError unless a file can be written there: in an existing folder, and in no folder's place."""
    if Path(path).is_dir():
        raise InputError(f'{option} {path}: expected a file, found a folder; name a file in it')
    if not Path(path).resolve().parent.is_dir():
        raise InputError(f'{option} {path}: expected a file in an existing folder; make '
                         f'{Path(path).parent} first')


def load_config(arguments: argparse.Namespace):
    """The config that `add_config_options` asks for, overrides applied."""
    from pipelines.plan.loading import load_config as load
    return load(arguments.config, arguments.overrides)


def load_arm_config(arguments: argparse.Namespace):
    """The config of a tool that works in one arm's folder."""
    config = load_config(arguments)
    if config.matrix:
        raise InputError(f'--config {arguments.config}: has a matrix, and this tool works on one of '
                         f'its arms: give the config.yaml in the arm\'s folder, and that folder as '
                         f'--workdir')
    return config


def open_workdir(arguments: argparse.Namespace, config, arms, names=None):
    """The folder that --workdir names, checked; see experiment/opening.py."""
    from pipelines.experiment.opening import open_experiment
    return open_experiment(config, arguments.workdir, arms, names, arguments.redo, arguments.adopt)


def dry_run(arguments: argparse.Namespace, arms, translator=None) -> bool:
    """Prints the plan of these matrix.Arms, or of the one's translator, if that is all that was asked for."""
    if arguments.dry_run:
        setup_tensorflow()
        from pipelines.cost.dry_run import describe, describe_translator
        print(describe(arms) if translator is None else describe_translator(arms[0].config, translator))
    return arguments.dry_run


def run_of(arguments: argparse.Namespace, config):
    """The regimes.Run that the options of `add_run_options` name."""
    from pipelines.plan import regimes, transfers
    segmenter, pairs = arguments.segmenter or config.segmenter.network, arguments.num_synthetic
    regime = regimes.parse_regime(arguments.regime)
    # the regime that is asked for, whichever the config lists
    check_segmenter(arguments, dataclasses.replace(config, regimes=(regime.name,)), segmenter)
    regimes.check_pairs(regime, pairs)
    share = transfers.share_of(regime.name, arguments.labelled, config.transfer.labelled)
    return regimes.Run(regime, segmenter, arguments.seed, pairs, share)


def refuse_given(options: argparse.ArgumentParser, arguments: argparse.Namespace, names: Sequence[str], when: str) -> None:
    """Ends the tool where one of these options was given: nothing would read it; `when` says where something does."""
    for name in names:
        if getattr(arguments, name) != options.get_default(name):
            options.error(f'--{name.replace("_", "-")}: expected {when}; leave it out')


def check_segmenter(arguments: argparse.Namespace, config, name: str) -> None:
    """InputError for a network that nobody knows or that the config gives what it does not take."""
    from pipelines.plan import checks
    from pipelines.plan.loading import segmenter_settings
    checks.check_segmenter(config, name, segmenter_settings(config, name), arguments.config)


def setup_tensorflow(strategy: str = 'none') -> None:
    """Before the first op of a tool that computes; `strategy` where it trains, see the config."""
    from pipelines.runtime import determinism
    determinism.setup(strategy)
