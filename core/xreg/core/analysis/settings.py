"""Settings of the analyses of any spectra; nothing heavy is imported here."""

from __future__ import annotations

from xreg.core.config import Config, setting

__all__ = ["SpectrumErrorConfig"]


class SpectrumErrorConfig(Config):
    """Settings of ``spectrum-error``."""

    worst: int = setting(
        20, ge=0, le=10_000, description="How many of the worst spectra are listed by id."
    )
