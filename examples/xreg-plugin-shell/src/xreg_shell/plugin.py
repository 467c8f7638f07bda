"""The declaration: read on every start of xreg, so it imports nothing heavy."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Degree = Annotated[int, Field(ge=1, le=12)]


class ShellConfig(Config):
    """Settings of the descriptor ``shell``."""

    inner: float = setting(
        2.3, unit="Å", gt=0, le=10, description="Atoms nearer than this count fully."
    )
    outer: float = setting(
        3.0, unit="Å", gt=0, le=10, description="Atoms beyond this do not count."
    )
    degrees: Annotated[tuple[Degree, ...], Field(min_length=1)] = setting(
        (2, 3, 4, 6), description="Degrees l of the order parameters Q_l."
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.inner >= self.outer:
            raise ValueError("'inner' must be less than 'outer'")
        if len(set(self.degrees)) != len(self.degrees):
            raise ValueError("'degrees' names one twice")
        return self


@hookimpl
def xreg_components():
    """Offer the descriptor."""
    return [
        ComponentSpec(
            kind="descriptor",
            name="shell",
            config=ShellConfig,
            target="xreg_shell.shell:Shell",
            summary="coordination number, distances and order parameters of the first shell",
        )
    ]
