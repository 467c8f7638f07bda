"""Repeated cross-validation of the emulator on everything but the test part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext, Retrained
from xreg.core.analysis.folds import learning_folds
from xreg.core.analysis.retraining import Training, retrain
from xreg.core.analysis.scores import SPECTRUM_ERROR_BOUNDS, part_scores
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.core.text import with_unit
from xreg.plugins.validation.plugin import CrossValidationConfig
from xreg.plugins.validation.spectrum_error import interval_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CrossValidationAnalysis", "flatten", "summarise"]

PARTS = ("train", "held out")
COUNTS = "spectrum_error.counts."
WORDS = {
    "samples": "samples",
    "r2": "R²",
    "r2_standardised": "R², standardised",
    "standardised_channels": "channels that R², standardised, counts",
    "rmse": "root mean square error",
    "sample_r2.first_decile": "R² of single spectra, first decile",
    "sample_r2.median": "R² of single spectra, median",
    "sample_r2.ninth_decile": "R² of single spectra, ninth decile",
    "spectrum_error.median": "spectrum error, median (%)",
    "spectrum_error.ninth_decile": "spectrum error, ninth decile (%)",
    "spectrum_error.outliers": "spectra with a spectrum error ≥ 10 % (%)",
}


def flatten(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return all scores that are numbers, by their path (``spectrum_error.median``)."""
    flat: dict[str, float] = {}
    for name, value in scores.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": number for inner, number in flatten(value).items()}
        elif isinstance(value, int | float):
            flat[name] = float(value)
    return flat


def summarise(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return mean, median and spreads of one score over (repeats, folds).

    ``folds`` is the standard deviation over all trainings, ``repeats`` that of the repeats' means:
    how much the answer depends on the way the data were divided.
    """
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "std_folds": float(values.std()),
        "std_repeats": float(values.mean(axis=1).std()),
        "values": values.tolist(),
    }


class CrossValidationAnalysis(Analysis[CrossValidationConfig]):
    """Train on all folds but one, score that one; repeat with other folds."""

    name = "cross-validation"
    Config = CrossValidationConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Train on all folds but one, score that one; repeat with other folds."""
        folds = learning_folds(
            context, self.config.folds, self.config.repeats, self.config.group, self.config.seed
        )
        spectra = context.target.energy is not None

        def judge(model: Retrained, training: Training) -> dict[str, dict[str, float]]:
            spread = context.known[training.train].std(axis=0)
            scores = {}
            for part, rows in zip(PARTS, (training.train, training.held), strict=True):
                predicted = model.predict(model.inputs(rows))
                found = part_scores(context.known[rows], predicted, spread, spectra=spectra)
                scores[part] = flatten(found)
            return scores

        # Another seed a repeat, so that the spread holds that of the starting weights too.
        trainings = [
            Training(*fold, seed=self.config.seed + i // self.config.folds)
            for i, fold in enumerate(folds)
        ]
        judged = retrain(context, trainings, judge, "cross-validation")
        scores = {part: [fold[part] for fold in judged] for part in PARTS}
        shape = (self.config.repeats, self.config.folds)
        table = {
            part: {
                name: summarise(np.reshape([fold[name] for fold in found], shape))
                for name in found[0]
                if all(name in fold for fold in found)
            }
            for part, found in scores.items()
        }
        if "r2" not in table["held out"]:
            raise NotApplicableError(
                "the spectra of a fold do not vary, so it has no R²; ask for fewer folds."
            )
        r2, group = table["held out"]["r2"], self.config.group
        whole = "" if group is None else f", whole groups of '{group}' together"
        return Findings(
            text=f"R² of held-out spectra is {r2['mean']:.4f} ± {r2['std_folds']:.4f} (median "
            f"{r2['median']:.4f}) over {self.config.repeats} × {self.config.folds} folds of "
            f"{sum(map(len, folds[0])):,} samples{whole}; the test part "
            "was not touched.",
            metrics={part.replace(" ", "_"): found for part, found in table.items()},
            tables=[
                Table(
                    "scores",
                    "Scores over folds and repeats",
                    [
                        "score",
                        *(
                            f"{part}{what}"
                            for part in PARTS
                            for what in ("", ", ± over folds", ", ± over repeats")
                        ),
                    ],
                    [
                        [
                            _words(name, context.target.unit),
                            *(
                                table[part][name][key]
                                for part in PARTS
                                for key in ("mean", "std_folds", "std_repeats")
                            ),
                        ]
                        for name in table["train"]
                        if name in table["held out"]
                    ],
                    "Mean over all trainings; standard deviation over all of them, and over the "
                    "means of the repeats. Filter, scalers and emulator are fitted anew in each "
                    "fold.",
                )
            ],
            drawings=[
                Drawing(
                    "r2",
                    "R² by fold",
                    "Each point is one training; each line is the mean of a repeat.",
                    lambda: draw_r2(
                        {part: np.array(table[part]["r2"]["values"]) for part in PARTS}
                    ),
                )
            ],
        )


def _words(name: str, unit: str) -> str:
    """Return what a score is called in a table."""
    if name.startswith(COUNTS):
        names = [f"below {bound:g} %" for bound in SPECTRUM_ERROR_BOUNDS]
        intervals = dict(zip([*names, "10 % and more"], interval_names(), strict=True))
        return f"spectra with a spectrum error {intervals[name.removeprefix(COUNTS)]} %"
    return with_unit(WORDS[name], unit) if name == "rmse" else WORDS.get(name, name)


def draw_r2(values: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draw R² of every training by repeat, for the part trained on and the part held out."""
    from xreg.core.analysis import style

    figure = style.new_figure(2.6, style.WIDTH * 0.62)
    axis = figure.subplots()
    colours = (style.TRUE_FILL, style.PREDICTED)
    for (part, scores), colour in zip(values.items(), colours, strict=True):
        for repeat, row in enumerate(scores, 1):
            places = repeat + np.linspace(-0.25, 0.25, len(row))
            name = part if repeat == 1 else None
            axis.plot(places, row, "o", ms=4, color=colour, label=name)
            axis.plot([repeat - 0.35, repeat + 0.35], [row.mean()] * 2, color=colour, lw=1.2)
    axis.set_xticks(np.arange(1, 1 + max(map(len, values.values()))))
    axis.set_xlabel("repeat")
    axis.set_ylabel("R²")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
    return figure
