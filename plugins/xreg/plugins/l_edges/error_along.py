"""Spectrum error along one parameter: how far the model may be trusted."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.data.samples import Parameters
from xreg.core.errors import NotApplicableError, UnknownNameError, did_you_mean
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.core.metrics import spectrum_error
from xreg.core.text import with_unit
from xreg.plugins.l_edges.plugin import ErrorAlongConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xreg.plugins.l_edges.gaussian_process import Process

__all__ = ["ErrorAlongAnalysis", "reach"]

FEWEST = 10
BINS = 10
CURVE = 41


def reach(
    values: Array, error: Array, start: float, limit: float, share: float, fewest: int = FEWEST
) -> float | None:
    """Return the value farthest from ``start`` up to which enough spectra are good.

    Parameters
    ----------
    values, error
        (n,) parameter and error of each spectrum.
    start
        Where to begin: one end of the values.
    limit, share
        At least this share of all spectra between ``start`` and the returned value have an error
        under ``limit``.
    fewest
        Of fewer spectra, no share is taken.

    Returns
    -------
    float or None
        None where not even the nearest spectra are good enough.
    """
    order = np.argsort(np.abs(values - start), kind="stable")
    good = np.cumsum(error[order] < limit) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(good[fewest - 1 :] >= share)
    return float(values[order[fewest - 1 + enough[-1]]]) if len(enough) else None


class ErrorAlongAnalysis(Analysis[ErrorAlongConfig]):
    """Follow the spectrum error along a parameter, from what the model knows outwards."""

    name = "error-along"
    Config = ErrorAlongConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Follow the spectrum error along a parameter, from what the model knows outwards."""
        from xreg.plugins.l_edges.gaussian_process import fit_process

        name, values, unit = _parameter(context, self.config.parameter)
        error = 100 * spectrum_error(context.result.known, context.result.predicted)
        sound = np.isfinite(error) & np.isfinite(values)
        values, error = values[sound], error[sound]
        if len(values) < FEWEST or np.ptp(values) == 0:
            raise NotApplicableError(
                f"analysis 'error-along' needs at least {FEWEST} spectra of different {name}."
            )
        known = _known_range(context, name)
        start = _start(values, known, self.config.start)
        far = reach(values, error, start, self.config.limit, self.config.share / 100)
        inside = float(np.mean(error < self.config.limit) * 100)
        process = fit_process(
            values, np.log10(np.maximum(error, 1e-6)), self.config.points, context.seed
        )
        path = np.linspace(values.min(), values.max(), CURVE)
        edges = np.linspace(values.min(), values.max(), BINS + 1)
        rows = []
        for low, high in pairwise(edges):
            bin_ = (values >= low) & ((values < high) | (high == edges[-1]))
            if bin_.any():
                there = error[bin_]
                rows.append(
                    [
                        float(low),
                        float(high),
                        int(bin_.sum()),
                        float(np.median(there)),
                        float(np.quantile(there, 0.95)),
                        float(100 * np.mean(there < self.config.limit)),
                    ]
                )
        of = f" {unit}" if unit else ""
        limit, share = f"{self.config.limit:g} %", f"{self.config.share:g} %"
        said = (
            f"From {name} = {start:.3g} to {far:.3g}{of}, {share} of the spectra"
            if far is not None
            else f"Even near {name} = {start:.3g}{of}, fewer than {share} of the spectra"
        ).replace("-", "−")
        return Findings(
            text=f"{said} stay under a spectrum error of {limit}; of all spectra {inside:.1f} % "
            "do.",
            metrics={
                "parameter": name,
                "unit": unit,
                "start": start,
                "reach": far,
                "share_under_limit": inside,
                "trained_on": known,
                "process": {"length_scale": process.length, "noise": process.noise},
                "curve": {"at": path.tolist(), "error": (10 ** process.predict(path)[0]).tolist()},
            },
            tables=[
                Table(
                    "bins",
                    f"Spectrum error along {name}",
                    [
                        with_unit("from", unit),
                        with_unit("to", unit),
                        "spectra",
                        "median (%)",
                        "95th percentile (%)",
                        f"under {self.config.limit:g} % (%)",
                    ],
                    rows,
                    f"Spectrum error of the spectra in equal intervals of {name}; the last column "
                    f"is the share of them with an error under {limit}.",
                )
            ],
            drawings=[
                Drawing(
                    "process",
                    f"Spectrum error along {name}",
                    "Each point is a spectrum. Line and bands: a Gaussian process fitted to the "
                    "logarithm of the error, its mean and the ranges that hold 68 % and 95 % of "
                    f"spectra. {_caption(known, values, name)}",
                    lambda: _draw(name, unit, values, error, process, known, far, self.config),
                )
            ],
            arrays={"ids": context.result.ids[sound], "parameter": values, "spectrum_error": error},
            units={"parameter": unit, "spectrum_error": "%"} if unit else {"spectrum_error": "%"},
        )


