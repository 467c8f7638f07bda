"""What an import can be told."""

from __future__ import annotations

from typing import Any, Literal

from xreg.core.config import Config, setting
from xreg.core.readers.importing.settings import ChannelName
from xreg.core.readers.spectra.columns import NOTHING_SAID, SpectrumColumns
from xreg.workbench.generate.recipe import DatasetSection, SplitSection

__all__ = ["ImportOptions"]

BadPolicy = Literal["refuse", "set-aside"]


class ImportOptions(Config):
    """How files become a dataset."""

    dataset: DatasetSection = setting(description="Name, version, title, licence, citation.")
    layout: str = setting(
        "auto", description="The importer that reads the source; auto asks each that is installed."
    )
    settings: dict[str, Any] = setting(
        {}, description="Further settings of that importer (xreg plugins show NAME)."
    )
    channels: tuple[ChannelName, ...] = setting(
        ("xas",), min_length=1, description="Names of the channels; their keys in extxyz and npz."
    )
    grids: dict[str, str] = setting(
        {},
        description="Common energy grid start:stop:step in eV by channel; '' for all channels.",
    )
    hold_ends: float = setting(
        0.0,
        unit="eV",
        ge=0,
        le=1000,
        description="How far the first and last intensity of a spectrum hold beyond its measured "
        "range, where the grid reaches further.",
    )
    spectra: str = setting(
        "", description="Layout pairs: folder of the spectra, where it is not beside the other."
    )
    columns: SpectrumColumns = setting(
        NOTHING_SAID, description="Columns of text spectra, where their headers do not tell."
    )
    absorber: int | str | None = setting(
        None,
        description="Absorbing atom: index from 0, an element, or the info key with one of these. "
        "Without it a structure's own entry 'absorber', else the first atom, if that is of one "
        "element everywhere.",
    )
    sites: Literal["one", "all"] = setting(
        "one",
        description="Where several atoms are of the absorbing element: refuse (one), or make a "
        "sample of each with the same spectrum (all).",
    )
    bad: BadPolicy = setting("refuse", description="What bad entries do: refuse, or be left out.")
    split: SplitSection | None = setting(None, description="Split named 'default' to make.")
    own_split: bool = setting(
        True,
        description="In its place keep a split that the source has (folders train and test); make "
        "none of specimens, which nothing is trained on.",
    )
