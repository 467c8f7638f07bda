"""All figures of a report, with their captions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.analysis.components import absorber_note
from xreg.core.analysis.style import styled
from xreg.workbench.report import matrices, spectra, structure, vectors
from xreg.workbench.report.report_data import Decomposition, ReportData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xreg.core.interfaces.analysis import Drawing

__all__ = ["Picture", "draw_all", "save_figure"]


Guard = Callable[[str, str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Picture:
    """A figure on disk and its words.

    Attributes
    ----------
    path
        The PNG file.
    section
        Heading under which it stands: ``Spectra``, ``Training``, a decomposition's label, or
        ``analysis`` and its name.
    title, caption
        What it shows, and how to read it.
    """

    path: Path
    section: str
    title: str
    caption: str


@dataclass(frozen=True)
class _Plan:
    file: str
    section: str
    title: str
    caption: str
    draw: Callable[[ReportData], Figure]
    analysis: str = ""  # whose figure it is


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG without a time stamp, so that equal figures are equal files."""
    figure.savefig(path, format="png", metadata={"Software": None})


def draw_all(report_data: ReportData, folder: Path, guard: Guard | None = None) -> list[Picture]:
    """Draw every figure that the data allow into ``folder``.

    Parameters
    ----------
    report_data
        What is drawn.
    folder
        Where the files go.
    guard
        Gets in words which figure of which analysis is drawn in its context, and says what comes of
        one that fails; such a figure ends everything without it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plans = list(_plans(report_data))
    pictures = []
    with styled():
        for plan in progress.track(plans, "figures", len(plans)):
            path = folder / f"{plan.file}.png"
            what = f"Figure '{plan.file}'"
            with guard(what, plan.analysis) if guard and plan.analysis else nullcontext():
                save_figure(plan.draw(report_data), path)
                pictures.append(Picture(path, plan.section, plan.title, plan.caption))
    return pictures


def _history_caption(history: NDArray[np.float64]) -> str:
    held = history[:, 1 + (history.shape[1] - 1) // 2 :]
    if not np.isfinite(held).any():
        return "Loss on training data, one line for each network."
    return (
        "Loss on training and validation data, one line for each network; a dot marks the lowest "
        "validation loss."
    )


def _plans(report_data: ReportData) -> Iterator[_Plan]:
    judged = report_data.judged
    spread = report_data.parts[judged].spread is not None
    if report_data.target.energy is not None:
        yield _Plan(
            "mean_spectra",
            "Spectra",
            "Mean spectra",
            "Mean over the spectra of each part. One standard deviation over the set is the band "
            "for true spectra, and lies between the dotted lines for predicted ones.",
            spectra.mean_spectra,
        )
        yield _Plan(
            "score_distribution",
            "Spectra",
            "Single spectra",
            f"Left: R² of every spectrum of the {judged} set about its own mean intensity. Right: "
            "the spectra at the first decile, the median and the ninth decile of that score, "
            "marked on the left by lines of the same colour: nine in ten spectra are predicted "
            "better than the first, half better than the second, one in ten better than the "
            "third." + (" The bands are the emulator's own spread (one σ)." if spread else ""),
            spectra.score_distribution,
        )
        if report_data.target_scaling == "channel" and "train" in report_data.parts:
            yield _Plan(
                "score_distribution_standardised",
                "Spectra",
                "Single standardised spectra",
                "The same as the emulator sees it: every energy is counted from its mean over the "
                "training set and in its spread there, so that R² of a spectrum is about what sets "
                "it apart from the mean spectrum. Energies where hardly anything varies are left "
                "out.",
                partial(spectra.score_distribution, standardised=True),
            )
        yield _Plan(
            "residuals",
            "Spectra",
            "Error by energy",
            "(a) Root mean square error and bias (mean error) at each energy, over the spread of "
            "the true spectra about their mean. (b) The share of that variance which the emulator "
            "explains; the lowest values may lie below the axis.",
            spectra.residuals,
        )
    else:
        yield _Plan(
            "parity",
            "Spectra",
            "Predicted and true values",
            f"Each point is a sample of the {judged} set; the line marks agreement.",
            spectra.parity,
        )
    if report_data.history is not None and len(report_data.history) > 1:
        yield _Plan(
            "learning_curve",
            "Training",
            "Training history",
            _history_caption(report_data.history),
            partial(spectra.learning_curve, history=report_data.history),
        )
    if report_data.decompositions:
        yield _Plan(
            "covered_variance",
            "Decomposition",
            "Covered variance",
            "Share of the spectral variance that the first k scores of each decomposition alone "
            "predict. The dotted line is the emulator with all features.",
            structure.covered_variance,
        )
    for found in report_data.decompositions:
        yield from _decomposition_plans(report_data, found)
    for analysed in report_data.analyses:
        for drawing in analysed.findings.drawings:
            yield _Plan(
                f"{analysed.label}_{drawing.name}",
                f"analysis {analysed.label}",
                drawing.title,
                drawing.caption,
                partial(_finished, drawing),
                analysed.name,
            )


def _finished(drawing: Drawing, report_data: ReportData) -> Figure:
    """Draw what an analysis has prepared; it needs nothing of the report data any more."""
    return drawing.draw()


def _decomposition_plans(report_data: ReportData, found: Decomposition) -> Iterator[_Plan]:
    label = found.label
    n, most = len(found.ids), structure.MOST_POINTS
    samples = f"all {n:,} samples" if n <= most else f"{most:,} of {n:,} samples"
    yield _Plan(
        f"scores_{label}",
        label,
        f"Scores of {label}",
        f"The first two scores of {samples}, coloured by labels and features; the colours span "
        "the 1st to the 99th percentile."
        if found.scores.shape[1] > 1
        else f"Labels and features of {samples} against the only score.",
        partial(structure.score_scatter, found=found),
    )
    if found.vectors is not None:
        yield _Plan(
            f"components_{label}",
            label,
            f"Directions of {label}",
            "Basis vectors on standardised features"
            + (
                "."
                if len(found.vectors) <= structure.MOST_DIRECTIONS
                else f"; the first {structure.MOST_DIRECTIONS} of {len(found.vectors)}."
            )
            + absorber_note(feature.name for feature in report_data.features),
            partial(vectors.component_vectors, vectors=found.vectors),
        )
        pairs = matrices.pair_matrix(report_data.features)
        if pairs is not None:
            shown = found.vectors[: vectors.MOST_DIRECTIONS]
            yield _Plan(
                f"matrix_{label}",
                label,
                f"Directions of {label} as matrices of atoms",
                "Each weight stands where its feature has its place in the matrix of all pairs of "
                "atoms, which is symmetric; the diagonal has no feature.",
                lambda _: matrices.vector_matrices(shown, pairs),
            )
    if found.sweeps and report_data.target.energy is not None:
        yield _Plan(
            f"response_{label}",
            label,
            f"What each direction of {label} does to the spectrum",
            "Emulated spectra as one score goes from its 5th to its 95th percentile while the "
            "others stay at their median.",
            partial(structure.spectral_response, found=found),
        )
