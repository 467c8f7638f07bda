"""Tables that xreg writes, as other programs save them again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

E = np.arange(7100.0, 7130.0)
MU = np.round(np.arctan(E - 7112) + 2, 4)
OPTIONS = ImportOptions.parse({"dataset": {"name": "x", "version": "1.0.0"}}, "it")


def rows(between: str = ",") -> str:
    cells = [("energy (eV)", "a", "b")]
    cells += [(str(e), f"{v:.4f}", f"{2 * v:.4f}") for e, v in zip(E, MU, strict=True)]
    return "".join(between.join(row) + "\n" for row in cells)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_as_a_program_of_sheets_saves_it(tmp_path: Path, mark: str, between: str, end: str) -> None:
    (tmp_path / "x.csv").write_bytes((mark + rows(between)).replace("\n", end).encode())
    found = import_dataset(tmp_path / "x.csv", OPTIONS)
    assert found.metadata.provenance["layout"] == "csv"
    assert found.samples.ids.tolist() == ["a", "b"]
    np.testing.assert_allclose(found.spectra["xas"].intensity[1], 2 * MU, atol=1e-6)
    assert "cut off" not in str(found.metadata.provenance["remarks"])


def test_a_file_that_ends_within_a_number(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(rows()[:-3])
    found = import_dataset(tmp_path / "x.csv", OPTIONS)
    assert "was the file cut off?" in str(found.metadata.provenance["remarks"])
