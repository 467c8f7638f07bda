"""Generator ``fdmnes``: FDMNES itself on small cases, and programs that behave badly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk, molecule

from xreg.core.data.broadening import arctangent_width
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import ConfigError, MissingRequirementError, RunError, SampleError
from xreg.core.interfaces.step import Curves
from xreg.core.testing import GeneratorSuite, tetrahedra
from xreg.plugins.fdmnes.files import energies, fdmnes_input, read_convoluted, read_sites
from xreg.plugins.fdmnes.generator import Fdmnes
from xreg.plugins.fdmnes.plugin import FDMNES, FdmnesConfig
from xreg.workbench.process.steps import ProcessedChannel, apply_steps

FAST: dict[str, Any] = {
    "scf": False, "quadrupole": False, "relativity": "none", "radius": 2.0, "range": (-5, 1, 10),
}  # fmt: skip

real = pytest.mark.skipif(FDMNES.find() is None, reason=f"needs FDMNES: {FDMNES.install}")


class TestSuite(GeneratorSuite):
    component = Fdmnes
    settings = FAST
    plugin = "xreg.plugins.fdmnes.plugin"
    waive = {} if FDMNES.find() else {"declaration": "its program is missing"}

    def samples(self) -> Structures:
        return tetrahedra()


# Input -------------------------------------------------------------------------------------------


def test_published_set_up() -> None:
    """The defaults, with every keyword of the published set-up."""
    config, sample = FdmnesConfig(), tetrahedra(1)[0]
    grid = energies(config.range)
    assert len(grid) == 376
    np.testing.assert_allclose(grid[[0, 1, -1]], [-15, -14.8, 60])
    lines = fdmnes_input(config, sample, crystal=False).splitlines()
    blocks = {line: lines[i + 1] for i, line in enumerate(lines[:-1]) if line}
    wanted = {
        "Range": "-15 0.2 60", "Radius": "6", "Green": "", "SCF": "", "R_self": "6", "Edge": "K",
        "Quadrupole": "", "Relativism": "", "Absorber": "1", "Energpho": "",
        "Molecule": "1 1 1 90 90 90", "Convolution": "",
    }  # fmt: skip
    assert wanted.items() <= blocks.items()
    assert lines[-2:] == ["End", ""]


def test_input_of_a_crystal() -> None:
    crystal = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    sample = Structures.from_atoms([crystal], 2, ["salt"])[0]
    config = FdmnesConfig(**FAST, keywords={"Rmtg": "1.1 0.9"}, sites="element")
    lines = fdmnes_input(config, sample, crystal=True).splitlines()
    start = lines.index("Crystal")
    assert lines[start + 1] == "5.64 5.64 5.64 90 90 90"
    rows = np.array([line.split() for line in lines[start + 2 : start + 10]], float)
    np.testing.assert_array_equal(rows[:, 0], crystal.numbers)
    np.testing.assert_allclose(rows[:, 1:], crystal.get_scaled_positions(wrap=False), atol=1e-9)
    assert lines[lines.index("Z_absorber") + 1] == "11"
    assert lines[lines.index("Rmtg") + 1] == "1.1 0.9"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"range": (-5, 1)}, "range"),
        ({"range": (-5, 1, -10)}, "range must rise"),
        ({"keywords": {"radius": "3"}}, "must not hold radius"),
        ({"keywords": {"Energphoto": ""}}, "must not hold Energphoto"),
        ({"edge": "N5"}, "edge"),
    ],
)
def test_bad_settings(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Fdmnes(**bad)


# Physics -----------------------------------------------------------------------------------------


@real
def test_convolution_is_the_arctangent_step() -> None:
    """FDMNES' convoluted channel is the processing step ``arctangent`` on its raw one."""
    both = {**FAST, "range": (-10, 0.25, 60), "channels": ("raw", "convoluted")}
    generator = Fdmnes(**both, gamma_max=12.0, e_cent=25.0, e_larg=28.0, gamma_hole=1.4)
    spectrum = generator.generate(tetrahedra(1)[0])
    assert spectrum.labels["edge_energy"] == 7112.0
    assert 6900 < spectrum.labels["core_energy"] < 7100
    fermi = spectrum.labels["fermi_energy"] - 7112.0
    grid = generator.grids()["raw"]
    raw = Curves(grid, np.zeros(1), spectrum.channels["raw"][None], np.array(["it"]), {})
    step = {
        "name": "arctangent", "width": 1.4, "gamma_max": 12, "e_cent": 25, "e_larg": 28,
        "fermi": fermi,
    }  # fmt: skip
    made = apply_steps(raw, ProcessedChannel.parse({"steps": [step]}, "it").built("it")).intensity[
        0
    ]
    found = spectrum.channels["convoluted"]
    # 0.7 % is the error of FDMNES' sum over steps of 0.25 eV.
    np.testing.assert_allclose(made, found, atol=0.01 * found.max())
    assert arctangent_width(np.array([25.0]), 1.4, 12, 25, 28)[0] == pytest.approx(7.4)


