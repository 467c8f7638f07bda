"""Structure back from spectra: scores by least squares, features by expansion, with a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.analysis.components import AxisBlock, Block, absorber_note, blocks
from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.errors import DataError, NotApplicableError
from xreg.core.interfaces import Decomposer, FeatureLabel
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table, file_name
from xreg.plugins.decomposition.plugin import ReconstructionConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Reconstruction", "ReconstructionAnalysis", "ensembles", "reconstruct"]

MOST_GROUPS = 6
MOST_PANELS = 4
MOST_POINTS = 12
FEWEST = 3
ROUNDING = 1e-24  # of the squares of constant numbers
UNITS = {"": "value", "Å": "length (Å)", "°": "angle (°)", "eV": "energy (eV)"}


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What a decomposer makes of some spectra.

    Attributes
    ----------
    scores, found_scores
        (n, k) scores of the known features, and those that fit the spectra best.
    known, found
        (n, q) readable quantities of the known features and of the expansion; NaN in both where
        one lacks a quantity, so that they are compared on the same samples.
    labels
        What the q columns mean.
    expanded
        (n,) whether features with the scores were found.
    """

    scores: Array
    found_scores: Array
    known: Array
    found: Array
    labels: Sequence[FeatureLabel]
    expanded: NDArray[np.bool_]

    def count_text(self, members: NDArray[np.intp] | slice = slice(None)) -> str:
        """Return in words how many of some rows were reconstructed."""
        rows = self.expanded[members]
        return f"{rows.sum():,} of {len(rows):,}"


