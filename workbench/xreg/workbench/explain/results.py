"""The folder that an explanation leaves: answers, table, arrays, pictures and page."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.files import write_csv, write_text
from xreg.core.run import FORMAT
from xreg.core.text import with_unit
from xreg.workbench.arrays import write_arrays
from xreg.workbench.explain.explain import Explained, explain_spectra
from xreg.workbench.explain.learn import LEVELS, STRANGE
from xreg.workbench.explain.recipe import ExplainRecipe
from xreg.workbench.measured.stacks import joined
from xreg.workbench.result_folder import result_folder, write_json

__all__ = ["explain", "result_table"]

DRAWN = 12
LISTED = 100  # spectra that the JSON and the page list one by one; the arrays hold all
USUAL = 1.0  # times the misfit of 95 % of the model's data with other groups
BEST = 8  # quantities that a map draws


def explain(
    recipe: ExplainRecipe, out: Path, *, allow_code: bool = False
) -> tuple[list[Explained], dict[str, Any]]:
    """Explain measured spectra, and leave one folder with everything about it.

    Parameters
    ----------
    recipe
        The model, the spectra, and what may differ.
    out
        Folder to make. Nothing appears under its name before it is complete.
    allow_code
        Whether the user agrees to code that came with the model.

    Returns
    -------
    list
        What was found for each grid of energies.
    dict
        What ``explain.json`` holds.

    Raises
    ------
    XregError
        As :func:`xreg.workbench.explain.explain.explain_spectra`.
    """
    with result_folder(out, "explain") as growing:
        done, facts = explain_spectra(recipe, allow_code=allow_code)
        write_text(growing.path / "recipe.yaml", recipe.to_yaml())
        return done, _write(done, facts, growing.path)


def result_table(done: list[Explained], facts: dict[str, Any]) -> dict[str, Any]:
    """Return everything that ``explain.json`` holds, as JSON values."""
    spectra: list[dict[str, Any]] = []
    for part in done:
        spectra += [_spectrum(part, i) for i in range(min(len(part.rows), LISTED - len(spectra)))]
    total = sum(len(part.rows) for part in done)
    return {
        "format": FORMAT,
        "xreg": version("xreg"),
        **{name: value for name, value in facts.items() if name not in ("spectra", "notes")},
        "places": facts["spectra"]["places"],
        "count": sum(len(part.stack) for part in done),
        "explained": total,
        "strangers": int(sum((~part.resembles).sum() for part in done)),
        "quantities": [_judged(done[0], j) for j in range(len(done[0].answers))],
        "mismatch": [part.explainer.mismatch for part in done],
        "spectra": spectra,
        "remarks": _remarks(done, facts, total),
    }


def _judged(part: Explained, j: int) -> dict[str, Any]:
    one, judged = part.explainer.quantities[j], part.explainer.judged[j]
    coverage = judged.coverage
    return {
        "name": one.name,
        "unit": one.unit,
        "range": [float(one.values.min()), float(one.values.max())],
        "known": judged.known,
        "skill": judged.skill,
        "error": judged.error,
        "coverage": [None if np.isnan(value) else value for value in coverage],
        "method": judged.method,
    }


def _spectrum(part: Explained, i: int) -> dict[str, Any]:
    told = {}
    for one, judged, answer in zip(
        part.explainer.quantities, part.explainer.judged, part.answers, strict=True
    ):
        if not (judged.known and part.resembles[i]):
            continue
        others = answer.others[i]
        told[one.name] = {
            "value": float(answer.value[i]),
            "unit": one.unit,
            **{
                f"interval_{level:.0%}".rstrip("%"): [
                    float(answer.low[k, i]), float(answer.high[k, i])
                ]
                for k, level in enumerate(LEVELS)
            },
            "solutions": [{"value": v, "share": s} for v, s in others] if len(others) > 1 else [],
        }  # fmt: skip
    strange = float(part.strange[i])
    return {
        "name": part.stack.name(int(part.rows[i])),
        "nearest": str(part.nearest[i]),
        "misfit": float(part.misfit[i]),
        "shift": float(part.shift[i]),
        "strange": strange,
        "resembles": bool(part.resembles[i]),
        "words": _words(strange, float(part.misfit[i])),
        "told": told,
    }


def _words(strange: float, misfit: float) -> str:
    """Say how far a spectrum is from the model's data."""
    left = (
        f"its nearest spectrum leaves {misfit:.1%}, {strange:.2g} times what 95 % of the model's "
    )
    left += "own data leave with other groups"
    if strange >= STRANGE:
        return f"It resembles nothing that the model knows ({left}), so nothing is told of it."
    if strange > USUAL:
        return f"It differs from all that the model knows ({left}); intervals are widened for that."
    return f"It is like what the model knows ({left})."


