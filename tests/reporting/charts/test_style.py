"""The colours stay apart for those who see fewer: matrices of G. M. Machado et al., IEEE TVCG 15 (2009), severity 1."""

from itertools import combinations

import numpy as np
import pytest

from engagement.reporting.charts.style import DARK, LIGHT
from engagement.vocabulary import LABELS

SEEN = {
    "all": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE = TO_XYZ.sum(axis=1)
# Which stand side by side, and how far apart they must be in CIELAB, where a difference of 2.3 can just be seen.
TOGETHER = {
    "labels": (LABELS, 15),
    "lines": (("accent", "low", "medium", "unknown"), 10),  # which differ in dash and mark as well
}


def lab(color, matrix):
    """Return a colour in CIELAB as somebody sees it."""
    srgb = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    x, y, z = (TO_XYZ @ np.clip(np.asarray(matrix) @ linear, 0, 1)) / WHITE
    root = [
        value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116 for value in (x, y, z)
    ]
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("sight", SEEN)
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("what", TOGETHER)
def test_colours_that_stand_side_by_side_can_be_told_apart(palette, sight, what):
    names, least = TOGETHER[what]
    seen = {name: lab(palette[name], SEEN[sight]) for name in names}
    apart = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(names, 2)}
    assert min(apart.values()) > least, apart


def test_a_colour_is_what_it_is_known_to_be():
    assert lab("#ffffff", SEEN["all"]) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("#ff0000", SEEN["all"]) == pytest.approx([53.24, 80.09, 67.2], abs=0.05)
