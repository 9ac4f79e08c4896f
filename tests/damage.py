"""Ways in which a file can be damaged: (random numbers, its bytes, files of other kinds) -> bytes."""
from __future__ import annotations

import struct

import numpy as np


def flip(rng, data, others):
    damaged = bytearray(data)
    for position in rng.integers(max(len(data), 1), size=rng.integers(1, 9)):
        if data:
            damaged[position] ^= 1 << rng.integers(8)
    return bytes(damaged)


def cut(rng, data, others):
    return data[:rng.integers(len(data) + 1)]


def cut_at_a_record(rng, data, others):
    """Leaves whole records of a TFRecord file, or whole lines of a text: what is left looks right."""
    ends, position = [], 0
    while position + 12 <= len(data):
        length, = struct.unpack('<Q', data[position:position + 8])
        position += 16 + length
        ends.append(position)
        if position == len(data):
            return data[:ends[rng.integers(len(ends))] if len(ends) > 1 else 0]
        if position > len(data):
            break
    lines = data.splitlines(keepends=True)
    return b''.join(lines[:rng.integers(len(lines) + 1)])


def empty(rng, data, others):
    return b''


def grow(rng, data, others):
    return data + bytes(rng.integers(256, size=int(rng.integers(1, 1 << 20)), dtype=np.uint8))


def repeat(rng, data, others):
    begin = rng.integers(len(data) + 1)
    end = rng.integers(begin, len(data) + 1)
    return data[:end] + data[begin:]


def overwrite(rng, data, others):
    """Zeros, ones, or the largest number, where a length or a size may stand."""
    begin = rng.integers(max(min(len(data), 64), 1)) if rng.random() < .5 else rng.integers(
        len(data) + 1)
    patch = [b'\0' * 4, b'\1' * 4, b'\x7f\xff\xff\xff', b'\xff' * 8][rng.integers(4)]
    return data[:begin] + patch + data[begin + len(patch):]


def swap(rng, data, others):
    """Another kind of file under this name."""
    return others[rng.integers(len(others))].read_bytes()


def text(rng, data, others):
    """Numbers and words of a text replaced by others of its own."""
    words = data.split(b' ')
    for position in rng.integers(len(words), size=3):
        words[position] = [b'-1', b'1e999', b'null', b'{}', b'[', b'"../x"', b'9' * 400,
                           words[rng.integers(len(words))]][rng.integers(8)]
    return b' '.join(words)


DAMAGES = (flip, flip, cut, cut_at_a_record, empty, grow, repeat, overwrite, swap, text)
