"""The folder that the fit of a map or series leaves: arrays, table, pictures and page."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.files import write_csv, write_text
from xreg.core.run import FORMAT
from xreg.core.text import counted, with_unit
from xreg.workbench.arrays import write_arrays
from xreg.workbench.fit.refine import OPEN_SIGN, VAGUE
from xreg.workbench.measured.figures import Panel, draw_panels
from xreg.workbench.measured.stacks import joined, spectrum_rows
from xreg.workbench.result_folder import result_folder, write_json

if TYPE_CHECKING:
    from xreg.workbench.fit.maps.fit import FittedStack
    from xreg.workbench.fit.recipe import FitRecipe

__all__ = ["fit_stack", "result_table", "stack_rows"]

SHAPED = 4.0  # correlation of neighbouring residuals, in units of what noise alone gives


def fit_stack(
    recipe: FitRecipe, out: Path, *, workers: int | None = None, allow_code: bool = False
) -> dict[str, Any]:
    """Fit a map or series as a recipe says, and leave one folder with everything in it.

    Parameters
    ----------
    recipe
        What to fit, and how.
    out
        Folder to make. Nothing appears under its name before it is complete.
    workers
        Processes at once; one for each core if not given.
    allow_code
        Whether the user agrees to code that came with the model or its dataset.

    Returns
    -------
    dict
        What ``fit.json`` holds.

    Raises
    ------
    XregError
        As :func:`xreg.workbench.fit.maps.fit.fit_stacks`.
    """
    from xreg.workbench.fit.maps.fit import fit_stacks

    with result_folder(out, "fit") as growing:
        done, facts = fit_stacks(recipe, workers=workers, allow_code=allow_code)
        write_text(growing.path / "recipe.yaml", recipe.to_yaml())
        return _write(done, facts, growing.path)


def _columns(done: list[FittedStack]) -> dict[str, NDArray[Any]]:
    """Return arrays of all spectra by name, in the order of the stacks."""
    labels = done[0].problem.labels
    found: dict[str, NDArray[Any]] = {}

    def every(take: Any) -> NDArray[Any]:
        return np.concatenate([take(one) for one in done])

    for i, label in enumerate(labels):
        found[label] = every(lambda one, i=i: one.values[:, i])
        found[f"{label}_std"] = every(lambda one, i=i: one.std[:, i])
        found[f"{label}_other"] = every(lambda one, i=i: one.others[:, i])
    for name in ("residual", "minima", "weight", "neighbours", "noise", "chi2", "scale"):
        found[name] = every(lambda one, name=name: one.arrays[name])
    for i, name in enumerate(done[0].problem.curve_names):
        found[name] = every(lambda one, i=i: one.arrays["heights"][:, i])
    signs = every(lambda one: np.nanmax(np.nan_to_num(one.arrays["other_sign"]), axis=1))
    found["other_sign"] = np.where(np.isfinite(found["chi2"]), signs, np.nan)
    found["refined"] = every(lambda one: one.refined)
    found["dead"] = every(lambda one: one.stack.dead)
    return found


def result_table(done: list[FittedStack], facts: dict[str, Any]) -> dict[str, Any]:
    """Return everything that ``fit.json`` holds, as JSON values."""
    columns = _columns(done)
    problem = done[0].problem
    units = dict(zip(problem.labels, problem.label_units, strict=True))
    fine = np.isfinite(columns["chi2"])
    parameters = {}
    for i, label in enumerate(problem.labels):
        values, std = columns[label][fine], columns[f"{label}_std"][fine]
        low, high = problem.origin[i], problem.origin[i] + problem.widths[i]
        parameters[label] = {
            "unit": units[label],
            "range": [float(low), float(high)],
            "quantiles": _quantiles(values),
            "median_std": float(np.median(std)) if fine.any() else None,
            "hardly_determined": float((std > VAGUE * problem.widths[i]).mean()),
            "at_limit": float(((values < low + 1e-3 * problem.widths[i])
                               | (values > high - 1e-3 * problem.widths[i])).mean()),
        }  # fmt: skip
    return {
        "format": FORMAT,
        "xreg": version("xreg"),
        **facts,
        "count": len(fine),
        "dead": int((columns["dead"] != "").sum()),
        "fitted": int(fine.sum()),
        "refined": int(columns["refined"].sum()),
        "parameters": parameters,
        "residual": _quantiles(columns["residual"][fine]),
        "ambiguous": float((columns["minima"][fine] > 1).mean()) if fine.any() else 0.0,
        "sign_open": float((columns["other_sign"][fine] >= OPEN_SIGN).mean())
        if fine.any()
        else 0.0,
        "remarks": _remarks(done, facts, columns, fine),
    }


def _quantiles(values: Array) -> list[float]:
    """Return 5, 50 and 95 %."""
    return [float(q) for q in np.quantile(values, [0.05, 0.5, 0.95])] if len(values) else []


def _remarks(
    done: list[FittedStack],
    facts: dict[str, Any],
    columns: dict[str, NDArray[Any]],
    fine: NDArray[np.bool_],
) -> list[str]:
    found = [*facts["model"]["changes"], *facts["spectra"]["remarks"]]
    alive = columns["dead"] == ""
    if (lost := int((alive & ~fine).sum())) > 0:
        found.append(
            f"Nothing fits {counted(lost, 'spectrum', 'spectra')}: no spectrum of the model "
            "resembles it with a positive scale; NaN stands for it."
        )
    problem = done[0].problem
    vague = [
        label
        for i, label in enumerate(problem.labels)
        if fine.any() and np.median(columns[f"{label}_std"][fine]) > VAGUE * problem.widths[i]
    ]
    if vague:
        found.append(
            f"Most of the spectra hardly determine {', '.join(vague)}; fix what is known with "
            "--fix."
        )
    if fine.any() and (share := float((columns["minima"][fine] > 1).mean())) > 0:
        found.append(
            f"In {share:.0%} of the spectra another minimum fits as well within the noise; σ "
            "covers it, and the arrays ending in _other hold it."
        )
    limit = SHAPED / np.sqrt(len(problem.measured))
    if fine.any() and (share := float((columns["neighbours"][fine] > limit).mean())) > 0.05:
        found.append(
            f"In {share:.0%} of the spectra what is left is not noise alone: the model misses "
            "something, the search ended in a wrong valley or the data were smoothed."
        )
    if not columns["refined"].any():
        found.append(
            "No exact engine refined the fit: values and uncertainties hold as far as the network "
            "is right."
        )
    elif not columns["refined"][fine].all():
        found.append(
            f"The exact engine refined {columns['refined'].sum():,} of the spectra; what the "
            "network misses of those is counted in the uncertainties of the others."
        )
    return found


def stack_rows(table: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return name, quantiles, median σ, unit, range and a remark of each unknown, as text."""
    rows: list[tuple[str, ...]] = []
    for name, entry in table["parameters"].items():
        low, middle, high = entry["quantiles"] or (np.nan,) * 3
        spread = entry["median_std"]
        vague = entry["hardly_determined"]
        remark = f"hardly determined in {vague:.0%}" if vague >= 0.01 else ""
        if entry["at_limit"] >= 0.01:
            remark = f"{remark}, at a limit in {entry['at_limit']:.0%}".removeprefix(", ")
        rows.append(
            (name, f"{middle:.4g}", f"{low:.4g} … {high:.4g}",
             "" if spread is None else f"{spread:.2g}", entry["unit"],
             "{:.4g} … {:.4g}".format(*entry["range"]), remark)
        )  # fmt: skip
    return rows


