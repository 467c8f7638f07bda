"""The recipe of an explanation."""

from __future__ import annotations

from typing import ClassVar

from xreg.core.config import Config, Window, setting
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.workbench.measured.ranges import Shift
from xreg.workbench.recipes.sections import SEED_LIMIT, AnyRecipe

__all__ = ["ExplainRecipe", "ExplainSettings"]


class ExplainSettings(Config):
    """What measured spectra may differ by from those of the model, and what is asked."""

    quantities: tuple[str, ...] = setting(
        (), description="What is asked, by name; all that the model's dataset knows if empty."
    )
    group: str = setting(
        "",
        description="Label that near-copies in the model's dataset share; if empty, one that the "
        "model's split never divides.",
    )
    window: Window | None = setting(
        None, unit="eV", description="Measured energies to use; all that both have if not given."
    )
    shift: Shift = setting(
        (-1.0, 1.0),
        unit="eV",
        description="Smallest and largest energy shift of measured spectra against the model's; "
        "two equal numbers fix it.",
    )
    broadening: float = setting(
        2.0,
        unit="eV",
        ge=0,
        le=50,
        description="Widest Gaussian (full width at half maximum) that measured spectra may be "
        "broader by.",
    )
    copies: int = setting(
        2, ge=1, le=20, description="How often each spectrum of the dataset is distorted to learn."
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of distortions and folds.")


class ExplainRecipe(ExplainSettings, AnyRecipe):
    """Measured spectra, and the model whose data explain them."""

    command: ClassVar[str] = "explain"

    model: str = setting(description="Folder or name of a run, or name@version.")
    spectra: tuple[str, ...] = setting(
        min_length=1,
        description="Text files with measured spectra, a folder of them, one .zarr store, or one "
        ".npz or HDF5 file with a map.",
    )
    columns: SpectrumColumns = setting(
        SpectrumColumns(),
        description="Columns of the files, or paths inside that of a map, where they do not tell.",
    )
    measured_channel: str = setting(
        "",
        description="Channel of a store of measured spectra; that of the model's name, else its "
        "first, if empty.",
    )
    registry: str | None = setting(
        None, description="Registry of the model and its dataset; the usual search if not given."
    )
