"""Checks of generators; one that cannot run here skips what it would have to compute."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pytest

from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import SampleError, XregError
from xreg.core.interfaces import Availability, SpectrumGenerator
from xreg.core.testing import examples
from xreg.core.testing.base import ComponentSuite, close, refuses, same, untouched

__all__ = ["GeneratorSuite"]


class GeneratorSuite(ComponentSuite):
    """Checks of a generator; six spectra are computed, and two more for each declared parameter.

    Attributes
    ----------
    component
        The generator class.
    tolerance
        Largest relative deviation between ways to compute one spectrum.
    """

    component: ClassVar[type[SpectrumGenerator]]
    tolerance: ClassVar[float] = 1e-6

    def samples(self) -> Samples:
        """Return two samples to compute; override for others.

        Of a generator that takes parameters, two within the bounds that it declares.
        """
        if self.component.accepts is Parameters:
            known = self.build().parameters()
            assert known, (
                "a generator of parameters says in parameters() what they are (unit, bounds, "
                "meaning), or its suite overrides samples()"
            )
            return examples.within(known)
        return examples.waters(2)

    def bad_samples(self) -> Samples:
        """Return two samples of which the first cannot be computed; by default it holds NaN."""
        samples = self.samples()
        if isinstance(samples, Structures):
            positions = np.array(samples.positions)
            positions[0] = np.nan
            arrays = {key: getattr(samples, key) for key in ("cell", "pbc")}
            return Structures(
                samples.ids, samples.numbers, positions, samples.offsets, samples.absorber, **arrays
            )
        if isinstance(samples, Parameters):
            values = np.array(samples.values)
            values[0] = np.nan
            return Parameters(samples.ids, values, samples.names, samples.units)
        raise NotImplementedError("override bad_samples() for samples of another kind")

    def ready(self) -> Any:
        """Return the generator, or skip the check where it cannot run here."""
        component = self.build()
        if not (state := component.available()):
            pytest.skip(f"cannot run here: {state.reason}")
        return component

    # What it declares --------------------------------------------------------------------------

    def test_available(self) -> None:
        """It says whether it can run, and why not where it cannot."""
        state = self.build().available()
        assert isinstance(state, Availability)
        assert state.ok or state.reason.strip()

    def test_version(self) -> None:
        """It names the program that does the work, and its version."""
        version = self.ready().version()
        assert any(c.isalpha() for c in version), version
        assert any(c.isdigit() for c in version), version

    def test_parameters(self) -> None:
        """A value out of the bounds that it declares fails that sample alone."""
        generator, samples = self.ready(), self.samples()
        for name, known in generator.parameters().items():
            assert known.meaning, f"parameter '{name}' lacks a meaning"
            assert known.low < known.high, name
            if not isinstance(samples, Parameters):
                continue
            assert name in samples.names, f"the suite's samples() lack the parameter '{name}'"
            for beyond in (known.low - 1, known.high + 1):
                if not np.isfinite(beyond):
                    continue
                values = np.array(samples.values)
                values[0, samples.names.index(name)] = beyond
                bad = Parameters(samples.ids, values, samples.names, samples.units)
                first, second = generator.generate_many(bad)
                assert isinstance(first, XregError), (
                    f"{name} = {beyond:g} was computed; call "
                    "require_within(sample, self.parameters()) in generate"
                )
                assert name in str(first)
                assert isinstance(second, Spectrum)

    def test_spaces(self) -> None:
        """Each ready space gives every declared parameter, within its bounds and in its unit."""
        generator = self.build()
        for name, space in generator.spaces().items():
            assert space.description, f"space '{name}' lacks a description"
            space.check(generator.parameters(), f"generator '{generator.name}'")

    def test_grids(self) -> None:
        """Each channel has a strictly increasing grid in eV, known before anything is computed."""
        grids = self.build().grids()
        assert grids
        for name, energy in grids.items():
            assert name.isidentifier(), name
            assert energy.ndim == 1
            assert energy.dtype == np.float64
            assert len(energy) > 1
            assert np.isfinite(energy).all()
            assert (np.diff(energy) > 0).all(), name

    def test_units(self) -> None:
        """The unit of a channel is a word, of a channel that there is."""
        component = self.build()
        units = component.channel_units()
        assert set(units) <= set(component.grids())
        for name, unit in units.items():
            assert unit == unit.strip() != "", f"channel '{name}' has the unit {unit!r}"

    # What it computes --------------------------------------------------------------------------

    def test_spectra(self) -> None:
        """Spectra are finite, on the declared grids, with the declared labels."""
        component, samples = self.ready(), self.samples()
        grids, units = component.grids(), component.label_units()
        with untouched(*vars(samples).values()):
            spectra = component.generate_many(samples)
        assert len(spectra) == len(samples)
        for spectrum in spectra:
            assert isinstance(spectrum, Spectrum), spectrum
            assert set(spectrum.channels) == set(grids)
            assert set(spectrum.labels) == set(units)
            for name, intensity in spectrum.channels.items():
                assert intensity.shape == grids[name].shape
                assert intensity.dtype == np.float64
                assert np.isfinite(intensity).all()
                assert np.ptp(intensity) > 0, f"channel '{name}' is flat"
            assert all(np.isfinite(value) for value in spectrum.labels.values())
        first, second = (np.concatenate(list(s.channels.values())) for s in spectra[:2])
        assert not np.array_equal(first, second), "different samples give one spectrum"
        stacked = Spectrum.stack(spectra, grids, component.channel_units())
        assert all(len(channel) == len(samples) for channel in stacked.values())

    def test_determinism(self) -> None:
        """A deterministic generator repeats itself bit by bit, also after a pickle round trip."""
        component, sample = self.ready(), self.samples()[0]
        one = component.generate(sample)
        two = pickle.loads(pickle.dumps(component)).generate(sample)
        compare = same if component.deterministic else _alike(self.tolerance)
        for name in one.channels:
            compare(one.channels[name], two.channels[name])
        for name in one.labels:
            compare(one.labels[name], two.labels[name])

    def test_bad_sample(self) -> None:
        """A sample that cannot be computed gives a SampleError with its id; the others go on."""
        component, samples = self.ready(), self.bad_samples()
        with refuses(SampleError, str(samples.ids[0])):
            component.generate(samples[0])
        failed, good = component.generate_many(samples)
        assert isinstance(failed, XregError)
        assert isinstance(good, Spectrum)
        again = component.generate(self.samples()[1])
        for name in again.channels:
            close(good.channels[name], again.channels[name], self.tolerance)


def _alike(tolerance: float) -> Any:
    return lambda got, want: close(got, want, tolerance)
