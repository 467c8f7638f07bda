"""The folder that a fit leaves: numbers, curves, picture and page."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.files import write_csv, write_text
from xreg.core.run import FORMAT
from xreg.workbench.fit.problem import range_text
from xreg.workbench.fit.refine import VAGUE
from xreg.workbench.fit.sticks import write_sticks
from xreg.workbench.result_folder import result_folder, write_json

if TYPE_CHECKING:
    from xreg.core.data.spectra import LineList
    from xreg.workbench.fit.fit import Fitted
    from xreg.workbench.fit.minima import Minimum
    from xreg.workbench.fit.recipe import FitRecipe
    from xreg.workbench.fit.refine import Fit

__all__ = ["fit", "fit_of", "result_rows", "result_table", "write_fit"]

# Correlation of neighbouring residuals, in units of what noise alone gives, from which it is told.
SHAPED = 4.0


def result_table(done: Fitted) -> dict[str, Any]:
    """Return everything that ``fit.json`` holds, as JSON values."""
    fit, problem = done.fit, done.fit.problem
    std = dict(zip(problem.labels, fit.std.tolist(), strict=True))
    vague = _poorly_determined(done)
    values = _values(fit, fit.best)
    parameters = {}
    for i, name in enumerate((*problem.names, "shift")):
        shift = i == len(problem.names)
        ends = problem.shift if shift else problem.ranges[i].tolist()
        free = name in std
        parameters[name] = {
            "value": values[name],
            "std": std.get(name),
            "intervals": [asdict(part) for part in done.intervals.get(name, [])],
            "unit": "eV" if shift else problem.units[i],
            "range": [float(end) for end in ends],
            "fixed": not free,
            "determined": free and name not in vague,
            "at_limit": fit.at_limit.get(name),
            "other_sign": fit.open_signs.get(name),
        }
    heights = ("scale", *problem.curve_names)
    curves = [fit.best.scale, *fit.best.heights.tolist()]
    noise = fit.noise**2
    return {
        "format": FORMAT,
        "xreg": version("xreg"),
        **done.facts,
        "parameters": parameters,
        "heights": {
            name: {"value": value, "std": float(spread)}
            for name, value, spread in zip(heights, curves, fit.heights_std, strict=True)
        },
        "correlation": {"labels": list(problem.labels), "matrix": fit.correlation.tolist()},
        "undetermined": [{"weights": d.weights, "std": d.std} for d in fit.undetermined],
        "alternatives": [
            {
                "delta_chi2": (mode.minimum.chi2 - fit.best.chi2) / noise,
                "weight": mode.weight,
                "values": _values(fit, mode.minimum),
            }
            for mode in fit.modes[1:]
        ],
        "weight": fit.modes[0].weight,
        "minima": [
            {"delta_chi2": (m.chi2 - fit.best.chi2) / noise, "values": _values(fit, m)}
            for m in fit.minima
        ],
        "noise": {"given": problem.measured.noise is not None, "std": fit.noise},
        "reduced_chi2": fit.reduced_chi2 if problem.measured.noise is not None else None,
        "residual": {
            "rms": float(np.sqrt(np.mean(_rest(fit) ** 2))),
            "share_of_height": float(np.sqrt(np.mean(_rest(fit) ** 2)) / fit.spectrum.max()),
            "neighbours": fit.neighbours,
        },
        "starts": {
            "count": len(done.starts.misfit),
            "best_misfit": float(done.starts.misfit[0]),
            "worst_misfit": float(done.starts.misfit[-1]),
        },
        "remarks": _remarks(done),
    }


def result_rows(table: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return name, value, σ, 68 % interval, unit, range and a remark of each unknown, as text."""
    rows: list[tuple[str, ...]] = []
    for name, entry in table["parameters"].items():
        low, high = entry["range"]
        remark = "fixed" if entry["fixed"] else ""
        if not entry["fixed"] and not entry["determined"]:
            remark = "hardly determined"
        if entry["at_limit"]:
            remark = f"{remark}, at its limit".removeprefix(", ")
        spread = "" if entry["fixed"] else f"{entry['std']:.2g}"
        if entry["other_sign"]:
            remark = f"{remark}, sign open".removeprefix(", ")
        between = ", ".join(range_text(part["low"], part["high"]) for part in entry["intervals"])
        span = "" if entry["fixed"] else range_text(low, high)
        rows.append((name, f"{entry['value']:.5g}", spread, between, entry["unit"], span, remark))
    for name, entry in table["heights"].items():
        rows.append((name, f"{entry['value']:.5g}", f"{entry['std']:.2g}", "", "", "", ""))
    return rows


