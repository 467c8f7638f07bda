"""Settings that several importers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from xreg.core.config import Config, setting
from xreg.core.readers.spectra.columns import NOTHING_SAID, SpectrumColumns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AbsorberSetting", "ArraySettings", "ChannelName", "MeasuredSettings", "SitesSetting"]

ChannelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
Absorber = Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | Annotated[str, Field(max_length=64)]


class AbsorberSetting(Config):
    """Which atom of a structure absorbs."""

    absorber: Absorber | None = setting(
        None,
        description="Absorbing atom: index from 0, an element, or the info key with one of these. "
        "Without it a structure's own entry 'absorber', else the first atom, if that is of one "
        "element everywhere.",
    )


class SitesSetting(AbsorberSetting):
    """Whether one structure may be several samples."""

    sites: Literal["one", "all"] = setting(
        "one",
        description="Where several atoms are of the absorbing element: refuse (one), or make a "
        "sample of each with the same spectrum (all).",
    )

    @property
    def every(self) -> bool:
        """Whether each atom of the absorbing element is a sample."""
        return self.sites == "all"


class MeasuredSettings(Config):
    """What to take from files of measured spectra."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    columns: SpectrumColumns = setting(
        NOTHING_SAID, description="Which columns to take, where the file does not tell."
    )
    absorber: Absorber | None = setting(
        None, description="Absorbing element, where the file does not tell."
    )


class ArraySettings(Config):
    """Channels by name, for files that may lack energies."""

    channels: tuple[ChannelName, ...] = setting(
        ("xas",), min_length=1, description="Names of the channels; their keys in the file."
    )
    grids: dict[str, Annotated[str, Field(max_length=200)]] = setting(
        {},
        description="Energies start:stop:step in eV by channel, where the file has none.",
    )
    unit: Literal["", "eV", "keV"] = setting("", description="Unit of the energies in the file.")

    @property
    def energy_unit(self) -> float:
        """Unit of the energies in eV."""
        return 1000.0 if self.unit == "keV" else 1.0

    def energies(self) -> dict[str, NDArray[np.float64]]:
        """Return the (m,) energies in eV that stand in for missing ones, by channel."""
        from xreg.core.readers.importing.curve import parse_grid

        return {name: parse_grid(text) for name, text in self.grids.items()}
