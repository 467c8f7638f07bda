"""Sources of imports, and what comes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.cli import main as cli
from xreg.workbench.importing.collect import BadEntriesError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

ENERGY = np.arange(8980.0, 9020.5, 0.5)


def options(**changes: object) -> ImportOptions:
    return ImportOptions.parse({"dataset": {"name": "cu", "version": "1.0.0"}, **changes}, "import")


def load(source: Path, **changes: object):
    return import_dataset(source, options(**changes))


def bad_of(source: Path, **changes: object) -> dict[str, str]:
    """Return why each bad entry is refused, by the last parts of its file name."""
    with pytest.raises(BadEntriesError) as caught:
        load(source, **changes)
    return {
        str(Path(bad.file)).removeprefix(f"{source}/"): bad.reason for bad in caught.value.entries
    }


def edge(energy: np.ndarray, at: float = 8990.0) -> np.ndarray:
    return 0.5 + np.arctan(energy - at) / np.pi


def arrays() -> dict[str, np.ndarray]:
    spectra = np.array([edge(ENERGY, 8990 + i) for i in range(3)])
    return {
        "numbers": np.array([[29, 8, 0], [29, 8, 8], [29, 1, 0]]),
        "positions": np.arange(27.0).reshape(3, 3, 3),
        "spectra": spectra,
        "energy": ENERGY,
        "ids": np.array(["a", "b", "c"]),
        "label_charge": np.array([0, 1, 2]),
    }


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "import", *arguments])
    return end.value.code or 0


# FEFF trees -----------------------------------------------------------------------------------


def xmu(energy: np.ndarray = ENERGY, z: int = 29, at: float = 8990.0, skip: str = "") -> str:
    """Return a file as FEFF writes it: photon energy, a shifted energy, k, mu, mu0, chi."""
    header = (
        f"# # comment:                              FEFF 9.9.1  \n"
        f"# # Abs   Z={z} Rmt= 1.247 Rnm= 1.305 K  shell\n"
        "#  -----------------------------------------------------------------------\n"
        "#  omega    e    k    mu    mu0     chi     @#\n"
    )
    mu = edge(energy, at)
    columns = [energy, energy - 8999.4, (energy - at) / 10, mu, mu * 0.9, mu * 0.1]
    rows = "\n".join("  ".join(f"{v:.6g}" if c else f"{v:.3f}" for c, v in enumerate(row))
                     for row in np.transpose(columns))  # fmt: skip
    return header + rows + "\n" + skip
