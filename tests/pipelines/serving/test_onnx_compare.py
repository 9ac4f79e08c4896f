"""How far an ONNX file may be from its SavedModel before it is refused."""
from types import SimpleNamespace

import numpy as np
import pytest

from datasets.errors import InputError
from pipelines.serving import onnx_file
from pipelines.serving.portable import Portable


@pytest.mark.parametrize('name, changed, by, message', [
    ('labels', 9, 1, None), ('labels', 20, 1, 'another value in 0.2 %'), ('image', 10000, 1, None),
    ('image', 20, 2, 'another value in 0.2 %')])
def test_codes_may_tie_and_greys_round(name, changed, by, message):
    wanted = np.full([1, 100, 100], 7, np.uint8)
    found = wanted.copy()
    found.reshape(-1)[:changed] += by
    session = SimpleNamespace(get_outputs=lambda: [SimpleNamespace(name=name)], run=lambda names, given: [found])
    portable = Portable(None, (), lambda given: {name: wanted}, [{'x': np.zeros([1])}], {})
    if message is None:
        onnx_file.compare(session, portable)
    else:
        with pytest.raises(InputError, match=message):
            onnx_file.compare(session, portable)


@pytest.mark.parametrize('pixels, by, is_near', [
    (100, 1e-3, True), (101, 1e-3, False),   # a hundredth of 100 x 100 may be off, ...
    (10, 0.019, True), (10, 0.021, False),   # ... if it is not by much
    (10000, 9e-5, True)])
def test_a_few_places_may_move_if_all_is_near_on_average(pixels, by, is_near):
    off = np.zeros(10000, np.float32)
    off[:pixels] = by
    session = SimpleNamespace(get_outputs=lambda: [SimpleNamespace(name='y')],
                              run=lambda names, given: [off.reshape(1, 100, 100)])
    portable = SimpleNamespace(examples=[{'x': np.zeros(1)}], reference=lambda _: {'y': np.zeros((1, 100, 100), np.float32)})
    if is_near:
        onnx_file.compare(session, portable)
    else:
        with pytest.raises(InputError, match='off by up to'):
            onnx_file.compare(session, portable)
