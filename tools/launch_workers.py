"""Starts one training in several processes of this host, and ends them all when one of them fails.

Each gets a TF_CONFIG of its own; the training needs --set strategy=multi_worker. Under Slurm, srun
does the same for several hosts: srun --kill-on-bad-exit=1 python tools/train_stage.py ...
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets.errors import InputError
from tools import common

# seconds from the request to end until a worker is killed
GRACE = 60.0       # of all: they save at the end of their step
LOST_GRACE = 10.0  # when one is lost: the others may wait for it
TRAIN = ('train_stage.py', 'train_segmenter.py')


def main() -> int:
    options = common.parser(
        __doc__,
        '  # after a kill, the same command goes on where the last checkpoint was\n'
        '  python tools/launch_workers.py --workers 2 train_stage.py --config runs/a.yaml \\\n'
        '      --workdir runs/a --method three --stage dots --set strategy=multi_worker')
    options.add_argument('--workers', type=common.positive, required=True, metavar='N',
                         help='number of processes; a batch has to divide by that of their devices')
    options.add_argument('tool', choices=TRAIN, help='what they run')
    arguments, rest = options.parse_known_args()
    if not any(text.replace(' ', '') == 'strategy=multi_worker' for text in rest):
        raise InputError('expected --set strategy=multi_worker behind the tool, found it missing: '
                         'each worker would train alone')
    tool = Path(__file__).resolve().parent / arguments.tool
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    workers, grace = [], GRACE
    addresses = _addresses(arguments.workers)
    try:
        for number in range(arguments.workers):
            workers.append(_start(number, addresses, [sys.executable, str(tool), *rest]))
            print(f'worker {number}: process {workers[-1].pid}', flush=True)
        code = _wait(workers)
        grace = LOST_GRACE
        return code
    finally:
        _end(workers, grace)


def _addresses(count: int) -> list:
    """Addresses on this host whose ports are free now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(('127.0.0.1', 0))
    addresses = [f'127.0.0.1:{one.getsockname()[1]}' for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def _start(number: int, addresses: list, command: list) -> subprocess.Popen:
    config = {'cluster': {'worker': addresses}, 'task': {'type': 'worker', 'index': number}}
    return subprocess.Popen(command, env={**os.environ, 'TF_CONFIG': json.dumps(config)},
                            stdin=subprocess.DEVNULL, start_new_session=True)


def _wait(workers: list) -> int:
    """0 when all have ended well; otherwise the exit code of the first that did not."""
    running = dict(enumerate(workers))
    while running:
        for number, worker in list(running.items()):
            code = worker.poll()
            if code is not None:
                del running[number]
            if code:
                print(f'error: worker {number} (process {worker.pid}) ended with {code}; the others '
                      f'are ended too. Repeat the command to go on from the last checkpoint',
                      file=sys.stderr)
                return code if code > 0 else 128 - code
        time.sleep(0.2)
    return 0


def _end(workers: list, grace: float) -> None:
    """Asks those that still run to end, and kills those that wait for a lost one."""
    until = time.monotonic() + grace
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    for worker in workers:
        try:
            worker.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


if __name__ == '__main__':
    common.run(main)
