"""What an import can be told."""

from __future__ import annotations

from typing import ClassVar, Literal

from xreg.core.config import setting
from xreg.core.readers.importing.settings import ChannelName
from xreg.core.readers.spectra.columns import NOTHING_SAID, SpectrumColumns
from xreg.workbench.recipes.sections import (
    AnyRecipe,
    BadPolicy,
    ComponentSection,
    NewDataset,
    bad_policy,
)
from xreg.workbench.recipes.splits import SplitSection

__all__ = ["ImportOptions"]


class ImportOptions(AnyRecipe):
    """How files become a dataset."""

    command: ClassVar[str] = "import"
    word: ClassVar[str] = "data import"
    home: ClassVar[str] = "layout"

    dataset: NewDataset = setting(description="Name, version, title, licence, citation.")
    layout: ComponentSection = setting(
        ComponentSection(name="auto"),
        description="The importer that reads the source, and further settings of it (xreg plugins "
        "show NAME); auto asks each that is installed.",
    )
    channels: tuple[ChannelName, ...] = setting(
        ("xas",), min_length=1, description="Names of the channels; their keys in extxyz and npz."
    )
    grids: dict[str, str] = setting(
        {},
        description="Common energy grid start:stop:step in eV by channel, '' for all channels; "
        "'common' takes the energies that all spectra cover.",
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
    bad: BadPolicy = bad_policy()
    split: SplitSection | None = setting(
        None,
        description="Split named 'default' to make. Where it says nothing, that of the source if "
        "it has one, and none of specimens, which nothing is trained on.",
    )
