"""How alike two pictures are, as the correlation of their pixels: the product of their unit vectors."""
from __future__ import annotations

import cv2
import numpy as np


def unit_vector(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture [S, S] or [S, S, C], colours by their channels' mean -> [side * side] of mean 0 and length 1; 0 where it is
    constant."""
    grey = picture.reshape(*picture.shape[:2], -1).astype(np.float32).mean(axis=-1)
    vector = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA).ravel().astype(np.float64)
    vector -= vector.mean()
    return vector / max(np.linalg.norm(vector), 1e-9)