@real
def test_steps_that_do_not_divide_a_span_of_the_range() -> None:
    """FDMNES computes the end of every span, and so does the grid have it."""
    generator = Fdmnes(**{**FAST, "range": (-5, 2, 0, 1, 3.5, 2, 9)})
    wanted = [-5, -3, -1, 0, 1, 2, 3, 3.5, 5.5, 7.5, 9]
    np.testing.assert_allclose(generator.grids()["raw"], wanted)
    assert len(generator.generate(tetrahedra(1)[0]).channels["raw"]) == len(wanted)


@real
def test_several_absorbers() -> None:
    """Both kinds of carbon in acetaldehyde, in one calculation, make the mean of the two."""
    frame = molecule("CH3CHO")
    sites = np.flatnonzero(frame.numbers == 6).tolist()
    fast = {**FAST, "channels": ("raw", "convoluted"), "absorber": "C", "range": (-3, 0.5, 15)}
    samples = Structures.from_atoms([frame] * 2, sites, ["a", "b"])
    one, two = (Fdmnes(**fast).generate(sample) for sample in samples)
    mean = Fdmnes(**fast, sites="element").generate(samples[0])
    deep = [s.labels["core_energy"] for s in (one, two)]
    assert mean.labels["core_energy"] == pytest.approx(min(deep), abs=0.05)
    assert abs(deep[0] - deep[1]) > 0.5  # a chemical shift, of which the mean takes account
    grid = Fdmnes(**fast).grids()["raw"]
    shifted = [
        np.interp(grid, grid + s.labels["core_energy"] - min(deep), s.channels["raw"])
        for s in (one, two)
    ]
    inside = (grid > 2) & (grid < 14)
    np.testing.assert_allclose(
        mean.channels["raw"][inside], np.mean(shifted, axis=0)[inside], rtol=0.05
    )
    assert np.isfinite(mean.channels["convoluted"]).all()


@real
def test_unconverged() -> None:
    short = {**FAST, "scf": True, "scf_radius": 2.0, "scf_iterations": 2}
    sample = tetrahedra(1)[0]
    with pytest.raises(SampleError, match="did not converge in 2 iterations; raise scf_iterations"):
        Fdmnes(**short).generate(sample)
    flagged = Fdmnes(**short, unconverged="flag").generate(sample)
    assert flagged.labels["scf_converged"] == 0


@real
def test_refused_by_fdmnes() -> None:
    wrong = Fdmnes(**FAST, keywords={"Multrmax": ""})
    with pytest.raises(SampleError, match=r"FDMNES refused the calculation .*multrmax"):
        wrong.generate(tetrahedra(1)[0])


@real
def test_the_others_are_done() -> None:
    frames = [sample.to_atoms() for sample in tetrahedra(3)]
    frames[0].numbers[0] = 27
    frames[1].positions[2] = frames[1].positions[1] + 0.1
    samples = Structures.from_atoms(frames, 0, ["cobalt", "overlap", "good"])
    cobalt, overlap, good = Fdmnes(**FAST, absorber="Fe").generate_many(samples)
    assert str(cobalt).startswith("sample 'cobalt' holds no Fe, only O, Co")
    assert str(overlap).startswith("sample 'overlap': O and O overlap")
    assert isinstance(good, Spectrum)


def test_slab() -> None:
    slab = bulk("NaCl", "rocksalt", a=5.64)
    slab.pbc = (True, True, False)
    with pytest.raises(SampleError, match="periodic in some directions only"):
        Fdmnes(**FAST).generate(Structures.from_atoms([slab], 0, ["slab"])[0])


# Programs that behave badly ----------------------------------------------------------------------

