"""Seeds from names, without TensorFlow."""
from __future__ import annotations

import hashlib


def stable_seed(*parts) -> int:
    """A seed in 0..2**31-1 from any printable parts: the same in every process and version."""
    text = '/'.join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], 'big') & 0x7FFFFFFF
