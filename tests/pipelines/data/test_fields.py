"""What a field repairs of what a GAN drew."""
import numpy as np

from datasets.dots import draw_dots, mask_dots
from datasets.labels import CHEST
from datasets.phantom.phantom import draw_phantom
from pipelines.data.fields import Repairs, field_of
from tests.conftest import tiny_config


def test_generated_dots_are_jittered_and_judged_as_they_then_are():
    config = tiny_config(labels={'jitter': 0.05})
    field = field_of('dots', config, CHEST)
    real = draw_dots(mask_dots(draw_phantom(0, 0, 256).masks, CHEST), CHEST, 32, 1)
    found = [field.repair(real, Repairs(None, [5, number])) for number in range(20)]
    assert len({one.values.tobytes() for one in found}) > 15
    assert all(len(np.unique(one.values)) == 6 for one in found if not one.violations)
    assert (field.repair(real, Repairs(None, None)).values == real).all()        # of a dot that somebody drags, none