def fit(recipe: FitRecipe, out: Path, *, allow_code: bool = False) -> dict[str, Any]:
    """Fit a spectrum as a recipe says, and leave one folder with everything in it.

    Parameters
    ----------
    recipe
        What to fit, and how.
    out
        Folder to make. Nothing appears under its name before it is complete.
    allow_code
        Whether the user agrees to code that came with the model or its dataset.

    Returns
    -------
    dict
        What ``fit.json`` holds.

    Raises
    ------
    XregError
        As :func:`xreg.workbench.fit.fit.fit_spectrum`.
    """
    with result_folder(out, "fit") as growing:
        done = fit_of(recipe, allow_code=allow_code)
        write_text(growing.path / "recipe.yaml", recipe.to_yaml())
        return write_fit(done, growing.path)


def fit_of(recipe: FitRecipe, *, allow_code: bool = False) -> Fitted:
    """Fit a spectrum as a recipe says; nothing is written."""
    from xreg.workbench.fit.fit import fit_spectrum

    return fit_spectrum(
        recipe.model,
        Path(recipe.places[0]),
        recipe,
        recipe.registry,
        columns=recipe.columns,
        allow_code=allow_code,
    )


def write_fit(done: Fitted, folder: Path) -> dict[str, Any]:
    """Write ``fit.json``, ``fit.csv``, ``fit.png`` and ``report.html`` into a folder.

    Where the engine knows the transitions, ``sticks.csv`` lists those of the best parameters.
    """
    from xreg.core.analysis.style import styled
    from xreg.workbench.fit.figures import draw_fit
    from xreg.workbench.report.page import drawn, fill

    table = result_table(done)
    lines = _lines(done)
    write_json(folder / "fit.json", table)
    _write_curves(folder / "fit.csv", done.fit)
    if lines is not None:
        write_sticks(folder / "sticks.csv", lines, done.fit.best.shift)
    with styled():
        figure = draw_fit(done.fit, done.starts, done.intervals, lines, done.channel)
        picture = drawn(figure, folder / "fit.png")
    page = fill("fit", result=table, rows=result_rows(table), picture=picture)
    write_text(folder / "report.html", page)
    return table


def _values(fit: Fit, minimum: Minimum) -> dict[str, float]:
    names = (*fit.problem.names, "shift")
    return dict(zip(names, (*minimum.values.tolist(), minimum.shift), strict=True))


def _rest(fit: Fit) -> Any:
    return fit.problem.measured.intensity - fit.spectrum - fit.background


def _poorly_determined(done: Fitted) -> list[str]:
    """Return the unknowns of which the spectrum says no more than their range, or hardly so."""
    problem = done.fit.problem
    found = {name for direction in done.fit.undetermined for name in direction.weights}
    for name, width in zip(problem.labels, problem.widths.tolist(), strict=True):
        parts = done.intervals.get(name, [])
        if sum(part.high - part.low for part in parts) > 2 * VAGUE * width:
            found.add(name)
    return [name for name in problem.labels if name in found]


def _remarks(done: Fitted) -> list[str]:
    fit = done.fit
    read = done.facts["spectrum"]
    found = list[str](done.facts["model"]["changes"])
    found += [f"In {read['file']}, {note}." for note in read.get("notes", [])]
    if names := _poorly_determined(done):
        found.append(
            f"The spectrum hardly determines {', '.join(names)}, whose σ is then what their range "
            "leaves; fix what is known with --fix."
        )
    for direction in fit.undetermined:
        if len(direction.weights) > 1:
            found.append(f"It says nothing of {direction} (in units of the ranges).")
    for name, end in fit.at_limit.items():
        found.append(f"{name} ended at the {end} end of its range.")
    if signs := fit.open_signs:
        told = ", ".join(f"{name} ({100 * share:.0f} %)" for name, share in signs.items())
        found.append(f"The sign may be the other one, with the probability given: {told}.")
    if fit.equivalent:
        count = (
            f"{len(fit.equivalent)} other minim{'um fits' if len(fit.equivalent) == 1 else 'a fit'}"
        )
        found.append(
            f"The solution is not unique: {count} as well within the noise; σ and intervals "
            "cover all of them."
        )
    if fit.neighbours > SHAPED / np.sqrt(len(fit.problem.measured)):
        found.append(
            f"What is left is not noise alone: neighbouring points correlate by "
            f"{fit.neighbours:.2f}, so the model misses something or the data were smoothed, and "
            "the uncertainties are too small."
        )
    return found


def _lines(done: Fitted) -> LineList | None:
    from xreg.core.data.samples import ParameterSet

    if done.generator is None:
        return None
    best = done.fit.best
    values = dict(zip(done.fit.problem.names, best.values.tolist(), strict=True))
    return done.generator.sticks(ParameterSet("best fit", values))


def _write_curves(path: Path, fit: Fit) -> None:
    measured = fit.problem.measured
    columns = [measured.energy, measured.intensity, fit.spectrum + fit.background, fit.background,
               _rest(fit)]  # fmt: skip
    names = ("energy (eV)", "measured", "fit", "background", "residual")
    write_csv(path, [names, *np.stack(columns, axis=1).tolist()])
