"""Energies that fit no edge of the absorber are told, with what they may be instead."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.readers.energies import judge_energies


@pytest.mark.parametrize(
    ("low", "high", "element"),
    [
        (7100, 7130, "Fe"),  # K, 7112 eV
        (7020, 7100, "Fe"),  # Kβ emission and valence to core
        (700, 730, "Fe"),  # L2,3, 706.8 eV
        (845, 876, "Ni"),
        (520, 530, "O"),  # Kα emission
        (530, 545, "O"),
        (2460, 2475, "S"),  # Kβ
        (8990, 9018, "Cu"),  # FEFF's absolute scale
        (40, 80, "Fe"),  # M2,3, 52.7 eV
    ],
)
def test_energies_near_an_edge_pass(low, high, element):
    assert judge_energies(np.linspace(low, high, 50), element) is None


@pytest.mark.parametrize(
    ("low", "high", "element", "words"),
    [
        (7.1, 7.12, "Fe", "look like keV at the K edge of Fe (7112 eV)"),
        (7.1, 7.12, "O", "fit no edge of O"),
        (-20, 100, "Fe", "are relative to something"),
        (0, 60, "Fe", "fit no edge of Fe"),
        (12.5, 13.4, "Ce", "in keV, an angle, or relative"),
        (6390, 6410, "Fe", "below the K edge of Fe (7112 eV), where only emission does"),
        (8970, 9000, "Fe", "fit no edge of Fe (nearest K, 7112 eV)"),
    ],
)
def test_others_are_told(low, high, element, words):
    assert words in (judge_energies(np.linspace(low, high, 50), element) or "")


def test_a_named_edge_is_the_only_one_that_counts():
    energies = np.linspace(700, 730, 20)
    assert judge_energies(energies, "Fe", "L3") is None
    assert "fit no edge of Fe (nearest K" in (judge_energies(energies, "Fe", "K") or "")
    assert judge_energies(energies, "X") is None  # nothing is tabulated, nothing is said
