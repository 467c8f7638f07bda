"""Gives spectra that were computed before, sample by sample: what `xreg grow` would have chosen.

The spectra of a program that takes minutes each (FEFF) are computed once, and then several ways of
choosing, over several seeds, are compared for the time of the models alone. `cu-k.yaml` uses it.
"""

from functools import cached_property

import numpy as np

from xreg.core.config import Config, setting
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import SampleError
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.interfaces import SpectrumGenerator

XREG_API = "1.2"


class RecordedConfig(Config):
    """Settings of the generator ``recorded``."""

    file: str = setting(
        description="The spectra, as `xreg data export STORE --to npz` writes them."
    )
    channel: str = setting("xas", description="Which of its channels.")


class Recorded(SpectrumGenerator):
    """The spectrum of the sample of the same name."""

    name = "recorded"
    Config = RecordedConfig
    accepts = Structures

    @cached_property
    def known(self):
        """Return the energies, and the row of each name."""
        with np.load(self.config.file) as file:
            names = file["ids"].tolist()
            return (
                file[f"energy_{self.config.channel}"],
                file[f"spectra_{self.config.channel}"],
                dict(zip(names, range(len(names)), strict=True)),
            )

    def grids(self):
        """Return the energies of the channel."""
        return {self.config.channel: self.known[0]}

    def version(self):
        """Return what does the work, and its version."""
        return "recorded 1"

    def generate(self, sample):
        """Return the spectrum of one sample."""
        _, spectra, rows = self.known
        if sample.id not in rows:
            raise SampleError(f"no spectrum of '{sample.id}' is recorded.")
        return Spectrum({self.config.channel: spectra[rows[sample.id]]}, {})


@hookimpl
def xreg_components():
    """Offer the generator."""
    return [
        ComponentSpec(
            kind="generator",
            name="recorded",
            config=RecordedConfig,
            target="xreg.registry.plugins.own.recorded:Recorded",
            summary="spectra that were computed before",
        )
    ]
