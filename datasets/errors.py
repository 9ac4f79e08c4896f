"""The exceptions that tools print as one line instead of a traceback.

InputError means "the input is wrong, not the program" (exit code 2), Diverged that a training ran
away (exit code 1); everything else is a bug and keeps its traceback. A message says which file or
argument, what was expected, what was found, what to do.
"""


class Diverged(RuntimeError):
    """A loss or gradient was not finite; the last good state is on disk."""


class InputError(ValueError):
    """A file, folder, argument or config of the user's that cannot be used as it is."""
