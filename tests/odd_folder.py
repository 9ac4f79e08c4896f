"""A folder data set as users bring them: pictures that are not square, of several kinds, one organ absent in some."""
import numpy as np
import yaml
from PIL import Image

KINDS = ('png', 'rgb', 'deep', 'jpg')


def draw(number, height=75, width=60):
    """(grey picture float [H, W] of 0..255, {organ: mask}) of two kidneys, the cyst in every second one."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:height, :width]

    def ellipse(cy, cx, ry, rx):
        cy, cx = cy + rng.uniform(-.02, .02), cx + rng.uniform(-.02, .02)
        return ((y - cy * height) / (ry * height)) ** 2 + ((x - cx * width) / (rx * width)) ** 2 < 1

    kidney, cyst = ellipse(.45, .3, .25, .15), ellipse(.5, .72, .12, .12) & (number % 2 == 0)
    picture = 90 + 40 * np.sin(x / 9) + rng.normal(0, 4, (height, width))
    return np.clip(picture + 70 * kidney - 60 * cyst, 0, 255), {'kidney': kidney, 'cyst': cyst}


def save_picture(path, picture, kind):
    """Saves a grey picture as 8 bits, as three equal channels, as 16 bits, or as JPEG."""
    grey = picture.round().astype(np.uint8)
    if kind == 'deep':
        Image.fromarray((picture * 257).round().astype(np.uint16)).save(path)
    elif kind == 'rgb':
        Image.fromarray(np.stack([grey] * 3, -1)).save(path)
    else:
        Image.fromarray(grey).save(path, **({'quality': 95} if kind == 'jpg' else {}))


def make_folder(folder, train=6, test=3, shape=(75, 60)):
    """Writes the data set; returns its folder. Shapes: that given, and for odd numbers twice as large."""
    ids = [f'k{number:02}' for number in range(train + test)]
    for part in ('images', 'masks/kidney', 'masks/cyst'):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, id in enumerate(ids):
        kind = KINDS[number % len(KINDS)]
        times = 1 + number % 2
        picture, masks = draw(number, shape[0] * times, shape[1] * times)
        save_picture(folder / 'images' / f'{id}.{"JPG" if kind == "jpg" else "png"}', picture, kind)
        for organ, mask in masks.items():
            Image.fromarray(mask.astype(np.uint8) * 255).save(folder / 'masks' / organ / f'{id}.png')
    (folder / 'coding.yaml').write_text(yaml.safe_dump({'organs': ['kidney', 'cyst'], 'optional': ['cyst']}))
    (folder / 'train.txt').write_text('\n'.join(ids[:train]) + '\n')
    (folder / 'test.txt').write_text('\n'.join(ids[train:]) + '\n')
    return folder
