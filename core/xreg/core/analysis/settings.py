"""Settings of the analyses of any spectra and of L edges; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = []

Label = Annotated[str, Field(min_length=1, max_length=40)]
