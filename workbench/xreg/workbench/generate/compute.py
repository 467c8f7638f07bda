"""What a worker of a generation does: a batch of samples in, arrays and reasons of failure out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Samples
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import PluginError, SampleError, XregError
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.interfaces.outputs import real_numbers

__all__ = ["Batch", "Compute", "Result"]

Arrays = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples to compute together, and their rows in the table of all samples."""

    rows: NDArray[np.intp]
    samples: Samples


@dataclass(frozen=True, eq=False)
class Result:
    """What became of a batch.

    Attributes
    ----------
    failures
        Why each of the n samples failed, or None.
    channels, labels
        (n, m) and (n,) values by name; NaN where a sample failed.
    seconds
        How long it took.
    """

    failures: Sequence[str | None]
    channels: Arrays
    labels: Arrays
    seconds: float = 0.0


@dataclass(frozen=True)
class Compute:
    """Computes a batch; it travels to a worker as the generator's class and settings."""

    generator: type[SpectrumGenerator]
    settings: str

    def __call__(self, batch: Batch) -> Result:
        """Return the batch's spectra as arrays: a thousand objects would travel far slower.

        Raises
        ------
        PluginError
            If the generator returns other channels, labels or shapes than it declares.
        """
        generator = _built(self.generator, self.settings)
        start = time.perf_counter()
        try:
            spectra = generator.generate_many(batch.samples)
        except XregError:
            raise
        except Exception:  # one sample's bug is not the whole batch's
            spectra = [_single(generator, batch.samples[i : i + 1]) for i in range(len(batch.rows))]
        if len(spectra) != len(batch.rows):
            raise PluginError(
                f"generator '{generator.name}' returned {len(spectra)} spectra for "
                f"{len(batch.rows)} samples."
            )
        return _gather(generator, batch, spectra, time.perf_counter() - start)

    def failed(self, batch: Batch, reason: str) -> Result:
        """Return the result of a batch that no worker survived."""
        channels, labels = _empty(_built(self.generator, self.settings), len(batch.rows))
        return Result([reason] * len(batch.rows), channels, labels)


@lru_cache(maxsize=4)
def _built(generator: type[SpectrumGenerator], settings: str) -> SpectrumGenerator:
    """Return the generator of this process, built once: it may hold expensive tables."""
    return generator(generator.Config.model_validate_json(settings))


def _single(generator: SpectrumGenerator, sample: Samples) -> Spectrum | XregError:
    try:
        (spectrum,) = generator.generate_many(sample)
    except XregError:
        raise
    except Exception as error:
        text = str(error).strip().partition("\n")[0]
        return SampleError(f"{type(error).__name__}: {text}" if text else type(error).__name__)
    return spectrum


def _empty(generator: SpectrumGenerator, n: int) -> tuple[Arrays, Arrays]:
    channels = {name: np.full((n, len(grid)), np.nan) for name, grid in generator.grids().items()}
    return channels, {name: np.full(n, np.nan) for name in generator.label_units()}


def _gather(
    generator: SpectrumGenerator,
    batch: Batch,
    spectra: Sequence[Spectrum | XregError],
    seconds: float,
) -> Result:
    """Check spectra against what the generator declares, and stack them."""
    channels, labels = _empty(generator, len(spectra))
    failures: list[str | None] = []
    for i, spectrum in enumerate(spectra):
        if isinstance(spectrum, Spectrum):
            _fill(generator, spectrum, str(batch.samples.ids[i]), i, channels, labels)
            failures.append(None)
        elif not isinstance(spectrum, XregError):
            raise PluginError(
                f"generator '{generator.name}' returned {type(spectrum).__name__} for sample "
                f"'{batch.samples.ids[i]}', where a Spectrum is needed; its plugin is at fault."
            )
        else:
            failures.append(str(spectrum).removeprefix(f"sample '{batch.samples.ids[i]}': "))
    finite = np.ones(len(spectra), dtype=bool)
    for values in [*channels.values(), *labels.values()]:
        finite &= np.isfinite(values).reshape(len(spectra), -1).all(axis=1)
    for i in np.flatnonzero(~finite).tolist():
        failures[i] = failures[i] or "the result is not finite"
    return Result(failures, channels, labels, seconds)


def _fill(
    generator: SpectrumGenerator,
    spectrum: Spectrum,
    sample: str,
    row: int,
    channels: Mapping[str, NDArray[np.float64]],
    labels: Mapping[str, NDArray[np.float64]],
) -> None:
    for what, into, values in (
        ("channels", channels, spectrum.channels),
        ("labels", labels, spectrum.labels),
    ):
        got = {name: np.shape(value) for name, value in values.items()}
        want = {name: array.shape[1:] for name, array in into.items()}
        if got != want:
            raise PluginError(
                f"generator '{generator.name}' returned the {what} {got} for sample '{sample}'; "
                f"it declares {want}."
            )
        for name, value in values.items():
            what_it_is = f"the {what[:-1]} '{name}' of generator '{generator.name}' for '{sample}'"
            into[name][row] = real_numbers(value, what_it_is)
