"""Largest misfit: where the cumulated intensities of two spectra part most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.contract import Cell, Drawing, Findings, Table
from xreg.core.analysis.settings import MisfitConfig
from xreg.core.analysis.subject import Subject
from xreg.core.errors import NotApplicableError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["analyse", "largest_misfit"]

MOST_POINTS = 3000


def largest_misfit(
    energy: NDArray[np.float64], known: NDArray[np.float64], predicted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energy (eV) and size of the largest difference of cumulated intensity.

    As in the Kolmogorov–Smirnov test, both spectra are cumulated from low to high energy and
    divided by their sum; the size is positive where the prediction has come too soon.

    Parameters
    ----------
    energy
        (m,) energies in eV.
    known, predicted
        (n, m) spectra.

    Returns
    -------
    at, size
        (n,) each; NaN for a spectrum without intensity.
    """
    width = np.gradient(energy)
    curves = []
    for spectra in (known, predicted):
        total = np.cumsum(spectra * width, axis=1)
        curves.append(total / np.where(total[:, -1:] > 0, total[:, -1:], np.nan))
    difference = curves[1] - curves[0]
    sound = np.asarray(np.isfinite(difference).all(axis=1))
    where = np.abs(np.where(sound[:, None], difference, 0)).argmax(axis=1)
    size = np.where(sound, difference[np.arange(len(where)), where], np.nan)
    return np.where(sound, energy[where], np.nan), size


def analyse(subject: Subject, config: MisfitConfig) -> Findings:
    """Find each spectrum's largest misfit and group the energies (k-means) into edges."""
    energy, result = subject.target.energy, subject.result
    assert energy is not None
    at, size = largest_misfit(energy, result.known, result.predicted)
    sound = np.isfinite(at)
    if len(np.unique(at[sound])) < len(config.groups):
        raise NotApplicableError(
            f"analysis 'misfit' finds too few different energies for {len(config.groups)} groups; "
            "name fewer in 'groups'."
        )
    group = np.full(len(at), -1)
    group[sound] = _grouped(at[sound], len(config.groups))
    rows: list[list[Cell]] = []
    for number, name in enumerate(config.groups):
        inside = group == number
        rows.append(
            [
                name,
                100 * float(inside.mean()),
                float(at[inside].mean()),
                float(at[inside].std()),
                100 * float(np.median(np.abs(size[inside]))),
                100 * float(np.median(size[inside])),
            ]
        )
    shares = ", ".join(f"{row[1]:.0f} % in {row[0]}" for row in rows)
    return Findings(
        text="The largest difference of cumulated intensity, as in the Kolmogorov–Smirnov test, "
        f"lies {shares}; its median size is {100 * np.nanmedian(np.abs(size)):.2f} % of the "
        "spectrum's intensity.",
        metrics={
            "median_size": 100 * np.nanmedian(np.abs(size)),
            "groups": {
                row[0]: dict(
                    zip(("share", "energy", "energy_spread", "size"), row[1:5], strict=True)
                )
                for row in rows
            },
        },
        tables=[
            Table(
                "groups",
                "Where the largest misfit lies",
                [
                    "group",
                    "spectra (%)",
                    "mean energy (eV)",
                    "spread (eV)",
                    "median size (%)",
                    "with sign (%)",
                ],
                rows,
                "Energies of the largest misfit grouped by k-means. Positive: the prediction has "
                "intensity too early on the energy axis.",
            )
        ],
        drawings=[
            Drawing(
                "energies",
                "Energy and size of the largest misfit",
                "Density estimate of the energies above the mean spectrum, and each spectrum's "
                "largest misfit coloured by its group.",
                lambda: _draw(subject, at, size, group, config.groups),
            )
        ],
        arrays={"ids": result.ids, "energy": at, "size": size, "group": group},
        units={"energy": "eV"},
    )


def _grouped(at: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return the number of each energy's group, from low to high energy."""
    from sklearn.cluster import KMeans

    found = KMeans(count, n_init=10, random_state=0).fit(at[:, None])
    rank = np.argsort(np.argsort(found.cluster_centers_[:, 0]))
    return np.asarray(rank[found.labels_], dtype=np.intp)


def _draw(
    subject: Subject,
    at: NDArray[np.float64],
    size: NDArray[np.float64],
    group: NDArray[np.intp],
    names: tuple[str, ...],
) -> Figure:
    from scipy.stats import gaussian_kde

    from xreg.core.report import style

    energy = subject.target.energy
    assert energy is not None
    figure = style.new_figure(4.6)
    top, bottom = figure.subplots(2, 1, sharex=True)
    mean = subject.result.known.mean(axis=0)
    top.fill_between(energy, 0, mean / mean.max(), color=style.TRUE_FILL, alpha=0.35)
    found = at[np.isfinite(at)]
    if np.ptp(found) > 0:
        density = gaussian_kde(found, bw_method=0.08)(energy)
        top.plot(energy, density / density.max(), color=style.PREDICTED)
    top.set_ylabel("relative to maximum")
    top.set_ylim(0, 1.08)
    top.set_title("density of the energies (line), mean spectrum (area)")
    shown = np.random.default_rng(0).permutation(len(at))[:MOST_POINTS]
    for number, name in enumerate(names):
        rows = shown[group[shown] == number]
        colour = style.PALETTE[number % len(style.PALETTE)]
        bottom.plot(at[rows], 100 * size[rows], ".", ms=3, alpha=0.5, color=colour, label=name)
    bottom.axhline(0, color=style.GUIDE, lw=0.7, zorder=0)
    bottom.set_xlim(energy[0], energy[-1])
    bottom.set_xlabel(style.energy_label(float(energy[0]), float(energy[-1])))
    bottom.set_ylabel("misfit (% of intensity)")
    bottom.set_title("largest misfit of each spectrum")
    bottom.legend(markerscale=3)
    style.panel_letters((top, bottom))
    return figure
