"""What a user says of the columns of a text spectrum; light, as declarations import it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from xreg.core.config import Config, setting

__all__ = ["NOTHING_SAID", "SpectrumColumns"]

Text = Annotated[str, Field(max_length=200)]


class SpectrumColumns(Config):
    """What a user says of the columns of a text spectrum; empty to go by the header."""

    energy: Text = setting("", description="Column of the energies: its name, or number from 1.")
    signal: Text = setting(
        "", description="Column of the signal: name or number, A/B of two columns, or ln(A/B)."
    )
    noise: Text = setting("", description="Column of the noise: its name or number.")
    unit: Literal["", "eV", "keV"] = setting("", description="Unit of the energies: eV or keV.")
    scan: Text = setting("", description="Number of the scan, where a file holds several.")


# Without validation: to build a validator takes longer than to list all plugins' names.
NOTHING_SAID = SpectrumColumns.model_construct()
"""The header alone tells."""
