"""What the data sets of a config hold now, for plan/provenance.py to compare."""
from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional

from datasets.digests import Digests, contents
from datasets.readers import READERS, place_of
from pipelines.data.sources import open_split
from pipelines.plan.config import Config
from pipelines.runtime import progress


def contents_of(config: Config, folder, say: Callable[[str], None] = print
                ) -> Callable[[str], Optional[dict]]:
    """A function: set of records -> digests.contents of it now; None where the data set is not there.

    Args:
      folder: of the experiment or arm, where digests are kept.
      say: told of a data set that is not there: what was made of it is taken as it is.
    """
    kept, told = Digests(folder), set()

    def look(name: str) -> Optional[dict]:
        data = config.data_of(name)
        if not READERS[data.dataset].is_drawn and not Path(place_of(data.source)).exists():
            if data.source not in told:
                told.add(data.source)
                say(f'note: data.source {data.source} is not there: what was made of it is taken as it is')
            return None
        return contents(open_split(config, name), kept, lambda ids: ids and progress.bar(
            ids, desc=f'look at {name}', unit='image'))
    return look