def _write(done: list[FittedStack], facts: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write ``fit.json``, ``fit.zarr``, ``parameters.csv``, pictures and ``report.html``."""
    from xreg.core.analysis.style import styled
    from xreg.workbench.report.page import drawn, fill

    table = result_table(done, facts)
    columns, problem = _columns(done), done[0].problem
    shape, names = joined([one.stack for one in done])
    units = {label: unit for label, unit in zip(problem.labels, problem.label_units, strict=True)}
    units |= {f"{label}{end}": unit for label, unit in units.items() for end in ("_std", "_other")}
    write_json(folder / "fit.json", table)
    write_arrays(
        folder / "fit.zarr",
        {name: values.reshape(shape) for name, values in columns.items()}
        | ({"names": np.array(names)} if names else {}),
        {"parameters": list(problem.labels), "model": facts["model"]["reference"]},
        units,
    )
    write_csv(folder / "parameters.csv", spectrum_rows(columns, shape, names, units))
    value_panels = [
        Panel(with_unit(label, units[label]), columns[label], columns[f"{label}_std"])
        for label in problem.labels
    ]
    std_panels = [
        Panel(with_unit(f"σ of {label}", units[label]), columns[f"{label}_std"])
        for label in problem.labels
    ]
    trust = [
        Panel("misfit (% of the height)", 100 * columns["residual"]),
        Panel("minima as good", np.where(columns["minima"] > 0, columns["minima"], np.nan)),
        Panel("likelihood of the best", columns["weight"]),
        Panel("left out as dead", columns["dead"])
        if (columns["dead"] != "").any()
        else Panel("probability of the other sign", columns["other_sign"]),
    ]
    pictures = []
    with styled():
        for name, panels in (("values", value_panels), ("std", std_panels), ("trust", trust)):
            pictures.append(drawn(draw_panels(panels, shape, names), folder / f"{name}.png"))
    page = fill("fit_map", result=table, rows=stack_rows(table), pictures=pictures)
    write_text(folder / "report.html", page)
    return table