def _parameter(context: AnalysisContext, wanted: str) -> tuple[str, Array, str]:
    """Return name, (n,) values and unit: the parameter asked for, else the one that tells most."""
    from scipy.stats import spearmanr

    samples = context.samples_of(context.judged)
    assert isinstance(samples, Parameters)
    columns = dict(zip(samples.names, samples.values.T, strict=True))
    units = dict(zip(samples.names, samples.units, strict=True))
    if wanted and wanted not in columns:
        raise UnknownNameError(
            f"analysis 'error-along': the samples have no parameter '{wanted}'"
            f"{did_you_mean(wanted, columns)}."
        )
    if not wanted:
        error = spectrum_error(context.result.known, context.result.predicted)
        varied = [name for name, values in columns.items() if np.ptp(values) > 0]
        if not varied or np.ptp(error) == 0:
            raise NotApplicableError("analysis 'error-along': no parameter of the samples varies.")
        wanted = max(varied, key=lambda name: abs(spearmanr(columns[name], error).statistic))
    return wanted, columns[wanted], units[wanted]


def _known_range(context: AnalysisContext, name: str) -> tuple[float, float] | None:
    domain = context.model.domain
    ranges = dict(zip(domain.parameters, domain.ranges, strict=False))
    return ranges.get(name)


def _start(values: Array, known: tuple[float, float] | None, wanted: str) -> float:
    """Return the end of the values to begin at: by default one among the training samples."""
    low, high = float(values.min()), float(values.max())
    if wanted == "auto":
        # How far each end lies outside what the model was trained on.
        outside = (known[0] - low, high - known[1]) if known else (0.0, 0.0)
        wanted = "high" if outside[0] > max(outside[1], 0.0) else "low"
    return low if wanted == "low" else high


def _caption(known: tuple[float, float] | None, values: Array, name: str) -> str:
    if known is None:
        return "Where the training samples lie is not known."
    if known[0] < values.max() and known[1] > values.min():
        return f"Grey: the range of {name} in training."
    return f"All of it lies outside the range of {name} in training."


def _draw(
    name: str,
    unit: str,
    values: Array,
    error: Array,
    process: Process,
    known: tuple[float, float] | None,
    far: float | None,
    config: ErrorAlongConfig,
) -> Figure:
    from xreg.core.analysis import style

    figure = style.new_figure(3.4, style.WIDTH * 0.8)
    axis = figure.subplots()
    path = np.linspace(values.min(), values.max(), 200)
    mean, spread = process.predict(path)
    if known is not None:
        low, high = max(known[0], path[0]), min(known[1], path[-1])
        if low < high:
            axis.axvspan(low, high, color=style.GUIDE, alpha=0.15, lw=0)
    for width, alpha in ((1.96, 0.25), (1.0, 0.35)):
        low_band, high_band = 10 ** (mean - width * spread), 10 ** (mean + width * spread)
        axis.fill_between(path, low_band, high_band, color=style.PREDICTED_FILL, alpha=alpha, lw=0)
    axis.plot(values, error, ".", ms=2.5, color=style.TRUE, alpha=0.4)
    axis.plot(path, 10**mean, color=style.PREDICTED, label="Gaussian process")
    dashed = (0, (4, 2))
    axis.axhline(config.limit, color=style.BIAS, lw=1, ls=dashed, label=f"{config.limit:g} %")
    if far is not None:
        axis.axvline(
            far, color=style.BIAS, lw=1, label=f"{config.share:g} % under {config.limit:g} %"
        )
    style.log_ticks(axis.yaxis)
    axis.set_xlim(path[0], path[-1])
    axis.set_xlabel(with_unit(name, unit))
    axis.set_ylabel("spectrum error (%)")
    axis.legend()
    return figure
