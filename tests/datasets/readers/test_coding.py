"""coding.yaml: what the structures are, how files say so, and every error."""
import numpy as np
import pytest
import yaml

from datasets.errors import InputError
from datasets.labels import CHEST, LabelCoding
from datasets.readers.coding import read_coding
from tests.datasets.readers.test_folder import CODING


def written(folder, data):
    path = folder / 'coding.yaml'
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data), encoding='utf-8')
    return path


def test_coding_spells_out_chest(tmp_path):
    coded = read_coding(written(tmp_path, CODING))
    assert coded.coding == LabelCoding(tmp_path.name, CHEST.organs, CHEST.codes, CHEST.targets,
                                       CHEST.left_right)
    assert (coded.values, coded.ignore) == (tuple(range(8)), None)


def test_coding_defaults(tmp_path):
    coding = read_coding(written(tmp_path, {'organs': ['vessel', 'disc']})).coding
    assert coding.targets == ('vessel', 'disc') and coding.left_right == ()
    assert [code.organs for code in coding.codes] == [(), ('vessel',), ('disc',)]
    assert coding.projection.tolist() == [0, 1, 2]
    assert len({code.colour for code in coding.codes}) == 3


def test_a_code_predicts_the_first_target_it_names(tmp_path):
    path = written(tmp_path, {'organs': ['bone', 'lung'], 'codes': [['lung'], ['bone'], ['bone', 'lung']],
                              'targets': ['lung']})
    assert read_coding(path).coding.projection.tolist() == [0, 1, 0, 1]


ORGANS = ['x', 'y']


@pytest.mark.parametrize('data, message', [
    ('organs: [', 'coding.yaml: expected YAML that lists the organs'),
    ('just text', 'coding.yaml: expected the key organs.*known keys are organs, codes, colours, '
                  'targets, left_right'),
    ({'targets': ORGANS}, 'expected the key organs'),
    ({'organs': ORGANS, 'target': ['x']}, "unknown key 'target'; known keys are organs, codes"),
    ({'organs': 'x'}, "organs: expected a list, found 'x'"),
    ({'organs': []}, 'organs: expected a list of different names'),
    ({'organs': ['x', 'x']}, 'organs: expected a list of different names'),
    ({'organs': ['x', 1]}, 'organs: expected a list of different names'),
    ({'organs': ['../x']}, 'organs: expected a list of different names'),
    ({'organs': ORGANS, 'codes': [['x'], ['z']]}, "coding.yaml: .*unknown organ 'z'"),
    ({'organs': ORGANS, 'codes': [['x']]}, "no code stands for organ 'y'"),
    ({'organs': ORGANS, 'codes': ['x', 'y']}, "codes: expected a list, found 'x'"),
    ({'organs': ORGANS, 'targets': ['z']}, "unknown organ 'z'"),
    ({'organs': ORGANS, 'colours': [[0, 0, 1]]}, 'expected 2 colours, one per code.*found 1'),
    ({'organs': ORGANS, 'colours': [[0, 0, 1], [0, 0]]}, r'colours: expected \[red, green, blue\]'),
    ({'organs': ORGANS, 'colours': [[0, 0, 1], [0, 0, 256]]}, 'of 0 to 255'),
    ({'organs': ORGANS, 'left_right': [['x']]}, 'left_right: expected pairs'),
    ({'organs': ORGANS, 'left_right': {'x': 'y'}}, 'left_right: expected a list'),
    ({'organs': ORGANS, 'values': [0, 1]}, r'values: expected 3 different numbers of 0 to 255, that of the .*\[0, 1\]'),
    ({'organs': ORGANS, 'values': [0, 1, 1]}, 'values: expected 3 different numbers'),
    ({'organs': ORGANS, 'values': [0, 1, 256]}, 'values: expected 3 different numbers'),
    ({'organs': ORGANS, 'ignore': 2}, r"ignore: expected a number of 0 to 255 that is none of the codes' \[0, 1, 2\]"),
    ({'organs': ORGANS, 'ignore': 'x'}, 'ignore: expected a number'),
])
def test_coding_errors(tmp_path, data, message):
    with pytest.raises(InputError, match=message) as caught:
        read_coding(written(tmp_path, data))
    assert '\n' not in str(caught.value)


def test_a_mask_of_0_and_255_is_read_as_its_values_say(tmp_path):
    coded = read_coding(written(tmp_path, {'organs': ['lung'], 'values': [0, 255]}))
    codes, ignored = coded.codes_of(np.array([[0, 255]], np.uint8), 'x.png')
    assert codes.tolist() == [[0, 1]] and ignored is None
    with pytest.raises(InputError, match=r'x.png: label code 1 is out of range: expected of \[0, 255\] for the '
                                         'background and lung, found 0, 1, 2, 3, 4, 5, ...; say in coding.yaml'):
        coded.codes_of(np.arange(8, dtype=np.uint8)[None], 'x.png')
