"""Spectra of two lines on a background, and the model that made them."""

from __future__ import annotations

import numpy as np
import torch

from xreg.core.measured.spectrum import Measured
from xreg.workbench.fit.misfit import Simulator
from xreg.workbench.fit.problem import Background, Problem

GRID = np.linspace(0.0, 30.0, 301)


NAMES, UNITS = ("position", "width", "ratio"), ("eV", "eV", "")


RANGES = np.array([[8.0, 12.0], [0.5, 2.0], [0.2, 1.0]])


TRUE = np.array([9.7, 1.1, 0.55])


SHIFT, SCALE, HEIGHTS = 0.3, 40.0, (5.0, -3.0)


def two_lines(values: torch.Tensor) -> torch.Tensor:
    position, width, ratio = (column[:, None] for column in values.T)
    x = torch.as_tensor(GRID)
    first = torch.exp(-(((x - position) / width) ** 2))
    return first + ratio * torch.exp(-(((x - 20.0) / width) ** 2))


MODEL = Simulator(GRID, two_lines)


def measured(noise: float = 0.4, seed: int = 0, given: bool = False) -> Measured:
    energy = np.arange(1.1, 28.9, 0.13)
    position, width, ratio = TRUE
    x = energy - SHIFT
    lines = np.exp(-(((x - position) / width) ** 2)) + ratio * np.exp(-(((x - 20) / width) ** 2))
    slope = (energy - energy.mean()) / (energy[-1] - energy[0])
    clean = SCALE * lines + HEIGHTS[0] + HEIGHTS[1] * slope
    drawn = np.random.default_rng(seed).normal(size=len(energy))
    return Measured(energy, clean + noise * drawn, np.full(len(energy), noise) if given else None)


def problem(spectrum: Measured, shift: tuple[float, float] = (-1.0, 1.0)) -> Problem:
    return Problem(spectrum, NAMES, UNITS, RANGES, shift, Background("linear"))
