"""The Dockerfile and the Apptainer definition: linted, and their steps run, but for the installation and the build."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE, APPTAINER = ROOT / 'Dockerfile', ROOT / 'tools' / 'apptainer.def'
HOME = '/opt/multi-stage-synthesis'


def copied():
    """What the image holds of the clone: source -> where."""
    found = {}
    for sources in re.findall(r'^COPY (.+)$', DOCKERFILE.read_text(), re.M):
        *names, target = sources.split()
        found.update({name: f'{target}{name}' if target == './' else target for name in names})
    return found


def is_let_in(path):
    """Whether .dockerignore leaves a path in what Docker is sent: the last pattern that fits decides."""
    found = True
    for line in (ROOT / '.dockerignore').read_text().splitlines():
        if line and not line.startswith('#'):
            pattern = re.escape(line.lstrip('!')).replace(r'\*\*/', '(.*/)?').replace(r'\*', '[^/]*')
            if re.fullmatch(f'{pattern}(/.*)?', path):  # a folder stands for all in it
                found = line.startswith('!')
    return found


def tracked():
    """The files of the clone that the image is to hold."""
    listed = subprocess.run(['git', 'ls-files', *copied()], cwd=ROOT, capture_output=True, text=True).stdout
    return set(listed.splitlines())


PLANTED = ('datasets/p.png', 'datasets/jsrt/JPCLN001.IMG', 'datasets/readers/ids.txt', 'datasets/masks.json', 'models/net.h5',
           'pipelines/serving/a.dcm', 'pipelines/runs/a.tfrecord', 'pipelines/figures/more/p.png', 'tools/.netrc',
           'tools/names.csv', 'pipelines/.kept/p.py', 'datasets/__pycache__/a.pyc')


def plant(house):
    """Files of somebody between those of the code; a link too, to a folder elsewhere."""
    for name in PLANTED:
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_text('somebody')
    (house / 'datasets' / 'linked').symlink_to(house.parent)


def test_the_linter_has_nothing_to_say():
    linter = Path(sys.executable).with_name('hadolint')
    if not linter.exists():
        pytest.skip('hadolint is not installed: EXTRAS=1 bash tools/setup_environment.sh')
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, '')


def test_what_is_copied_is_tracked_and_not_ignored():
    sources = copied()
    assert {'datasets', 'models', 'pipelines', 'tools', 'tools/locks', 'LICENSE'} <= set(sources)
    for name, target in sources.items():
        assert subprocess.run(['git', 'ls-files', '--error-unmatch', name], cwd=ROOT, capture_output=True).returncode == 0
        assert target.removeprefix('./') == name.removeprefix('./')
    assert all(map(is_let_in, tracked()))


def test_what_lies_between_the_code_stays_out_of_either_image(tmp_path):
    assert not any(map(is_let_in, (*PLANTED, 'datasets/linked', 'runs/demo/config.yaml', 'tests/data/a.npz', '.git/config')))
    house = tmp_path / 'house'
    copy_to(house)
    plant(house)
    steps = re.search(r'^%post\n(.*?)^    for lock', APPTAINER.read_text(), re.M | re.S)[1]
    assert f'cd {HOME}\n' in steps
    subprocess.run(['bash', '-e'], input=steps.replace(HOME, str(house)), text=True, check=True)
    left = {str(path.relative_to(house)) for path in house.rglob('*') if not path.is_dir() or path.is_symlink()}
    assert left == tracked() and list(tmp_path.iterdir()) == [house]


def test_both_hold_the_same_and_install_it_alike():
    text = APPTAINER.read_text()
    files = re.search(r'%files\n(.*?)\n\n', text, re.S)[1].split('\n')
    assert {line.split()[0] for line in files} == {name for name in copied() if name != 'tools/locks'}
    assert all(line.split()[1].startswith(HOME) for line in files)
    flat = [re.sub(r'\s*\\?\n\s*(&& )?', ' ', part) for part in (DOCKERFILE.read_text(), text)]
    install = re.search(r'python -m pip install .*? --requirement \S+', flat[0])[0]
    assert '--require-hashes' in install and install in flat[1]
    assert re.search(r'^FROM (.+)$', DOCKERFILE.read_text(), re.M)[1] == re.search(r'^From: (.+)$', text, re.M)[1]


def copy_to(house):
    """What the image holds."""
    for name in tracked():
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, house / name)


def test_the_tools_run_from_what_is_copied_and_write_nothing_beside_it(tmp_path):
    house = tmp_path / 'house'
    copy_to(house)
    before = sorted(house.rglob('*'))
    data, environment = tmp_path / 'data', dict(re.findall(r'(\w+)=(\S+)', re.search(
        r'^ENV (.+)$', DOCKERFILE.read_text(), re.M)[1]))
    data.mkdir()
    done = subprocess.run([sys.executable, 'tools/prepare_records.py', '--dataset', 'phantom', '--count', '2', '--size',
                           '32', '--split', 'train', '--output', data / 'records'], cwd=house, capture_output=True,
                          text=True, env={**environment, 'PATH': '/usr/bin:/bin'})
    assert done.returncode == 0 and (data / 'records' / 'dataset_info.json').exists(), done.stderr
    assert sorted(house.rglob('*')) == before


def test_a_number_is_the_user_and_python_the_command():
    text = DOCKERFILE.read_text()
    assert re.search(r'^USER [1-9]\d*$', text, re.M) and 'VOLUME /data' in text and 'ENTRYPOINT ["python"]' in text
    assert 'not tested' in text and 'not tested' in APPTAINER.read_text()
