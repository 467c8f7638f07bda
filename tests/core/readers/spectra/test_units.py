"""Energies in any unit that a header tells of, wavelengths and Bragg angles, come out in eV."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants

from xreg.core.errors import DataError
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import TextSpectrum, read_spectrum

ENERGY = 7100 + 0.5 * np.arange(20)
MU = np.round(0.05 + 0.025 * np.arange(20), 4)
EV, HC = constants.electron_volt, constants.h * constants.c
SPACING = 3.13553e-10  # m, Si(111)
BRAGG = np.arcsin(HC / (2 * SPACING * ENERGY * EV))  # radians


def read(header: str, *columns: np.ndarray, **said: str) -> TextSpectrum:
    text = header + "".join(
        " ".join(f"{v:.14g}" for v in row) + "\n" for row in zip(*columns, strict=True)
    )
    return read_spectrum(text.encode(), SpectrumColumns(**said))


def require_same(found: TextSpectrum, said: str) -> None:
    np.testing.assert_allclose(found.energy, ENERGY, rtol=1e-8)
    np.testing.assert_allclose(found.intensity, MU, rtol=1e-12)
    assert not said or any(said in note for note in found.notes)


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("eV", 1.0),
        ("keV", 1e3),
        ("meV", 1e-3),
        ("MeV", 1e6),
        ("Ha", constants.value("Hartree energy in eV")),
        ("Hartree", constants.value("Hartree energy in eV")),
        ("Ry", constants.value("Rydberg constant times hc in eV")),
        ("J", 1 / EV),
        ("cm-1", 100 * HC / EV),
        ("cm^-1", 100 * HC / EV),
    ],
)
@pytest.mark.parametrize("header", ["# Energy ({}) mu\n", "E[{}]  mu\n", "# energy/{}  mu(E)\n"])
def test_a_unit_of_energy_is_converted(header, unit, size):
    found = read(header.format(unit), ENERGY / size, MU)
    require_same(found, "" if unit == "eV" else "were converted to eV")


@pytest.mark.parametrize(("unit", "size"), [("nm", 1e-9), ("Å", 1e-10), ("Angstrom", 1e-10)])
@pytest.mark.parametrize("name", ["wavelength", "λ", "lambda"])
def test_a_wavelength_is_converted(name, unit, size):
    found = read(f"# {name} ({unit})  mu\n", HC / (ENERGY * EV) / size, MU)
    require_same(found, "wavelengths in")


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        *(("deg", np.pi / 180), ("degrees", np.pi / 180), ("°", np.pi / 180), ("rad", 1.0)),
        *(("mrad", 1e-3), ("urad", 1e-6), ("µrad", 1e-6), ("mdeg", np.pi / 180e3)),
        *(("arcsec", np.pi / 180 / 3600), ("", np.pi / 180)),
    ],
)
@pytest.mark.parametrize(
    "spacing", ["3.13553", "3.13553 Angstrom", "3.13553 Å", "0.313553 nm", "313.553 pm"]
)
def test_a_bragg_angle_in_any_unit(unit, size, spacing):
    header = (
        f"# XDI/1.0\n# Column.1: angle {unit}\n# Column.2: mutrans\n# Mono.d_spacing: {spacing}\n"
    )
    require_same(read(f"{header}#---\n", BRAGG / size, MU), "Bragg angles in")


def test_a_spacing_of_planes_in_no_unit_of_length_is_refused():
    header = "# Column.1: angle deg\n# Column.2: mu\n# Mono.d_spacing: {}\n#---\n"
    for spacing in ("3.13 kg", "0 Å", "Si(111)"):
        with pytest.raises(DataError, match="d_spacing"):
            read(header.format(spacing), np.degrees(BRAGG), MU)


@pytest.mark.parametrize(
    "header",
    [
        "# energy keV\n",  # two words over two columns, one of which is not named
        "# Energy keV  mu a.u.\n",
        "# E keV mu\n",
        "# Energy unit: keV\n# a  b\n",
        "# X-axis: photon energy (keV)\n# Y-axis: absorption\n",
        "# col1: energy (keV)\n# col2: absorbance\n",
        "# Column 1: E [keV]\n# Column 2: mu\n",
        "# Energy in keV, absorption in arbitrary units\n",
        "# Énergie (keV)\t absorption\n",
        "# Энергия (кэВ)  поглощение\n",
    ],
)
def test_prose_that_says_kev_is_followed(header):
    require_same(read(header, ENERGY / 1000, MU), "energies in keV were converted to eV")


@pytest.mark.parametrize(
    "header",
    [
        "# energy resolution in keV: 0.2\n",
        "# ring energy: 6 GeV, undulator energy 7.1 keV\n",
        "# Energy step (keV) 0.5\n",
        "# energy unit: keV, or eV\n# photon energy unit: eV\n",
    ],
)
def test_prose_on_another_energy_is_not(header):
    require_same(read(header, ENERGY, MU), "")


def test_values_beyond_all_edges_are_not_in_kev_whatever_prose_says():
    require_same(read("# energies were in keV once\n", ENERGY, MU), "")


def test_the_column_with_a_unit_of_energy_is_the_energy():
    found = read("# mu  foton (keV)\n", MU, ENERGY / 1000)
    require_same(found, "energies in keV were converted to eV")


@pytest.mark.parametrize("name", ["k", "r", "time", "pixel", "2theta", "wavelength"])
def test_a_first_column_that_is_named_as_something_else_is_no_energy(name):
    with pytest.raises(DataError, match=f"its first column is '{name}', which is no energy"):
        read(f"# {name}  chi\n", np.arange(20.0), MU)
    assert read(f"# {name}  chi\n", ENERGY, MU, energy=name).energy[0] == 7100


@pytest.mark.parametrize(
    "names",
    ["Absorción  Energía", "Intensité  Énergie", "Intensität  Energie", "поглощение  энергия"],
)
def test_columns_named_in_other_languages(names):
    require_same(read(f"# {names}\n", MU, ENERGY), "")
    first, second = names.split()
    found = read(f"# x  {first}  {second}\n", 7 * MU, MU, ENERGY)
    require_same(found, f"the signal is column 2 {first}")
