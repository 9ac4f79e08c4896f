"""The exceptions that tools print as one line instead of a traceback.

InputError means "the input is wrong, not the program" (exit code 2), Diverged that a training ran
away (exit code 1); everything else is a bug and keeps its traceback. A message says which file or
argument, what was expected, what was found, what to do.
"""
import re

EXTRAS = 'EXTRAS=1 bash tools/setup_environment.sh'  # installs what only some need
# where in TensorFlow it happened; later versions name more of it, before what happened
_WHERE = re.compile(r'\{\{.*?\}\} |\[Op:\w+\]|'
                    r'Error in user-defined function passed to \S+ transformation with iterator: \S+: ')


class Diverged(RuntimeError):
    """A loss or gradient was not finite; the last good state is on disk."""


class InputError(ValueError):
    """A file, folder, argument or config of the user's that cannot be used as it is."""


def reason(message: str) -> str:
    """What TensorFlow says happened, in one line, without where."""
    return ' '.join(_WHERE.sub('', message).split())
