"""Declares the generator ``multiplet``: 2p absorption of 3d ions."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.ions.settings import ModelConfig

XREG_API = "1.0"


class MultipletConfig(ModelConfig):
    """Settings of the generator ``multiplet``."""

    device: str = setting(
        "cpu",
        pattern=r"^(cpu|cuda(:\d+)?)$",
        description="Where to compute: cpu (NumPy and LAPACK), or cuda or cuda:1 (PyTorch).",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the generator."""
    return [
        ComponentSpec(
            "generator",
            "multiplet",
            MultipletConfig,
            "xreg.plugins.multiplet.multiplet:Multiplet",
            summary="L2,3 absorption of a 3d ion in a D4h crystal field by exact diagonalisation",
        )
    ]
