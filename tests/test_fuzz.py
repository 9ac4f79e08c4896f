"""Damaged files, a small run of tests/fuzz.py: no traceback, no hang, no silent wrong result."""
from pathlib import Path

from tests import fuzz


def test_damaged_files_are_refused_or_harmless(finished, tmp_path):
    _, workdir = finished
    found = fuzz.targets(workdir, tmp_path, Path(__file__).parent / 'data')
    outcomes, failures = fuzz.fuzz(found, inputs=5 * len(found), seed=0)
    assert not failures, '\n'.join(failures)
    assert all(sum(counts.values()) == 5 for counts in outcomes.values())
    sealed = {target.name for target in found if target.sealed}  # others may be as good as before
    taken = [name for name, counts in outcomes.items() if not counts['refused'] and name in sealed]
    assert taken == ['checkpoint to go on from'], outcomes  # which goes back to the one before