BANNER = "echo ' FDMNES program, Revision 7th of May'"
HEAD = (
    "7112.0 26 1 1 7.2E-03 -5.4 -2.0 1 1 6974.3 0.0 0.0 0.9 1.0 0.0  = E_edge, Z, n_edge, j_edge, "
    "Abs_before_edge, VO_interstitial, E_cut, ninit, ninit1, Epsii, UnitCell_Volume, Surface_ref, "
    "f0_forward, natomsym_f, abs_u_iso"
)
GOODBYE = "echo '    Have a beautiful day !' > out_bav.txt"


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str) -> Fdmnes:
    program = folder / "fdmnes"
    program.write_text(f"#!/bin/sh\n{BANNER}\n{behaviour}\n")
    program.chmod(0o755)
    monkeypatch.setenv("FDMNES", str(program))
    limit = 3.0 if "sleep" in behaviour else 100.0  # a busy machine is no bad program
    return Fdmnes(**FAST, time_limit=limit, output_limit=20.0)


def out(values: list[float] | np.ndarray) -> str:
    rows = "\n".join(
        f"{7107 + i:.2f} {v:.6E}" for i, v in enumerate(np.asarray(values, float).tolist())
    )
    return f"cat > out.txt <<'END'\n{HEAD}\n    Energy    <xanes>\n{rows}\nEND\n{GOODBYE}"


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("sleep 100", "FDMNES was stopped after 3 s; raise time_limit"),
        ("yes", "FDMNES was stopped after it had written 20 MB"),
        ("kill -SEGV $$", r"FDMNES crashed \(signal 11\)"),
        ("echo oh", "FDMNES crashed, having said 'oh'"),
        ("echo 'no such atom' > fdmnes_error.txt", r"refused the calculation \(no such atom\)"),
        (GOODBYE, "FDMNES ended without a spectrum"),
        (out(np.zeros(16)), "FDMNES left a spectrum of zeros in out.txt"),
        (out(np.full(16, np.nan)), "not finite"),
        (out(np.arange(1, 9)), "FDMNES left 8 energies from -5 to 2 eV where it was asked for 16"),
    ],
)
def test_bad_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, message: str
) -> None:
    generator = fake(tmp_path, monkeypatch, behaviour)
    with pytest.raises(SampleError, match=f"sample 'feo4-0': .*{message}"):
        generator.generate(tetrahedra(1)[0])


def test_a_good_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = fake(tmp_path, monkeypatch, out(np.arange(1, 17)))
    assert generator.version() == "FDMNES Revision 7th of May"
    spectrum = generator.generate(tetrahedra(1)[0])
    np.testing.assert_allclose(spectrum.channels["raw"], np.arange(1, 17))
    assert spectrum.labels == {"edge_energy": 7112, "fermi_energy": 7110, "core_energy": 6974.3}


def test_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "fdmnes"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    monkeypatch.setenv("FDMNES", str(program))
    state = Fdmnes(**FAST).available()
    assert not state
    assert "prints no version as FDMNES does; set $FDMNES" in state.reason


def test_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FDMNES", str(tmp_path / "nowhere"))
    assert not Fdmnes(**FAST).available()
    with pytest.raises(
        MissingRequirementError, match=r"\$FDMNES is .*nowhere', which is no program"
    ):
        Fdmnes(**FAST).generate(tetrahedra(1)[0])


def test_duplicate_energies_become_their_mean(tmp_path: Path) -> None:
    rows = "7110.00 1.0\n7111.00 2.0\n7111.00 4.0\n7112.00 5.0\n"
    (tmp_path / "out_Gm15_conv.txt").write_text(f"    Energy    <xanes>\n{rows}")
    energy, mu = read_convoluted(tmp_path)
    assert energy.tolist() == [7110, 7111, 7112]
    assert mu.tolist() == [1, 3, 5]


def test_two_sites(tmp_path: Path) -> None:
    for site in (2, 4):
        text = f"{HEAD}\n    Energy    <xanes>\n7110.00 {site}\n7111.00 1.0\n"
        (tmp_path / f"out_{site}.txt").write_text(text)
    (tmp_path / "out_bav.txt").write_text("log")
    assert [site.mu[0] for site in read_sites(tmp_path)] == [2, 4]
    (tmp_path / "out_2.txt").write_text("garbage\n")
    with pytest.raises(RunError, match=r"no table in out_2.txt: it holds no numbers"):
        read_sites(tmp_path)