def _remarks(done: list[Explained], facts: dict[str, Any], total: int) -> list[str]:
    found = [*facts["model"]["changes"], *facts["spectra"]["remarks"], *facts["notes"]]
    unknown = [
        one.name
        for one, judged in zip(done[0].explainer.quantities, done[0].explainer.judged, strict=True)
        if not judged.known
    ]
    if unknown:
        found.append(
            f"Nothing is told of {', '.join(unknown)}: on groups left out, always to say the "
            "median is about as good."
        )
    if strangers := sum(int((~part.resembles).sum()) for part in done):
        found.append(f"{strangers:,} of {total:,} spectra resemble nothing that the model knows.")
    for part in done:
        found += part.explainer.comparison.remarks("Used")
        if part.explainer.mismatch > 0:
            found.append(
                "Beside shift, broadening and noise the spectra differ from the model's data by "
                f"{part.explainer.mismatch:.1%} of their standard deviation; the answers were "
                "learned from data changed by as much."
            )
    return found


def _write(done: list[Explained], facts: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write ``explain.json``, ``answers.csv``, ``explain.zarr``, pictures and ``report.html``."""
    from xreg.core.analysis.style import styled
    from xreg.workbench.explain.figures import draw_spectrum
    from xreg.workbench.measured.figures import Panel, draw_panels
    from xreg.workbench.report.draw import save_figure
    from xreg.workbench.report.page import data_url, fill

    table = result_table(done, facts)
    shape, names = joined([part.stack for part in done])
    columns, units = _columns(done)
    write_json(folder / "explain.json", table)
    write_arrays(
        folder / "explain.zarr",
        {name: values.reshape(shape) for name, values in columns.items()}
        | ({"names": np.array(names)} if names else {}),
        {"model": facts["model"]["reference"]},
        units,
    )
    write_csv(folder / "answers.csv", _rows(table))
    pictures, maps = [], ""
    with styled():
        few = [(part, i) for part in done for i in range(len(part.rows))]
        for number, (part, i) in enumerate(few[: DRAWN if len(few) <= LISTED else 0], start=1):
            path = folder / f"spectrum-{number}.png"
            save_figure(draw_spectrum(part, i, part.stack.name(int(part.rows[i]))), path)
            pictures.append(data_url(path))
        if len(few) > 1:
            known = [one["name"] for one in table["quantities"] if one["known"]][:BEST]
            panels = [
                Panel(with_unit(name, units[name]), columns[name], columns[f"{name}_high"]
                      - columns[name]) for name in known
            ] + [Panel("misfit (%)", 100 * columns["misfit"])]  # fmt: skip
            save_figure(draw_panels(panels, shape, names), folder / "maps.png")
            maps = data_url(folder / "maps.png")
    page = fill("explain", result=table, pictures=pictures, maps=maps)
    write_text(folder / "report.html", page)
    return table


def _columns(done: list[Explained]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return arrays of all spectra by name, NaN where nothing is told, and their units."""
    columns: dict[str, Any] = {}
    units: dict[str, str] = {}

    def spread(part: Explained, values: Any, told: Any) -> Any:
        whole = np.full(len(part.stack), np.nan)
        whole[part.rows] = np.where(told, values, np.nan)
        return whole

    for j, one in enumerate(done[0].explainer.quantities):
        units |= {
            f"{one.name}{end}": one.unit for end in ("", "_low", "_high", "_low95", "_high95")
        }
        for end, take in {
            "": lambda a: a.value, "_low": lambda a: a.low[0], "_high": lambda a: a.high[0],
            "_low95": lambda a: a.low[1], "_high95": lambda a: a.high[1],
            "_solutions": lambda a: np.array([max(len(o), 1) for o in a.others]),
        }.items():  # fmt: skip
            columns[f"{one.name}{end}"] = np.concatenate([
                spread(p, take(p.answers[j]), p.resembles & p.explainer.judged[j].known)
                for p in done
            ])  # fmt: skip
    for name in ("misfit", "strange", "shift"):
        columns[name] = np.concatenate([spread(p, getattr(p, name), True) for p in done])
    columns["dead"] = np.concatenate([p.stack.dead for p in done])
    return columns, units | {"shift": "eV"}


def _rows(table: dict[str, Any]) -> list[list[Any]]:
    head = ["spectrum", "quantity", "unit", "value", "low 68 %", "high 68 %", "low 95 %",
            "high 95 %", "solutions", "nearest", "misfit"]  # fmt: skip
    rows = [
        [one["name"], name, told["unit"], told["value"], *told["interval_68"],
         *told["interval_95"],
         "; ".join(f"{s['value']:.4g} ({s['share']:.0%})" for s in told["solutions"]),
         one["nearest"], one["misfit"]]
        for one in table["spectra"]
        for name, told in one["told"].items()
    ]  # fmt: skip
    return [head, *rows]
