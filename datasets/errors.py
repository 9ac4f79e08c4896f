"""The one exception that means "the input is wrong, not the program".

Tools print its message as one line and exit with code 2; everything else is a bug and keeps its
traceback. A message says which file or argument, what was expected, what was found, what to do.
"""


class InputError(ValueError):
    """A file, folder, argument or config of the user's that cannot be used as it is."""
