"""The preventive augmentation of the paper, before any GAN (Ciano 2021, sections 3 and 4.1).

Rotation in [-2, 2] degrees; horizontal, vertical and combined translation of -3 % to +3 % of the
pixels; zero-mean Gaussian noise on the image only. Five variants beside the original make 744 of
124 images and 66 of 11. [ours]
"""
from __future__ import annotations

import hashlib
from typing import Dict, Tuple

import cv2
import numpy as np

from datasets.errors import InputError

MAX_DEGREES = 2.0
MAX_SHIFT = 0.03
NOISE = (0.01, 0.03)
# the original, rotation, horizontal, vertical, combined translation, noise
NUM_VARIANTS = 6


def augment(image: np.ndarray, masks: Dict[str, np.ndarray], seed: int, id: str, variant: int,
            noise: str = 'variance', mode: str = 'separate'
            ) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
    """Makes one variant of a sample; the same for the same (seed, id, variant).

    Args:
      image: uint8 or uint16 [H, W], or uint8 [H, W, 3].
      masks: organ -> bool [h, w]; any size, showing the same field of view as the image.
      seed, id, variant: key the random numbers. Variant 0 is the original; 1 rotates, 2 shifts
        horizontally, 3 vertically, 4 both ways, 5 adds noise.
      noise: what U(0.01, 0.03) x 255 is: the noise's 'variance' [ours] or its 'std', in grey levels
        of an image in 0..255.
      mode: 'separate' gives each variant its one operation [ours]; 'composed' draws rotation, both
        shifts and noise for each variant but the original.

    Returns:
      (image, masks) of the shapes and types given. The image's border is replicated; masks are
      empty beyond theirs.
    """
    if not 0 <= variant < NUM_VARIANTS:
        raise InputError(f'variant: expected 0 to {NUM_VARIANTS - 1}, found {variant}')
    if noise not in ('variance', 'std'):
        raise InputError(f"noise: expected 'variance' or 'std', found {noise!r}")
    if mode not in ('separate', 'composed'):
        raise InputError(f"mode: expected 'separate' or 'composed', found {mode!r}")
    if variant == 0:
        return image, masks
    rng = np.random.default_rng(_key(seed, id, variant))
    movement = _movement(rng, variant, mode)
    if any(movement):
        matrix = _affine(*movement, image.shape[:2])
        masks = {organ: _warp_mask(mask, matrix, image.shape[:2]) for organ, mask in masks.items()}
        image = _warp(image, matrix, cv2.BORDER_REPLICATE)
    if mode == 'composed' or variant == 5:
        image = add_noise(image, rng, noise)
    return image, masks


def moved(picture: np.ndarray, seed: int, id: str, variant: int, mode: str = 'separate') -> np.ndarray:
    """A further picture of the same field of view [h, w(, 3)], moved as `augment` moves the image; without its noise,
    which a picture to be learned does not have. [ours]"""
    if variant == 0:
        return picture
    movement = _movement(np.random.default_rng(_key(seed, id, variant)), variant, mode)
    return _warp(picture, _affine(*movement, picture.shape[:2]), cv2.BORDER_REPLICATE) if any(movement) else picture


def _movement(rng: np.random.Generator, variant: int, mode: str) -> Tuple[float, float, float]:
    """(degrees, shift to the right, shift down) of a variant, shifts as shares of the sides."""
    degrees = rng.uniform(-MAX_DEGREES, MAX_DEGREES)
    shift_x, shift_y = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2)
    composed = mode == 'composed'
    return (degrees * (composed or variant == 1), shift_x * (composed or variant in (2, 4)),
            shift_y * (composed or variant in (3, 4)))


def add_noise(image: np.ndarray, rng: np.random.Generator, noise: str) -> np.ndarray:
    """Adds Gaussian noise of U(0.01, 0.03) x 255 ('variance' or 'std'), scaled to the range."""
    strength = rng.uniform(*NOISE) * 255
    std = np.sqrt(strength) if noise == 'variance' else strength
    top = full_range(image)
    noisy = image + rng.standard_normal(image.shape, np.float32) * np.float32(std * top / 255)
    return np.clip(np.round(noisy), 0, top).astype(image.dtype)


def full_range(image: np.ndarray) -> int:
    """The highest value the image could hold: 255; 4095 or 65535 for 16 bits.

    A uint16 image without a value over 4095 is taken for one of 12 bits, as JSRT's are. [ours]
    """
    if image.dtype == np.uint8:
        return 255
    return 4095 if image.max(initial=0) <= 4095 else 65535


def _key(seed: int, id: str, variant: int) -> int:
    """A stable number for a key; Python's own hash() changes from run to run."""
    digest = hashlib.sha256(f'{seed}/{variant}/{id}'.encode()).digest()
    return int.from_bytes(digest[:16], 'big')


def _affine(degrees: float, shift_x: float, shift_y: float, shape: Tuple[int, int]) -> np.ndarray:
    """Rotation about the centre, then a shift by fractions of width and height: [2, 3], pixels."""
    height, width = shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    matrix[:, 2] += [shift_x * width, shift_y * height]
    return matrix


def _warp(array: np.ndarray, matrix: np.ndarray, border: int) -> np.ndarray:
    return cv2.warpAffine(array, matrix, array.shape[1::-1], flags=cv2.INTER_LINEAR,
                          borderMode=border, borderValue=0)


def _warp_mask(mask: np.ndarray, matrix: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """Applies a matrix in pixels of the image (of `shape`) to a mask of any size."""
    scale = np.array([mask.shape[1] / shape[1], mask.shape[0] / shape[0]])
    # pixel centres: mask = scale * (image + 0.5) - 0.5
    to_mask = np.array([[scale[0], 0, 0.5 * scale[0] - 0.5],
                        [0, scale[1], 0.5 * scale[1] - 0.5], [0, 0, 1]])
    own = to_mask @ np.vstack([matrix, [0, 0, 1]]) @ np.linalg.inv(to_mask)
    return _warp(mask.astype(np.uint8) * 255, own[:2], cv2.BORDER_CONSTANT) > 127
