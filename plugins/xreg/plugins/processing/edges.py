"""Steps for measured edges: normalisation by the edge step, calibration, alignment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import ConfigError, DataError, did_you_mean
from xreg.core.interfaces import Step
from xreg.core.interfaces.step import Curves
from xreg.core.measured.normalisation import Ranges, derivative, find_e0, normalise
from xreg.plugins.processing.plugin import AlignToConfig, CalibrateConfig, EdgeStepConfig

__all__ = ["AlignTo", "Calibrate", "EdgeStep"]

# Shifts that are tried before the best of them is refined.
TRIED = 0.25


class EdgeStep(Step[EdgeStepConfig]):
    """Spectra less their line below the edge, over the edge step, flattened above it.

    The numbers are those of larch's ``pre_edge``. What was found becomes labels of the dataset:
    ``<channel>.e0`` in eV and ``<channel>.edge_step`` in the unit of the spectra before.
    """

    name = "edge-step"
    Config = EdgeStepConfig

    @property
    def labels(self) -> tuple[str, ...]:
        """The label that E0 is taken from, if any."""
        return (self.config.e0,) if isinstance(self.config.e0, str) else ()

    def unit(self, before: str) -> str:
        """Return what the spectra are counted in."""
        return "edge jump"

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        config = self.config
        ranges = Ranges(config.pre, config.post, config.pre_degree, config.degree, config.victoreen)
        given: Array | None = None
        if isinstance(config.e0, str):
            given = curves.label(config.e0)
        elif config.e0 is not None:
            given = np.full(len(curves.ids), config.e0)
        out, e0, steps = np.empty_like(curves.intensity), [], []
        for i, name in enumerate(curves.ids.tolist()):
            try:
                made = normalise(
                    curves.grid + curves.offset[i],
                    curves.intensity[i],
                    ranges,
                    e0=None if given is None else float(given[i]),
                    step=config.step,
                )
            except DataError as error:
                raise DataError(f"sample '{name}': {error}") from None
            out[i] = made.flat if config.flatten else made.norm
            e0.append(made.e0)
            steps.append(made.step)
        found = {"e0": (np.array(e0), "eV"), "edge_step": (np.array(steps), "")}
        return replace(curves, intensity=out, found={**curves.found, **found})


class Calibrate(Step[CalibrateConfig]):
    """All energies moved by one shift, so that the edge of a reference is where it has to be.

    The edge of the reference, a foil measured with the samples, is where it is steepest.
    """

    name = "calibrate"
    Config = CalibrateConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        row = _row(curves, self.config.reference)
        goal = self.config.to
        if goal is None:
            goal = next(e.energy for e, rows in curves.edges(self.config.edge) if row in rows)
        shift = goal - find_e0(curves.grid + curves.offset[row], curves.intensity[row])
        found = {"shift": (np.full(len(curves.ids), shift), "eV")}
        return replace(curves, offset=curves.offset + shift, found={**curves.found, **found})


class AlignTo(Step[AlignToConfig]):
    """Each spectrum moved so that its edge lies on that of a reference, in all its points.

    Shift and scale are fitted by least squares, as in larch's ``energy_align``; the scale is not
    kept. The label ``<channel>.shift`` tells by how much each one was moved.
    """

    name = "align-to"
    Config = AlignToConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        from scipy.interpolate import CubicSpline

        config = self.config
        row = _row(curves, config.reference)
        reference = curves.grid + curves.offset[row]
        e0 = find_e0(reference, curves.intensity[row])
        wanted = _shape(curves, row, config.by)
        inside = (reference >= e0 + config.window[0]) & (reference <= e0 + config.window[1])
        if inside.sum() < 4:
            raise DataError(f"the window holds {inside.sum()} energies of '{config.reference}'.")
        energies, wanted = reference[inside], wanted[inside]
        shifts = np.zeros(len(curves.ids))
        for i, name in enumerate(curves.ids.tolist()):
            if i == row:
                continue
            energy = curves.grid + curves.offset[i]
            spline = CubicSpline(energy, _shape(curves, i, config.by), extrapolate=True)
            reach = min(
                config.limit, energies[0] - energy[0], energy[-1] - energies[-1]
            )  # so far it stays inside of what was measured
            if reach <= 0:
                raise DataError(
                    f"sample '{name}' does not cover {energies[0]:.6g}…{energies[-1]:.6g} eV, by "
                    "which it is aligned."
                )
            shifts[i] = _shift(spline, energies, wanted, reach, name)
        found = {"shift": (shifts, "eV")}
        return replace(curves, offset=curves.offset + shifts, found={**curves.found, **found})


def _row(curves: Curves, name: str) -> int:
    known = curves.ids.tolist()
    if name not in known:
        raise ConfigError(f"no sample '{name}' to refer to{did_you_mean(name, known)}.")
    return known.index(name)


def _shape(curves: Curves, i: int, by: str) -> Array:
    values = curves.intensity[i]
    return derivative(curves.grid, values) if by == "derivative" else values


def _shift(spline: object, energies: Array, wanted: Array, reach: float, name: str) -> float:
    """Return by how much a curve has to move to lie on another, with a factor that is free."""
    from scipy.optimize import least_squares

    def scaled(shift: float) -> Array:
        there: Array = spline(energies - shift)  # type: ignore[operator]
        norm = float(there @ there)
        return there * (float(there @ wanted) / norm if norm else 0.0)

    tried = np.arange(-reach, reach + TRIED / 2, TRIED).clip(-reach, reach)
    misfit = [float(((scaled(shift) - wanted) ** 2).sum()) for shift in tried.tolist()]
    start = float(tried[int(np.argmin(misfit))])
    found = least_squares(
        lambda p: scaled(float(p[0])) - wanted, [start], xtol=1e-12, ftol=1e-12, gtol=1e-12
    )
    shift = float(found.x[0])
    if not abs(shift) < reach:
        raise DataError(f"sample '{name}' would move by more than {reach:.3g} eV; widen limit.")
    return shift
