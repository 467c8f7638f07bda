"""Energies of text spectra in any unit and order; scans are never joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.errors import DataError
from xreg.core.readers.spectra.spectrum import read_spectrum
from xreg.core.readers.spectra.table import read_table
from xreg_tests.text_spectra import ENERGY, MU, read, require_same, rows

# Energies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    ["# Column.1: energy keV\n# Column.2: mutrans\n", "Energy (keV)  mu\n", "E/keV, mu\n",
     "energy_keV mu\n", "# keV mu\n", "Energy [keV]\tmu\n"],
)  # fmt: skip
def test_the_unit_of_the_file_counts(head):
    body = "".join(f"{e / 1000:.5f} {v:.4f}\n" for e, v in zip(ENERGY, MU, strict=True))
    found = read(head + body)
    require_same(found)
    assert found.notes == ("energies in keV were converted to eV",)
    require_same(read(body, unit="keV"))
    require_same(read(head + rows(), unit="eV"))


@pytest.mark.parametrize(("unit", "factor"), [("degrees", 1.0), ("deg", 1.0), ("rad", np.pi / 180)])
def test_angles_become_energies(unit, factor):
    spacing = 3.13556  # Å, Si (111)
    angle = np.degrees(np.arcsin(12398.419843320026 / (2 * spacing * ENERGY))) * factor
    head = f"# Column.1: angle {unit}\n# Column.2: mutrans\n"
    body = "".join(f"{a:.12f} {v:.4f}\n" for a, v in zip(angle, MU, strict=True))
    found = read(f"{head}# Mono.d_spacing: {spacing}\n{body}")
    np.testing.assert_allclose(found.energy, ENERGY, atol=1e-6)  # angles fall as energies rise
    np.testing.assert_allclose(found.intensity, MU)
    with pytest.raises(DataError, match=r"no 'Mono\.d_spacing'"):
        read(head + body)


def test_falling_energies_are_sorted_and_said():
    text = "".join(reversed(rows().splitlines(keepends=True)))
    found = read(text)
    require_same(found)
    assert found.notes == ("the energies fall, and were sorted",)


def test_a_gap_is_said():
    lines = rows().splitlines(keepends=True)
    found = read("".join([*lines[:5], "7200.0 1\n", "7200.5 2\n", "7201.0 3\n"]))
    assert found.notes == ("there is no point between 7102 and 7200 eV",)


@pytest.mark.parametrize("between", ["\n", "\n\n", "# part 2\n"])
@pytest.mark.parametrize("falling", [False, True])
def test_tables_of_other_energies_are_never_joined(between, falling):
    both = [
        "".join(f"{e + shift:.1f} {v:.4f}\n" for e, v in zip(ENERGY, MU, strict=True))
        for shift in (0, 100)
    ]
    if falling:
        both = ["".join(reversed(one.splitlines(keepends=True))) for one in both[::-1]]
    text = between.join(both)
    with pytest.raises(DataError, match=r"it holds two tables, to line \d+ and from line"):
        read(text)
    for scan, shift in (("1", 100 * falling), ("2", 100 * (not falling))):
        require_same(read(text, scan=scan), ENERGY + shift)
    # Blank lines between all rows part nothing, and neither do rows that simply follow.
    for line_end in ("\n", "\n\n"):
        found = read("".join(both).replace("\n", line_end))
        assert len(found.energy) == 2 * len(ENERGY)
        assert any("there is no point between" in note for note in found.notes)


FDMNES = " 7112.000   26  1  1     0.00000 = E_edge, Z, n_edge, j_edge, Abs_before_edge\n"


def test_fdmnes_before_convolution():
    relative = "".join(f"{e - 7112:.1f} {v:.4E}\n" for e, v in zip(ENERGY, MU, strict=True))
    found = read(f"{FDMNES}    Energy    <xanes>\n{relative}")
    require_same(found)
    assert (found.element, found.edge) == ("Fe", "K")
    assert "7112 eV, which was added" in found.notes[0]
    absolute = "".join(f"{e + 10:.1f} {v:.4E}\n" for e, v in zip(ENERGY, MU, strict=True))
    require_same(read(f"{FDMNES}    Energy    <xanes>\n{absolute}"), ENERGY + 10)
    for shift in (13, 300):  # absolute, from above the edge on
        above = "".join(f"{e + shift:.1f} {v:.4E}\n" for e, v in zip(ENERGY, MU, strict=True))
        require_same(read(f"{FDMNES}    Energy    <xanes>\n{above}"), ENERGY + shift)
    beyond = "".join(f"{e - 7000:.1f} {v:.4E}\n" for e, v in zip(ENERGY, MU, strict=True))
    require_same(read(f"{FDMNES}    Energy    <xanes>\n{beyond}"), ENERGY + 112)


def test_fdmnes_after_convolution():
    require_same(read("    Energy    <xanes>    \n" + rows()))


def test_feff_is_mu_against_omega():
    head = "# Abs   Z=29 Rmt= 1.247 Rnm= 1.305 K  shell\n# -----\n#  omega e k mu mu0 chi @#\n"
    body = "".join(
        f"{e:.3f} {e - 7110:.3f} {i:.3f} {v:.5E} 1.0E+00 1.19203-101\n"
        for i, (e, v) in enumerate(zip(ENERGY, MU, strict=True))
    )
    require_same(read(head + body))
    assert read_table((head + body).encode()).values[0, 5] == 1.19203e-101


# Scans ----------------------------------------------------------------------------------------

SPEC = "#F a\n#E 1\n#D today\n\n#S {} ascan  energy 7.1 7.2 20 1\n#N 2\n#L Energy  mu\n"


def test_scans_of_spec_are_never_joined():
    later = "".join(f"{e + 100:.1f} {v:.4f}\n" for e, v in zip(ENERGY, 2 * MU, strict=True))
    text = SPEC.format(4) + rows() + "\n" + SPEC.format(7)[16:] + later
    with pytest.raises(DataError, match=r"2 scans: 4 \(ascan.*, 7 \(ascan.*; choose .*--scan N"):
        read(text)
    require_same(read(text, scan="4"))
    require_same(read(text, scan="7"), ENERGY + 100, 2 * MU)
    with pytest.raises(DataError, match="it has no scan 5; it has 4"):
        read(text, scan="5")
    one = SPEC.format(4) + rows()
    require_same(read(one))
    require_same(read(one, scan="4"))
    with pytest.raises(DataError, match="no scan 1"):
        read(one, scan="1")
    twice = SPEC.format(4) + rows() + SPEC.format(4) + later
    require_same(read(twice, scan="4.2"), ENERGY + 100, 2 * MU)


@pytest.mark.parametrize("between", ["energy mu\n", "# energy mu\n", "\n\nenergy mu\n", "&\n"])
def test_tables_under_headers_of_their_own_are_scans(between):
    later = "".join(f"{e + 100:.1f} {v:.4f}\n" for e, v in zip(ENERGY, 2 * MU, strict=True))
    head = "# energy mu\n" if "#" in between else "energy mu\n"
    text = head + rows() + between + later
    with pytest.raises(DataError, match="it holds 2 scans"):
        read(text)
    require_same(read(text, scan="2"), ENERGY + 100, 2 * MU)


def test_scans_without_headers_are_told_by_their_energies():
    for second in (rows(), "".join(reversed(rows().splitlines(keepends=True)[:-1]))):
        text = rows() + second
        with pytest.raises(DataError, match=r"as 2 scans one after the other do \(from line 1, l"):
            read(text)
        require_same(read(text, scan="1"))
    require_same(read(rows() + rows(), scan="2"))
    with pytest.raises(DataError, match="no scan 3, only 2"):
        read(rows() + rows(), scan="3")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300)
    | st.text(alphabet="0123456789.,;-+eED \t\n#*S:nax\"'/", max_size=200).map(str.encode)
)
def test_anything_else_is_refused_in_words(content):
    try:
        found = read_spectrum(content)
    except DataError:
        return
    assert (np.diff(found.energy) > 0).all()
    assert np.isfinite(found.intensity).all()
