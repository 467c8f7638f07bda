"""The summary that shows a wrong guess."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.readers.summary import PassedOver, summarise

N = 3000  # several blocks


def oxides(n: int, absorber: list[int] | None = None) -> Structures:
    """Return FeO2 molecules; the absorber is iron unless said otherwise."""
    rng = np.random.default_rng(0)
    return Structures(
        [f"s{i}" for i in range(n)],
        np.tile(np.array([26, 8, 8], np.int32), n),
        rng.normal(size=(3 * n, 3)),
        3 * np.arange(n + 1),
        np.zeros(n, int) if absorber is None else np.array(absorber),
    )


def steps(n: int, energy: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    edge = energy[15] + rng.normal(0, 0.2, (n, 1)) * (energy[1] - energy[0])
    return rng.normal(1, 0.02, (n, 1)) / (1 + np.exp(-(energy - edge) / (energy[1] - energy[0])))


ABSOLUTE = np.linspace(7100.0, 7180.0, 81)


@pytest.mark.parametrize(
    ("energy", "doubt"),
    [
        (ABSOLUTE, None),
        (ABSOLUTE / 1000, "look like keV at the K edge of Fe"),
        (ABSOLUTE - 7112, "are relative to something"),
        (np.linspace(10.0, 25.0, 81), "angle"),
        (ABSOLUTE + 1600, "fit no edge of Fe"),
    ],
)
def test_energies_against_the_edges_of_the_absorber(energy: np.ndarray, doubt: str | None) -> None:
    found = summarise(oxides(4), Spectra({"xas": Channel(steps(4, energy), energy)}))
    assert found.lines()[0] == "absorbers: Fe 4"
    if doubt is None:
        assert found.lines()[1] == "xas: 7100 … 7180 eV; Fe K edge 7112"
        assert found.doubts() == []
    else:
        assert len(found.doubts()) == 1
        assert doubt in found.doubts()[0]


def test_a_wrong_absorber_is_told_with_the_edge_that_fits() -> None:
    channel = Channel(steps(4, ABSOLUTE), ABSOLUTE)
    found = summarise(oxides(4, [1, 1, 2, 1]), Spectra({"xas": channel}))
    assert found.absorbers == {"O": 4}
    (doubt,) = found.doubts()
    assert "fit no edge of O" in doubt
    assert doubt.endswith("they fit Fe K edge 7112.")
    mixed = summarise(oxides(4, [0, 0, 1, 0]), Spectra({"xas": channel}))
    assert mixed.lines()[0] == "absorbers: Fe 3, O 1"


class Lazy:
    """Intensities that are read block by block."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.most = values, values.shape, 0

    def __getitem__(self, key: Any) -> np.ndarray:
        part = self.values[key]
        self.most = max(self.most, len(part))
        return part


def test_what_is_unusual_is_found_in_lazy_spectra_too() -> None:
    spectra = steps(N, ABSOLUTE)
    spectra[10] = 0
    spectra[1500] = 0.5
    spectra[2000] *= 40
    spectra[2500] = spectra[2500, ::-1]
    spectra[7, 0] = -0.25
    spectra[8, 3] = np.nan
    lazy = Lazy(spectra)
    found = summarise(oxides(N), Spectra({"xas": Channel(lazy, ABSOLUTE)})).channels["xas"]
    assert lazy.most <= 1024
    assert (found.zero, found.constant) == (("s10",), ("s1500",))
    assert (found.negative, found.not_finite) == (("s7",), ("s8",))
    assert set(found.outliers) == {"s1500", "s2000", "s2500"}
    assert found.outliers["s2000"].startswith("norm 4")
    assert found.outliers["s2500"].startswith("shape")
    assert found.intensity == (-0.25, pytest.approx(np.nanmax(spectra)))


def test_good_spectra_have_no_outliers() -> None:
    found = summarise(oxides(N), Spectra({"xas": Channel(steps(N, ABSOLUTE), ABSOLUTE)}))
    assert found.channels["xas"].outliers == {}
    alike = np.tile(steps(1, ABSOLUTE), (20, 1)) * (1 + 1e-9 * np.arange(20)[:, None])
    same = summarise(oxides(20), Spectra({"xas": Channel(alike, ABSOLUTE)}))
    assert same.channels["xas"].outliers == {}


def test_parameters_features_and_what_was_left_out() -> None:
    samples = Parameters(["a", "b"], np.ones((2, 1)), ["T"], ["K"])
    features = Channel(np.array([[1.0], [-2.0]]), None, ("centre",), "eV")
    found = summarise(
        samples,
        Spectra({"moments": features}),
        set_aside={"c.txt": "it is empty"},
        passed_over=[PassedOver("README", "no table of numbers")],
    )
    assert found.lines() == [
        "moments: intensities -2 … 1 eV",
        "set aside: 1, c.txt: it is empty",
        "passed over: 1, README: no table of numbers",
    ]
    plain = found.plain()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["text"] == found.lines()


def test_nothing_finite_and_nothing_at_all() -> None:
    nothing = np.full((2, 81), np.nan)
    found = summarise(oxides(2), Spectra({"xas": Channel(nothing, ABSOLUTE)})).channels["xas"]
    assert found.intensity is None
    assert found.not_finite == ("s0", "s1")
    (line,) = [line for line in found.lines("xas") if "finite" in line]
    assert line == "xas: 2 spectra not finite: s0, s1"
