"""Settings that programs for the absorption of one site share; nothing heavy is imported."""

from __future__ import annotations

from typing import Literal

from xreg.core.atoms.elements import Symbol
from xreg.core.config import Config, setting

__all__ = ["EngineConfig", "SampleKind"]

SampleKind = Literal["auto", "molecule", "crystal"]


class EngineConfig(Config):
    """What is asked of every sample, and how far a calculation may go."""

    absorber: Symbol | None = setting(
        None, description="Element that every absorber must be; any where none is given."
    )
    kind: SampleKind = setting(
        "auto",
        description="Molecule or Crystal: what samples are; auto takes a structure with "
        "periodicity for a crystal.",
    )
    unconverged: Literal["error", "flag"] = setting(
        "error",
        description="What a sample whose potentials did not converge is: an error, or a spectrum "
        "with the label scf_converged 0.",
    )
    time_limit: float = setting(
        3600.0, unit="s", gt=0, le=1e6, description="After so long a calculation counts as failed."
    )
    output_limit: float = setting(
        1000.0, unit="MB", ge=20, le=1e5, description="A calculation that writes more has failed."
    )
