"""run_experiment.py killed, and stopped by a full disk, and repeated gives an undisturbed run's results.

A small form of tests/faults.py; tests/test_resume.py kills inside every kind of training.
"""
import shutil
import subprocess

from tests import faults


def run_until(command, announced):
    """Runs until a line that begins with `announced` is printed, then kills."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        for line in process.stdout:
            if line.startswith(announced):
                process.kill()
                return True
    return False


def test_faults_leave_the_results_of_an_undisturbed_run(finished, tmp_path):
    _, undisturbed = finished
    command = faults.command(tmp_path)
    # begun with two stages, whose graphs take the longest to trace; the full form begins anew
    for part in ('records', 'stages/dots', 'stages/labels_from_dots'):
        shutil.copytree(undisturbed / part, tmp_path / 'run' / part)
    shutil.copy(undisturbed / 'config.yaml', tmp_path / 'run')
    full = faults.fill_disk(command, 30_000)
    assert full.is_clear and full.returncode == 2, full.stderr
    assert 'File too large; make space and repeat the command' in full.stderr
    # killed when the next step is announced: each step ends in one process and the next begins anew
    for announced in ('segmenter real', 'segmenter finetune3'):
        assert run_until(command, announced)
    faults.run_to_the_end(command)
    assert faults.fingerprint(tmp_path / 'run') == faults.fingerprint(undisturbed)
    assert faults.leftovers(tmp_path / 'run') == []


def test_a_run_that_cannot_write_at_all_says_so(tmp_path):
    full = faults.fill_disk(faults.command(tmp_path), 1000)
    assert full.is_clear and full.returncode == 2, full.stderr
    assert f'--workdir {tmp_path / "run"}: cannot write there: File too large' in full.stderr
