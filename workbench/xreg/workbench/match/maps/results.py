"""The folder that the match of a map leaves: arrays, table, pictures and page."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.files import write_csv, write_text
from xreg.core.run import FORMAT
from xreg.workbench.arrays import write_arrays
from xreg.workbench.match.maps.match import MatchedStack, match_stack
from xreg.workbench.match.recipe import MatchRecipe
from xreg.workbench.measured.stacks import spectrum_rows
from xreg.workbench.result_folder import result_folder, write_json

__all__ = ["match_map"]

LISTED = 20


def match_map(recipe: MatchRecipe, out: Path) -> tuple[MatchedStack, dict[str, Any]]:
    """Find the spectra of a map in a library, and leave one folder with everything about it.

    Parameters
    ----------
    recipe
        What to match, with what, and how.
    out
        Folder to make. Nothing appears under its name before it is complete.

    Raises
    ------
    XregError
        As :func:`xreg.workbench.match.maps.match.match_stack`.
    """
    with result_folder(out, "match") as growing:
        matched, facts = match_stack(recipe)
        write_text(growing.path / "recipe.yaml", recipe.to_yaml())
        return matched, _write(matched, facts, growing.path)


def _table(matched: MatchedStack, facts: dict[str, Any]) -> dict[str, Any]:
    alive = matched.stack.dead == ""
    counts = Counter(value for value in matched.likely.tolist() if value)
    strange = int((alive & (matched.likely == "")).sum())
    remarks = [*facts["remarks"], *matched.comparison.remarks()]
    if strange:
        remarks.append(f"{strange:,} spectra are like nothing in the library.")
    if matched.weights is not None:
        remarks.append(
            "Weights are those at one shift ({:.2f} eV) and broadening ({:.2f} eV), the best of "
            "the mean spectrum.".format(*matched.place)
        )
    judged = matched.calibration
    return {
        "format": FORMAT,
        "xreg": version("xreg"),
        **facts,
        "remarks": remarks,
        "shape": list(matched.stack.shape),
        "count": len(matched.stack),
        "dead": int((~alive).sum()),
        "likely": [{"value": v, "spectra": c} for v, c in counts.most_common(LISTED)],
        "misfit": [float(q) for q in np.quantile(matched.misfit[alive], [0.05, 0.5, 0.95])],
        "right": float(judged.right.mean()) if len(judged.right) else None,
        "stated": float(judged.stated.mean()) if len(judged.stated) else None,
    }


def _write(matched: MatchedStack, facts: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write ``match.json``, ``match.zarr``, ``pixels.csv``, a picture and ``report.html``."""
    from xreg.core.analysis.style import styled
    from xreg.workbench.measured.figures import Panel, draw_panels
    from xreg.workbench.report.page import drawn, fill

    table = _table(matched, facts)
    stack = matched.stack
    columns: dict[str, Any] = {
        "likely": matched.likely,
        "probability": matched.probability,
        "nearest": matched.nearest,
        "misfit": matched.misfit,
        "shift": matched.shift,
        "broadening": matched.broadening,
        "resemblance": matched.resemblance,
    }
    parts = []
    if matched.weights is not None and matched.std is not None:
        for i, name in enumerate(facts["settings"]["references"]):
            columns[f"weight {name}"] = matched.weights[:, i]
            columns[f"std {name}"] = matched.std[:, i]
            parts.append(Panel(f"weight {name[:18]}", matched.weights[:, i], matched.std[:, i]))
    columns["dead"] = stack.dead
    write_json(folder / "match.json", table)
    arrays = {name: values.reshape(stack.shape) for name, values in columns.items()}
    write_arrays(folder / "match.zarr", arrays, {}, {"shift": "eV", "broadening": "eV"})
    write_csv(folder / "pixels.csv", spectrum_rows(columns, stack.shape))
    panels = [
        Panel("most probable", matched.likely),
        Panel("its probability", matched.probability),
        Panel("misfit (%)", 100 * matched.misfit),
        Panel("shift (eV)", matched.shift),
        *parts,
    ]
    with styled():
        picture = drawn(draw_panels(panels, stack.shape), folder / "maps.png")
    page = fill("match_map", result=table, picture=picture)
    write_text(folder / "report.html", page)
    return table
