"""How much self-absorption of a thick sample leaves, and where it is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.measured import fluorescence
from xreg.core.measured.fluorescence import left_of_thick, thick_in_words
from xreg.core.measured.spectrum import read_measured
from xreg.core.readers.spectra.columns import SpectrumColumns

xraydb = pytest.importorskip("xraydb")

ENERGY = np.arange(7000.0, 7300.0, 1.0)


def written(path: Path, column: str, *fields: str) -> Path:
    rise = 0.5 + np.arctan((ENERGY - 7112) / 1.5) / np.pi
    lines = ["# XDI/1.0", "# Column.1: energy eV", f"# Column.2: {column}", *fields, "# ---"]
    rows = [f"{e:.2f} {mu:.6f}" for e, mu in zip(ENERGY, rise, strict=True)]
    path.write_text("\n".join([*lines, f"# energy {column}", *rows]) + "\n")
    return path


def test_a_foil_keeps_a_quarter_and_a_solution_nearly_all() -> None:
    # By hand from the tables: mu/rho of iron 53 and 406 cm2/g about its edge, 72 at 6.40 keV.
    below, above, emitted = xraydb.mu_elam("Fe", np.array([7102.0, 7122.0, 6398.0]))
    assert left_of_thick("Fe", "Fe", "K") == pytest.approx(
        1 - (above - below) / (above + emitted), abs=2e-3
    )
    assert left_of_thick("FeH4000O2000", "Fe", "K") > 0.95
    # The more, the flatter the beam comes in and the steeper it leaves: other absorption is less.
    flat, steep = left_of_thick("Fe2O3", "Fe", "K", 5, 85), left_of_thick("Fe2O3", "Fe", "K", 85, 5)
    assert flat < left_of_thick("Fe2O3", "Fe", "K") < steep
    assert steep > 0.7


@pytest.mark.parametrize(
    ("formula", "element", "edge", "why"),
    [
        ("rust", "Fe", "K", "is no formula"),
        ("", "Fe", "K", "has no Fe"),
        ("Fe2O3", "Cu", "K", "has no Cu"),
        ("FeC2O4.2H2O", "Fe", "K", "in brackets"),
        ("FeSO4·7H2O", "Fe", "K", "in brackets"),
        ("LiF", "Li", "K", "not reliable below 100 eV"),
        ("Fe2O3", "Fe", "M9", "no fluorescence line of Fe M9"),
    ],
)
def test_what_cannot_be_estimated_is_told(formula: str, element: str, edge: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        left_of_thick(formula, element, edge)


def test_what_lacks_is_told_and_the_edge_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "its composition would have to be told" in thick_in_words("", "Fe", "K")
    assert "its composition and element and edge would" in thick_in_words("", "", "", ENERGY)
    assert "29% of the structure above the Fe K edge" in thick_in_words("Fe2O3", "Fe", "", ENERGY)
    assert "cannot be estimated: 'rust' is no formula" in thick_in_words("rust", "Fe", "K")
    assert "hardly matters" in thick_in_words("FeH4000O2000", "Fe", "K")
    monkeypatch.setattr(fluorescence, "find_spec", lambda name: None)
    assert 'pip install "xreg[measured]"' in thick_in_words("Fe2O3", "Fe", "K")


@pytest.mark.parametrize(
    ("column", "signal", "fields", "told"),
    [
        ("mufluor", None, ("# Element.symbol: Fe", "# Sample.stoichiometry: Fe2O3"), "leaves 29%"),
        ("mu", None, ("# Detector.mode: Fluorescence yield",), "may damp"),
        ("ifluor", "ifluor", (), "may damp"),
        ("mutrans", None, ("# Sample.stoichiometry: Fe2O3",), ""),
        ("mu", None, ("# Sample.stoichiometry: Fe2O3",), ""),
    ],
)
def test_a_spectrum_that_is_fitted_or_matched_is_told_of(
    column: str, signal: str | None, fields: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "a.xdi", column, *fields)
    _, notes = read_measured(file, SpectrumColumns(signal=signal or ""))
    found = [note for note in notes if "self-absorption" in note]
    assert len(found) == bool(told)
    assert told in "".join(found)
