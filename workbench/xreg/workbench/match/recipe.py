"""The recipe of a match."""

from __future__ import annotations

from typing import ClassVar, Literal

from xreg.core.config import Config, Window, setting
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.workbench.measured.ranges import Shift
from xreg.workbench.recipes.sections import SEED_LIMIT, AnyRecipe, DatasetSection

__all__ = ["MatchRecipe", "MatchSettings", "SeriesSection"]


class SeriesSection(Config):
    """How spectra that belong together, as those of a reaction, are taken apart."""

    components: int = setting(
        0, ge=0, le=12, description="Number of components; the minimum of Malinowski's IND if 0."
    )
    closure: bool = setting(
        True, description="Whether the shares of the components add up to one in every spectrum."
    )


class MatchSettings(Config):
    """What may differ between a measured spectrum and its reference, and what is sought."""

    channel: str = setting("", description="Channel of the library; its first if empty.")
    window: Window | None = setting(
        None,
        unit="eV",
        description="Measured energies to compare; all that both have if not given.",
    )
    shift: Shift = setting(
        (-5.0, 5.0),
        unit="eV",
        description="Smallest and largest energy shift of measured spectra against the library; "
        "two equal numbers fix it.",
    )
    broadening: float = setting(
        2.0,
        unit="eV",
        ge=0,
        le=50,
        description="Widest Gaussian (full width at half maximum) that references may be "
        "broadened with.",
    )
    scale: Literal["free", "fixed"] = setting(
        "free", description="Whether intensities may be scaled; fixed for normalised edges."
    )
    offset: Literal["free", "fixed"] = setting(
        "free", description="Whether a constant may be added to references."
    )
    nearest: int = setting(10, ge=1, le=1000, description="How many references are listed.")
    label: str = setting(
        "", description="Label of the library whose value is sought; the reference itself if empty."
    )
    group: str = setting(
        "",
        description="Label that near-copies in the library share; none of them may vouch for "
        "another when probabilities are calibrated.",
    )
    combine: int = setting(
        3, ge=0, le=5, description="Most references of a linear combination; 0 for none."
    )
    references: tuple[str, ...] = setting(
        (),
        description="Ids of the references that may take part in combinations; if none are named, "
        "all of a small library, else the nearest.",
    )
    sum_to_one: bool = setting(
        False, description="Whether the weights of a combination add up to one."
    )
    series: SeriesSection | None = setting(
        None, description="Take the spectra as one series: components, target tests, MCR-ALS."
    )
    simulated: int = setting(
        100, ge=20, le=10_000, description="Library spectra, distorted and noisy, that calibrate."
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of these.")


class MatchRecipe(MatchSettings, AnyRecipe):
    """Measured spectra, the library to find them in, and how."""

    command: ClassVar[str] = "match"

    spectra: tuple[str, ...] = setting(
        min_length=1,
        description="Text files with measured spectra, a folder of them, one .zarr store, or one "
        ".npz or HDF5 file with a map.",
    )
    columns: SpectrumColumns = setting(
        SpectrumColumns(), description="Columns of the files, where their headers do not tell."
    )
    measured_channel: str = setting(
        "",
        description="Channel of a store of measured spectra; that of the library's name, else "
        "its first, if empty.",
    )
    library: DatasetSection = setting(description="The dataset of reference spectra.")
