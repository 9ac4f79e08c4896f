"""One writer at a time: locks that end with their process, however it ends."""
from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import Iterator

from datasets.errors import InputError


@contextlib.contextmanager
def held(path, what: str, patience: float = 0.0) -> Iterator[None]:
    """Holds the lock file `path`, which is there while it is held, and makes its folder.

    The operating system frees it when the process ends, so that one left by a killed run blocks
    nobody. Other hosts see it where the file system carries locks (flock: NFS, Lustre and most
    others do); where it does not, nobody is stopped.

    Args:
      what: that is written under the lock, for the message.
      patience: seconds to wait for another run that holds it.

    Raises:
      InputError: another run holds it; its host and process are named.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    while True:
        try:
            descriptor = _take(path, what)
            break
        except InputError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.1)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _take(path: Path, what: str) -> int:
    """The descriptor of a lock file that is ours and still there."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode(errors='replace') or 'another process'
            os.close(descriptor)
            raise InputError(f'{what}: {holder} is writing it now; let it end, or stop it, and '
                             f'repeat the command') from None
        except OSError:
            pass  # no locks on this file system
        if _is_still_there(path, descriptor):  # not so if its last holder removed it just now
            os.truncate(descriptor, 0)
            os.write(descriptor, f'process {os.getpid()} on host {socket.gethostname()}'.encode())
            return descriptor
        os.close(descriptor)


def _is_still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
