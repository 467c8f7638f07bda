"""Text spectra, and what is read of them."""

from __future__ import annotations

import numpy as np

from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import TextSpectrum, read_spectrum

ENERGY = 7100 + 0.5 * np.arange(20)


MU = np.round(0.05 + 0.025 * np.arange(20), 4)


def rows(separator: str = " ", decimal: str = ".") -> str:
    return "".join(
        f"{e:.1f}{separator}{v:.4f}\n".replace(".", decimal)
        for e, v in zip(ENERGY, MU, strict=True)
    )


def read(text: str | bytes, **said: str) -> TextSpectrum:
    content = text if isinstance(text, bytes) else text.encode()
    return read_spectrum(content, SpectrumColumns(**said))


def require_same(found: TextSpectrum, energy: np.ndarray = ENERGY, mu: np.ndarray = MU) -> None:
    np.testing.assert_allclose(found.energy, energy, rtol=1e-12)
    np.testing.assert_allclose(found.intensity, mu, rtol=1e-12)
