"""The recipe of a fit."""

from __future__ import annotations

from typing import ClassVar, Literal

from xreg.core.config import Config, Window, setting
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.workbench.fit.problem import BackgroundKind
from xreg.workbench.measured.ranges import Range, Shift
from xreg.workbench.recipes.sections import AnyRecipe, ComponentSection

__all__ = ["NO_GENERATOR", "EngineSection", "FitRecipe", "FitSettings"]

NO_GENERATOR = "none"


class EngineSection(ComponentSection):
    """A generator that may be left to the model's dataset."""

    name: str = setting("", description="Name of an installed generator; the dataset's if empty.")


class FitSettings(Config):
    """How a spectrum is fitted."""

    background: BackgroundKind = setting(
        "linear",
        description="Beside the lines: none, constant, linear (constant and slope), steps "
        "(constant and an arctangent at each edge) or linear+steps.",
    )
    edges: tuple[float, ...] = setting(
        (),
        max_length=8,
        unit="eV",
        description="Energies of the steps; of two, the first is twice as high as the second.",
    )
    edge_width: float = setting(
        1.0, unit="eV", gt=0, le=100, description="Full width of a step at half maximum."
    )
    shift: Shift = setting(
        (-1.0, 1.0),
        unit="eV",
        description="Smallest and largest rigid shift of the model's energies; two equal numbers "
        "fix it.",
    )
    window: Window | None = setting(
        None,
        unit="eV",
        description="Measured energies to fit; all that the model has if not given.",
    )
    fix: dict[str, float] = setting({}, description="Values of parameters that are known.")
    ranges: dict[str, Range] = setting(
        {}, description="Ranges of parameters, narrower than those the model was trained on."
    )
    starts: int = setting(64, ge=1, le=65_536, description="Searches through the network.")
    iterations: int = setting(
        200, ge=10, le=100_000, description="Most steps of each of these searches."
    )
    refined: int = setting(
        24, ge=1, le=1024, description="How many different minima are tried with the exact engine."
    )
    intervals: bool = setting(
        True,
        description="Whether to find the 68 % interval of each unknown by fitting the others anew.",
    )
    seed: int = setting(0, ge=0, le=2**31, description="Seed of the starting points.")
    refine: Literal["all", "some", "none"] = setting(
        "all",
        description="Of a map or series, which spectra the exact engine refines; of some, a tenth, "
        "what the network misses is told and counted in the uncertainties of the others.",
    )
    generator: EngineSection = setting(
        EngineSection(),
        description="Exact generator for the refinement and settings that replace the dataset's; "
        "that of the model's dataset if not named, none to refine with the network itself.",
    )


class FitRecipe(FitSettings, AnyRecipe):
    """A measured spectrum, the model to fit it with, and how."""

    command: ClassVar[str] = "fit"
    home: ClassVar[str] = "generator"

    model: str = setting(description="Folder or name of a run, or name@version.")
    spectrum: str | tuple[str, ...] = setting(
        description="Text file with the measured spectrum; or a map or series: an .npz or HDF5 "
        "file, a .zarr store, a folder, several files."
    )
    columns: SpectrumColumns = setting(
        SpectrumColumns(),
        description="Columns of the file, or paths inside that of a map, where it does not tell.",
    )
    registry: str | None = setting(
        None, description="Registry of the model and its dataset; the usual search if not given."
    )

    @property
    def places(self) -> tuple[str, ...]:
        """Where the spectra stand."""
        return (self.spectrum,) if isinstance(self.spectrum, str) else self.spectrum