class ReconstructionAnalysis(Analysis[ReconstructionConfig]):
    """Reconstruct the judged part from its spectra, ensemble by ensemble."""

    name = "reconstruction"
    Config = ReconstructionConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Reconstruct the judged part from its spectra, ensemble by ensemble."""
        rng = np.random.default_rng(context.seed)
        rows = _drawn(rng, context.rows[context.judged], self.config.samples)
        other = [part for part in ("validation", "train") if len(context.rows.get(part, ()))]
        reference = context.rows[other[0]] if other else rows
        reference = _drawn(rng, reference, self.config.samples)
        metrics: dict[str, Any] = {}
        tables: list[Table] = []
        drawings: list[Drawing] = []
        words: list[str] = []
        for label, decomposer in context.model.decomposers.items():
            try:
                judged = reconstruct(context, decomposer, rows)
                before = reconstruct(context, decomposer, reference)
            except DataError as error:
                words.append(f"{label}: {error}")
                metrics[label] = {"reason": str(error)}
                continue
            with np.errstate(invalid="ignore"):
                band = np.sqrt(_mean((before.found - before.known) ** 2))
            groups = ensembles(context, self.config.label, rows, judged.found_scores[:, 0])
            scores = _agreement(judged.scores, judged.found_scores)
            metrics[label] = {
                "score_r2": scores.tolist(),
                "feature_r2": _agreement(judged.known, judged.found).tolist(),
                "without_expansion": int((~judged.expanded).sum()),
            }
            shown = _shown(judged)
            tables.append(_table(label, judged, band, groups, shown))
            drawings.append(
                Drawing(
                    file_name(label),
                    f"{label}: structure from spectra",
                    f"Means over the {judged.count_text()} {context.judged} samples that could be "
                    "reconstructed, ensemble by ensemble: of their known structures, and of the "
                    "structures found from their spectra alone. "
                    f"{'The band is' if shown[0].axis else 'Error bars are'} the standard error "
                    f"of the reconstruction of one structure, measured on {before.count_text()} "
                    f"{other[0] if other else context.judged} samples: it includes what the "
                    "spectra do not see." + absorber_note(block.name for block in shown),
                    partial(_draw, judged, band, groups, shown),
                )
            )
            told = ", ".join(f"t{style.subscript(i)} {v:.2f}" for i, v in enumerate(scores, 1))
            words.append(f"{label}: R² of the scores found from spectra alone is {told}.")
            if failed := int((~judged.expanded).sum()):
                words.append(
                    f"{failed} of {len(rows)} spectra could not be inverted: no features were "
                    "found with the scores that fit them best, which may lie far from the scores "
                    "of training samples; means and errors of structures leave them out."
                )
        return Findings(" ".join(words), metrics, tables, drawings)


def reconstruct(
    context: AnalysisContext, decomposer: Decomposer, rows: NDArray[np.intp]
) -> Reconstruction:
    """Fit scores to the known spectra of some rows, and expand them to readable quantities.

    Raises
    ------
    DataError
        If the decomposer cannot reconstruct scores at all.
    """
    inputs = context.inputs(rows)
    found = decomposer.reconstruct(context.model.target_scaler.transform(context.known[rows]))
    try:
        features = decomposer.inverse_transform(found)
    except DataError:  # some rows are at fault: find out which
        features = np.full(inputs.shape, np.nan)
        for row, scores in enumerate(found):
            with suppress(DataError):
                features[row] = decomposer.inverse_transform(scores[None])[0]
    known, labels = _readable(context, inputs)
    guess, _ = _readable(context, features)
    lacking = ~(np.isfinite(known) & np.isfinite(guess))
    known, guess = (np.where(lacking, np.nan, values) for values in (known, guess))
    expanded = np.asarray(np.isfinite(features).all(axis=1))
    return Reconstruction(decomposer.transform(inputs), found, known, guess, labels, expanded)


def _readable(context: AnalysisContext, inputs: Array) -> tuple[Array, Sequence[FeatureLabel]]:
    """Return scaled features as quantities that a reader can picture."""
    own = context.model.features
    features = own.scaling.inverse_transform(inputs)
    if len(own.scaling.kept.columns) < own.scaling.kept.described:
        return features, context.features  # a filter took columns that a reading would need
    return own.descriptor.readable(features)


def ensembles(
    context: AnalysisContext, label: str, rows: NDArray[np.intp], first: Array
) -> dict[str, NDArray[np.intp]]:
    """Divide positions among ``rows`` by a label, or by the first score where none is named.

    Numbers and labels of many categories are divided into thirds of the samples.
    """
    values: NDArray[Any] = first
    name, unit = "t₁", ""
    if label:
        values, name = context.label(label, rows), label
        unit = f" {context.label_units[label]}" if label in context.label_units else ""
        kinds = np.unique(values)
        if len(kinds) <= MOST_GROUPS:
            return {f"{name} {kind}{unit}": np.flatnonzero(values == kind) for kind in kinds}
        if values.dtype.kind not in "biuf":
            raise NotApplicableError(
                f"label '{label}' has {len(kinds)} categories; at most {MOST_GROUPS} can be drawn."
            )
    edges = np.quantile(values.astype(float), (1 / 3, 2 / 3))
    place = np.digitize(values.astype(float), edges)
    low, high = (end.replace("-", "−") for end in _bounds_in_words(*edges.tolist()))
    words = (f"{name} < {low}{unit}", f"{low} ≤ {name} < {high}{unit}", f"{name} ≥ {high}{unit}")
    found = {word: np.flatnonzero(place == i) for i, word in enumerate(words)}
    return {word: members for word, members in found.items() if len(members)}


def _bounds_in_words(low: float, high: float) -> tuple[str, str]:
    """Return two bounds with three digits, or as many as show two digits of what is between."""
    digits = 3
    largest = max(abs(low), abs(high))
    if high > low:
        digits = max(digits, floor(log10(largest)) - floor(log10(high - low)) + 2)
    if 1 <= largest < 1e6:
        digits = max(digits, floor(log10(largest)) + 1)  # integers in full, not as 3.46e+03
    return f"{low:.{digits}g}", f"{high:.{digits}g}"


def _drawn(rng: np.random.Generator, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _mean(values: Array) -> Array:
    """Return the mean of each column over the rows that have a value; NaN where none has."""
    present = np.isfinite(values)
    count = present.sum(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0)
    return np.asarray(total / np.where(count, count, np.nan))


def _agreement(known: Array, found: Array) -> Array:
    """Return R² of each column over the rows where both have a value; NaN where nothing varies."""
    both = np.isfinite(known) & np.isfinite(found)
    true = np.where(both, known, np.nan)
    spread = _mean((true - _mean(true)) ** 2)
    error = _mean((np.where(both, found, np.nan) - true) ** 2)
    return np.asarray(1 - error / np.where(spread > 0, spread, np.nan))


def _shown(found: Reconstruction) -> list[Block]:
    """Return what is drawn: blocks of each axis by turns, else single columns; those told best."""
    on_axis = [block for block in blocks(found.labels) if block.axis]
    if on_axis:
        told = {block: _block_r2(found, block) for block in on_axis}
        # A block that never varies, as one that no atoms fill, says nothing.
        varying = [block for block in on_axis if told[block] > -np.inf] or on_axis
        by_axis: dict[str, list[Block]] = {}
        for block in sorted(varying, key=lambda block: -told[block]):
            by_axis.setdefault(block.axis, []).append(block)
        turns = [block for turn in zip_longest(*by_axis.values()) for block in turn if block]
        return [block for block in on_axis if block in turns[:MOST_PANELS]]
    each = np.nan_to_num(_agreement(found.known, found.found), nan=-np.inf)
    columns = np.sort(np.argsort(each)[::-1][:MOST_POINTS])
    by_unit: dict[str, list[int]] = {}
    for column in columns.tolist():
        by_unit.setdefault(found.labels[column].unit, []).append(column)
    return [Block(unit, "", np.array(columns)) for unit, columns in by_unit.items()]


def _block_r2(found: Reconstruction, block: Block) -> float:
    """Return R² over all columns of a block; that of a block which never varies is -inf."""
    known, guess = (
        values[found.expanded][:, block.columns] for values in (found.known, found.found)
    )
    spread = float(np.sum((known - known.mean(axis=0)) ** 2)) if len(known) else 0.0
    if spread <= ROUNDING * float(np.sum(known**2)):
        return -np.inf
    return 1 - float(np.sum((guess - known) ** 2)) / spread


def _table(
    label: str,
    found: Reconstruction,
    band: Array,
    groups: Mapping[str, NDArray[np.intp]],
    shown: Sequence[Block],
) -> Table:
    columns = np.concatenate([block.columns for block in shown])
    rows = []
    for name, members in groups.items():
        known, guess = _mean(found.known[members]), _mean(found.found[members])
        for column in columns.tolist():
            quantity = found.labels[column]
            count = int(np.isfinite(found.found[members, column]).sum())
            rows.append(
                [name, len(members), count, quantity.title, *(
                    float(v) if np.isfinite(v) else None
                    for v in (known[column], guess[column], band[column])
                )]
            )  # fmt: skip
    return Table(
        file_name(label),
        f"{label}: means over ensembles",
        [
            "ensemble",
            "samples",
            "reconstructed",
            "quantity",
            "known mean",
            "mean from spectra",
            "± one structure",
        ],
        rows,
        "Both means are over those samples for which the quantity was reconstructed.",
    )


def _draw(
    found: Reconstruction,
    band: Array,
    groups: Mapping[str, NDArray[np.intp]],
    shown: Sequence[Block],
) -> Figure:
    height = 0.6 + 1.7 * len(groups) if shown[0].axis else 0.8 + 0.9 * len(groups)
    figure = style.new_figure(height)
    # One scale for all ensembles of a column: their differences are what is to be seen.
    grid = figure.subplots(len(groups), len(shown), squeeze=False, sharex="col", sharey="col")
    for row, (line, (name, members)) in enumerate(zip(grid, groups.items(), strict=True)):
        known, guess = _mean(found.known[members]), _mean(found.found[members])
        for axis, block in zip(line, shown, strict=True):
            true, back, error = (values[block.columns] for values in (known, guess, band))
            if isinstance(block, AxisBlock):
                axis.fill_between(
                    block.at, back - error, back + error, color=style.PREDICTED_FILL, alpha=0.5
                )
                axis.plot(block.at, true, color=style.TRUE, label="known")
                axis.plot(block.at, back, color=style.PREDICTED, label="from spectra")
                axis.set_title(f"\n{block.name}" if row == 0 else "")
                axis.set_xlabel(block.axis if row == len(groups) - 1 else "")
                axis.locator_params(nbins=4)
                axis.yaxis.set_major_formatter("{x:g}")  # a power of ten would hit the title
            else:
                place = np.arange(len(block.columns))
                axis.errorbar(
                    place, back, yerr=error, fmt="o", ms=4, capsize=3, color=style.PREDICTED,
                    label="from spectra",
                )  # fmt: skip
                axis.plot(place, true, "_", ms=14, mew=1.6, color=style.TRUE, label="known")
                names = [found.labels[column].name for column in block.columns.tolist()]
                axis.set_xticks(place, names, rotation=30 if len(names) > FEWEST else 0)
                axis.set_ylabel(UNITS.get(block.name, block.name))
                axis.margins(x=0.2)
        # On a line of its own, where it may run on over the other panels.
        title = f"{name}: {found.count_text(members)} samples"
        line[0].set_title(f"{title}{line[0].get_title(loc='left')}")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure
