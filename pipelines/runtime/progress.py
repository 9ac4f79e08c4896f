"""One kind of progress bar: lively on a terminal, a line every 15 seconds in a cluster's log."""
from __future__ import annotations

import functools
import sys

from tqdm import tqdm

bar = functools.partial(tqdm, file=sys.stderr, mininterval=0.5 if sys.stderr.isatty() else 15,
                        dynamic_ncols=True)
