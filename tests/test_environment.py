"""setup_environment.sh, test.sh, demo.sh and .ci/run with pythons that only write down what they are asked.

PATH holds those and the commands below, which every Linux and macOS has: another one would not be found.
"""
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ('bash', 'sh', 'cat', 'cmp', 'cp', 'dirname', 'head', 'mkdir', 'rm', 'touch', 'uname')
PYTHON = '''#!/bin/sh
case "$*" in
  *version_info*) echo {version} ;;
  "-m venv --without-pip "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  "-m venv "*) [ -n "$NO_ENSUREPIP" ] && exit 1; mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  --version) echo Python {version} ;;
  *) echo "{version} $*" >> "$CALLS" ;;
esac
'''


class Place:
    """A copy of the scripts, a PATH of its own, and what the pythons on it were called with."""

    def __init__(self, folder):
        self.root, self.bin, self.calls = folder / 'house', folder / 'bin', folder / 'calls'
        for name in ('tools', '.ci'):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns('*.py', '__pycache__'))
        self.bin.mkdir()
        for command in COMMANDS:
            (self.bin / command).symlink_to(shutil.which(command))

    def add(self, command, text):
        (self.bin / command).write_text(text)
        (self.bin / command).chmod(0o755)

    def pythons(self, *versions):
        for version in versions:
            self.add(f'python{version}', PYTHON.format(version=version))

    def run(self, script, *arguments, cwd=None, **environment):
        return subprocess.run(
            ['bash', self.root / script, *arguments], cwd=cwd or self.root, capture_output=True, text=True,
            env={'PATH': str(self.bin), 'HOME': str(self.root), 'CALLS': str(self.calls), **environment})

    def refused(self, script, *arguments, **environment):
        done = self.run(script, *arguments, **environment)
        assert done.returncode == 2 and done.stderr.count('error: ') == 1, done.stderr
        return done.stderr

    def asked(self, words):
        """(version, arguments) of the calls with these words."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line.split(' ', 1) for line in lines if words in line]


@pytest.fixture()
def place(tmp_path):
    return Place(tmp_path)


@pytest.mark.parametrize('there, environment, wanted', [
    (['3.13', '3.12', '3.9', '3.10'], {}, '3.10'), (['3.13', '3.12'], {}, '3.13'), (['3.12'], {}, '3.12'),
    (['3.11', '3.12'], {'LANE': 'second'}, '3.12'), (['3.11', '3.12'], {'PYTHON': 'python3.12'}, '3.12')])
def test_the_reference_comes_first_unless_another_is_named(place, there, environment, wanted):
    place.pythons('3.8', '3.14', *there)
    done = place.run('tools/setup_environment.sh', **environment)
    assert done.returncode == 0 and done.stdout == f'ready: source .venv-{wanted}/bin/activate\n', done.stderr
    assert place.asked('--require-hashes')[0][0] == wanted
    assert (place.root / f'.venv-{wanted}' / 'installed').read_text() == (
        place.root / 'tools/locks/cpu.txt').read_text()
    assert 'GB' in done.stderr
    assert place.run('tools/setup_environment.sh', **environment).stderr == ''  # nothing twice
    assert len(place.asked('--require-hashes')) == 1


def test_extras_are_asked_for_once_and_kept(place):
    place.pythons('3.11')
    for environment in ({}, {'EXTRAS': '1'}, {}, {'EXTRAS': '1'}):
        assert place.run('tools/setup_environment.sh', **environment).returncode == 0
    assert [call.count('--requirement=tools/locks/') for _, call in place.asked('--require-hashes')] == [1, 2]
    assert 'extras.txt' in place.asked('--require-hashes')[1][1]


def test_a_shim_of_pyenv_leads_to_the_python_behind_it(place):
    place.add('python3.13', '#!/bin/sh\necho pyenv: python3.13: command not found >&2\nexit 127\n')
    place.add('found', PYTHON.format(version='3.13'))
    behind = place.root / '.pyenv' / 'versions' / '3.13.0' / 'bin'
    behind.mkdir(parents=True)
    (place.bin / 'found').rename(behind / 'python')
    for environment in ({}, {'PYTHON': 'python3.13'}):
        assert place.run('tools/setup_environment.sh', **environment).stdout.startswith('ready: source .venv-3.13/')


@pytest.mark.parametrize('environment, message', [
    ({}, 'expected Python 3.11 or 3.10 or 3.9 or 3.13 or 3.12, found none. Install one (uv python install 3.11'),
    ({'LANE': 'second'}, 'expected Python 3.13 or 3.12, found none'),
    ({'PYTHON': 'python3.14'}, 'PYTHON=python3.14: expected Python 3.11 or 3.10 or 3.9 or 3.13 or 3.12, found '
     'Python 3.14'),
    ({'LANE': 'both'}, 'LANE=both: expected reference (Python 3.9 to 3.11) or second (3.12, 3.13)')])
def test_no_python_that_fits_is_one_line(place, environment, message):
    place.pythons('3.14')
    assert message in place.refused('tools/setup_environment.sh', **environment)


def test_lanes_and_the_environments_of_others_stand_side_by_side(place):
    place.pythons('3.11', '3.13')
    (place.root / '.venv').mkdir()
    (place.root / '.venv' / 'mine').touch()
    for python in ('python3.11', 'python3.13', 'python3.11'):
        assert place.run('tools/setup_environment.sh', PYTHON=python).returncode == 0
    assert len(place.asked('--require-hashes')) == 2 and (place.root / '.venv' / 'mine').exists()


def test_an_environment_that_it_did_not_make_is_left_alone(place):
    place.pythons('3.11')
    (place.root / '.venv-3.11').mkdir()
    (place.root / '.venv-3.11' / 'mine').touch()
    assert '.venv-3.11: expected an environment that this script made, found another' in place.refused(
        'tools/setup_environment.sh')
    assert (place.root / '.venv-3.11' / 'mine').exists()


def test_its_own_environment_without_a_python_is_made_anew(place):
    place.pythons('3.11')
    place.run('tools/setup_environment.sh')
    (place.root / '.venv-3.11' / 'bin' / 'python').unlink()
    assert place.run('tools/setup_environment.sh').returncode == 0
    assert len(place.asked('--require-hashes')) == 2


def test_a_python_without_ensurepip_is_given_a_pip(place):
    place.pythons('3.12')
    assert place.run('tools/setup_environment.sh', NO_ENSUREPIP='1').returncode == 0
    assert place.asked('--python .venv-3.12/bin/python')


def test_cuda_comes_where_there_is_a_gpu_unless_it_is_declined(place):
    place.pythons('3.11')
    place.add('nvidia-smi', '#!/bin/sh\n')
    done = place.run('tools/setup_environment.sh', CPU='1')
    assert 'cuda' not in place.asked('--require-hashes')[-1][1] and 'CUDA' not in done.stderr
    done = place.run('tools/setup_environment.sh')
    assert 'cuda.txt' in place.asked('--require-hashes')[-1][1] and 'CPU=1' in done.stderr


def test_another_system_is_told_what_to_do(place):
    (place.bin / 'uname').unlink()
    place.add('uname', '#!/bin/sh\necho MINGW64_NT\n')
    assert 'expected Linux or macOS, found MINGW64_NT; on Windows use WSL2' in place.refused(
        'tools/setup_environment.sh')


def test_both_lanes_are_tested_one_after_the_other(place):
    place.pythons('3.10', '3.11', '3.12')
    done = place.run('tools/test.sh', '--both', '-k', 'folds')
    assert done.returncode == 0, done.stderr
    assert [version for version, arguments in place.asked('-m pytest')] == ['3.11', '3.12']
    assert all(arguments.endswith('-k folds') for _, arguments in place.asked('-m pytest'))


def test_the_check_runs_both_lanes_or_the_one_that_is_named(place):
    place.pythons('3.11')
    assert 'expected Python 3.13 or 3.12, found none' in place.refused('.ci/run')
    assert not place.asked('-m pytest')
    assert place.run('.ci/run', LANE='reference').returncode == 0
    place.pythons('3.13')
    assert place.run('.ci/run', LANE='second').returncode == 0
    assert place.run('.ci/run').returncode == 0
    assert [version for version, _ in place.asked('-m pytest')] == ['3.11', '3.13', '3.11', '3.13']


@pytest.fixture()
def configs(place):
    """A place with configs: of drawn chests of two hospitals, of drawn and other data, of other data."""
    shutil.copytree(ROOT / 'pipelines/configs', place.root / 'pipelines/configs')
    for name, text in (('two', 'data:\n  dataset: phantom\nsources: {target: {dataset: phantom_b}}\n'),
                       ('mixed', 'data: {dataset: phantom}\nexternal:\n  m: {dataset: montgomery, source: /m}\n')):
        (place.root / f'pipelines/configs/{name}.yaml').write_text(text)
    place.pythons('3.13')
    return place


@pytest.mark.parametrize('given, name, wanted', [
    ([], 'demo', 'house/runs/demo'), (['demo'], 'demo', 'house/runs/demo'), (['./mine'], 'demo', './mine'),
    (['/mine'], 'demo', '/mine'), (['two'], 'two', 'house/runs/two'), (['two', 'mine'], 'two', 'mine'),
    (['two', '/mine'], 'two', '/mine'), (['demo_transfer'], 'demo_transfer', 'house/runs/demo_transfer'),
    (['demo_retina'], 'demo_retina', 'house/runs/demo_retina'),
    (['networks_full'], 'networks_full', 'house/runs/networks_full')])
def test_the_demo_takes_a_config_and_works_where_it_is_told(configs, given, name, wanted):
    done = configs.run('tools/demo.sh', *given, cwd=configs.root.parent)
    assert done.returncode == 0, done.stderr
    place = wanted if wanted.startswith('/') else f'{configs.root.parent}/{wanted}'
    assert configs.asked('run_experiment')[0][1].endswith(
        f'--config pipelines/configs/{name}.yaml --workdir {place}')


@pytest.mark.parametrize('given, message', [
    (['mine'], 'mine: expected the name of a config that asks for drawn pictures alone, one of demo, demo_retina, demo_transfer, '
               'lesions_cpu, networks_full, phantom_sweep_cpu, two, found none in pipelines/configs; write a WORKDIR behind the name, or with a slash: ./mine'),
    (['jsrt_tiny_cpu'], 'jsrt_tiny_cpu: expected a config that asks for drawn pictures alone, one of demo, demo_retina, demo_transfer, '
                        'lesions_cpu, networks_full, phantom_sweep_cpu, two, found one of data that you bring: python tools/run_experiment.py --config '
                        'pipelines/configs/jsrt_tiny_cpu.yaml --set data.source=DIR'),
    (['mixed'], 'mixed: expected a config that asks for drawn pictures alone'),
    (['demo', 'a', 'b'], 'bash tools/demo.sh [NAME] [WORKDIR]: expected no more than that, found b')])
def test_the_demo_refuses_in_one_line_before_it_installs_anything(configs, given, message):
    said = configs.refused('tools/demo.sh', *given)
    assert message in said and len(said.splitlines()) == 1
    assert not configs.calls.exists()
