"""Options of the tools that ask what was found in the pictures of records: by an exported model or by another program."""
from __future__ import annotations

import argparse

from datasets.errors import InputError
from tools import common


def add_finder_options(options: argparse.ArgumentParser) -> None:
    """--model or --predictions with --classes, and --records, see `finder_of`."""
    who = options.add_mutually_exclusive_group(required=True)
    who.add_argument('--model', type=common.some_path, metavar='SAVEDMODEL', help='folder with saved_model.pb, from export_model.py')
    who.add_argument('--predictions', type=common.some_path, metavar='DIR', help='label maps of any other program, <id>.png for each picture of '
                     'the records, of its shape or of that of the records')
    options.add_argument('--classes', nargs='+', metavar='CLASS=CODE', help='what the label maps of --predictions hold, as '
                         'left_lung=1 heart=2 right_lung=3, beside 0 for the background; default: as the coding.yaml or '
                         'the dataset.json (of nnU-Net) says that lies beside them')
    options.add_argument('--records', required=True, type=common.some_path, metavar='DIR', help='WORKDIR/records/test of a run, or from '
                         'prepare_records.py')


def finder_of(arguments: argparse.Namespace, chosen=None):
    """The finders.Finder that the options name; `chosen` are the classes to score."""
    codes = _codes(arguments.classes)
    if codes and not arguments.predictions:
        raise InputError('--classes: expected with --predictions, for a model knows its classes; leave it out')
    from pipelines.evaluation import finders
    if arguments.predictions:
        return finders.of_predictions(arguments.predictions, arguments.records, codes, chosen)
    return finders.of_model(arguments.model, arguments.records, chosen)


def _codes(words):
    """['heart=2'] -> {'heart': 2}; None of none."""
    codes = {}
    for word in words or ():
        name, _, code = word.partition('=')
        is_code = code.isdecimal() and len(code) <= 3 and 1 <= int(code) <= 255
        if not name or name in codes or not is_code or int(code) in codes.values():
            raise InputError(f'--classes {word}: expected different classes with different codes of 1 to 255, each as '
                             f'CLASS=CODE')
        codes[name] = int(code)
    return codes or None
