"""Generator ``feff``: FEFF10 itself on small cases, and programs that behave badly."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.signal import find_peaks

from xreg.core.data.samples import Structure, Structures
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import ConfigError, MissingRequirementError, RunError, SampleError
from xreg.core.programs.cluster import cluster
from xreg.core.testing import GeneratorSuite, tetrahedra
from xreg.plugins.feff import generator as module
from xreg.plugins.feff.cards import energy_mesh, feff_input
from xreg.plugins.feff.generator import Feff, read_xmu
from xreg.plugins.feff.plugin import FeffConfig

FAST: dict[str, Any] = {"scf_radius": 0, "fms_radius": 3.0, "radius": 3.0, "xkstep": 0.1}

available = pytest.mark.skipif(not Feff().available(), reason=Feff().available().reason)


class TestSuite(GeneratorSuite):
    component = Feff
    settings = FAST
    plugin = "xreg.plugins.feff.plugin"
    waive = {} if Feff().available() else {"declaration": "its package is missing"}

    def samples(self) -> Structures:
        return tetrahedra()


# Input --------------------------------------------------------------------------------------------


def test_mesh_is_that_of_feff() -> None:
    """The mesh that FEFF 10 writes for XANES 4 0.04 0.1, and 15 eV more below."""
    mesh = energy_mesh(FeffConfig())
    known = [0, 0.1, 0.2, 0.3, 0.4, 0.494, 0.61, 0.738, 0.878, 1.03, 58.546, 59.747, 60.96]
    found = mesh[np.abs(mesh[:, None] - np.array(known)).argmin(axis=0)]
    np.testing.assert_allclose(found, known, atol=1e-3)
    assert mesh[0] == pytest.approx(-15.24, abs=0.01)
    assert (np.diff(mesh) > 0.09).all()
    assert 0.0 in mesh


def test_input_of_a_crystal() -> None:
    sample = Structures.from_atoms([bulk("Cu", cubic=True)], 0, ["cu"])[0]
    config = FeffConfig(radius=4.0, fms_radius=4.0, scf_radius=3.9, cards=("FOLP 0 1.1",))
    text = feff_input(config, sample, cluster(sample, 4.0, crystal=True), crystal=True)
    lines = text.splitlines()
    for line in ("EDGE K", "SCF 3.9 0 100 0.2 3", "FMS 4 0", "COREHOLE RPA", "FOLP 0 1.1"):
        assert line in lines
    start = lines.index("POTENTIALS") + 1
    assert lines[start : start + 2] == ["0 29 Cu -1 -1 0.01", "1 29 Cu -1 -1 4"]
    atoms = lines[lines.index("ATOMS") + 1 : lines.index("END")]
    assert len(atoms) == 1 + 12 + 6  # two shells: 2.55 and 3.61 Å
    assert [int(line.split()[3]) for line in atoms] == [0] + [1] * 18


def test_input_of_emission() -> None:
    """Equal steps down to the semi-core states, and a final state without a core hole."""
    config = FeffConfig(spectrum="emission", below=45, above=4, vixan=0.5)
    mesh = energy_mesh(config)
    np.testing.assert_allclose(mesh, np.arange(-45, 4.1, 0.5), atol=1e-12)
    sample = tetrahedra(1)[0]
    lines = feff_input(config, sample, cluster(sample, 10.0, crystal=False), crystal=False).split(
        "\n"
    )
    assert "XES -45 4 0.5" in lines
    assert "COREHOLE NONE" in lines
    assert not any(line.startswith("XANES") for line in lines)
    assert FeffConfig(spectrum="emission", core_hole="FSR").hole == "FSR"
    assert FeffConfig().hole == "RPA"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"cards": ("SCF 4",)}, "cards must not hold SCF"),
        ({"cards": ("XES -20 0 0.1",)}, "cards must not hold XES"),
        ({"spectrum": "emission", "xkmax": 5.0}, "xkmax has no meaning for emission"),
        ({"spectrum": "emission", "xkstep": 0.05}, "xkstep has no meaning for emission"),
        ({"above": 8.0}, "above has no meaning for absorption"),
        ({"spectrum": "emission", "below": 0.0}, "at least one step"),
        ({"spectrum": "XES"}, "'absorption' or 'emission'"),
        ({"cards": ("FOLP 0 1.1\nEND",)}, "is one line"),
        ({"fms_radius": 11.0}, "must not exceed radius"),
        ({"core_hole": "rpa"}, "RPA"),
    ],
)
def test_bad_settings(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Feff(**bad)


# Physics ------------------------------------------------------------------------------------------


@available
def test_feo4() -> None:
    """An edge near 7.12 keV, a white line, 1 far above; longer bonds bring the maximum nearer."""
    generator = Feff(**{**FAST, "channels": ("raw", "background")})
    energy = generator.grids()["raw"]
    shape = []
    for sample in tetrahedra(2):
        spectrum = generator.generate(sample)
        mu, mu0 = spectrum.channels["raw"], spectrum.channels["background"]
        assert 7105 < spectrum.labels["fermi_energy"] < 7125
        assert mu[0] < 0.05
        assert mu[energy > 40].mean() == pytest.approx(1, abs=0.15)
        assert np.interp(50, energy, mu0) == pytest.approx(1, abs=0.02)
        peaks, _ = find_peaks(mu, prominence=0.2)
        assert len(peaks)
        shape.append(energy[peaks[mu[peaks].argmax()]])
    assert shape[1] < shape[0]


@available
def test_a_turned_and_renumbered_molecule_is_the_same() -> None:
    from scipy.spatial.transform import Rotation

    sample = tetrahedra(1)[0]
    turn = Rotation.from_rotvec([0.3, -0.5, 0.8]).as_matrix()
    atoms = Atoms(numbers=sample.numbers[::-1], positions=sample.positions[::-1] @ turn.T + 5)
    other = Structures.from_atoms([atoms], 4, ["other"])[0]
    one, two = (Feff(**FAST).generate(s).channels["raw"] for s in (sample, other))
    np.testing.assert_allclose(one, two, atol=2e-3 * one.max())


@available
def test_emission_is_what_absorption_leaves() -> None:
    """The same matrix elements, parted at the Fermi level: it halves a broadened step of both."""
    copper = Structures.from_atoms([bulk("Cu", cubic=True)], 0, ["cu"])[0]
    emission = Feff(**FAST | {"xkstep": 0.04}, spectrum="emission", below=15, above=10, vixan=0.5)
    absorption = Feff(**FAST, core_hole="NONE")
    out, into = emission.generate(copper), absorption.generate(copper)
    assert out.labels["fermi_energy"] == pytest.approx(into.labels["fermi_energy"], abs=1e-3)

    def at(energy: float) -> tuple[float, float]:
        pairs = ((emission, out), (absorption, into))
        one, two = (np.interp(energy, g.grids()["raw"], s.channels["raw"]) for g, s in pairs)
        return float(one), float(two)

    fermi = at(0.0)
    assert fermi[0] == pytest.approx(fermi[1], rel=0.1)
    for near in (-1.0, 1.0):
        assert sum(at(near)) == pytest.approx(sum(fermi), rel=0.05)
    assert at(10.0)[0] < 0.02 < 1 < at(10.0)[1]
    assert at(-5.0)[0] > 0.5 > 0.1 > at(-5.0)[1]  # the d band


@available
def test_emission_of_germanium_in_oxygen() -> None:
    """Kβ2 (O 2p) and Kβ'' (O 2s) of GeO4, some 13 eV apart; the latter fades as bonds stretch."""
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    atoms = [Atoms("GeO4", length * corners) for length in (1.74, 1.88)]
    small = {"radius": 3.0, "scf_radius": 3.0, "fms_radius": 3.0}
    generator = Feff(**small, spectrum="emission", below=30, vixan=0.5)
    energy = generator.grids()["raw"]
    satellites = []
    for sample in Structures.from_atoms(atoms, 0, ["short", "long"]):
        intensity = generator.generate(sample).channels["raw"]
        peaks, _ = find_peaks(intensity, prominence=0.1)
        assert len(peaks) == 2
        assert energy[peaks[1]] - energy[peaks[0]] == pytest.approx(13, abs=2)
        satellites.append(intensity[peaks[0]] / intensity[peaks[1]])
    assert satellites[0] > 1.3 * satellites[1]


@available
def test_unconverged() -> None:
    short = {**FAST, "scf_radius": 2.5, "scf_iterations": 1, "scf_retries": 0}
    sample = tetrahedra(1)[0]
    with pytest.raises(SampleError, match="converge in 1 iterations, tried 1 time; lower scf_mix"):
        Feff(**short).generate(sample)
    flagged = Feff(**short, unconverged="flag").generate(sample)
    assert (flagged.labels["scf_converged"], flagged.labels["scf_tries"]) == (0, 1)


@available
def test_potentials_that_do_not_converge_are_mixed_more_carefully() -> None:
    """Twelve iterations are too few at 0.2 after 3 plain ones, but not at 0.1 after 6."""
    found = Feff(**{**FAST, "scf_radius": 2.5, "scf_iterations": 12}).generate(tetrahedra(1)[0])
    assert (found.labels["scf_converged"], found.labels["scf_tries"]) == (1, 2)
    careful = {"scf_radius": 2.5, "scf_mixing": 0.1, "scf_plain": 6, "scf_iterations": 12}
    direct = Feff(**{**FAST, **careful}).generate(tetrahedra(1)[0])
    assert direct.labels["scf_tries"] == 1
    np.testing.assert_array_equal(found.channels["raw"], direct.channels["raw"])


@available
def test_the_version_is_what_feff_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = metadata.version("feff10-rs")
    assert Feff().version() == f"FEFF 10.0.0 (feff10-rs {package})"
    module._version.cache_clear()
    fake(tmp_path, monkeypatch, "print(' Launching FEFF version FEFF 11.2b ')")
    assert Feff().version() == f"FEFF 11.2b (feff10-rs {package})"
    module._version.cache_clear()
    (tmp_path / "worker.py").write_text("print('hello')")
    with pytest.raises(MissingRequirementError, match="prints no version; install its package"):
        Feff().version()


# What goes wrong ----------------------------------------------------------------------------------


@available
def test_the_others_are_done() -> None:
    frames = [sample.to_atoms() for sample in tetrahedra(3)]
    frames[0].numbers[0] = 27
    frames[1].positions[2] = frames[1].positions[1] + 0.1
    samples = Structures.from_atoms(frames, 0, ["cobalt", "overlap", "good"])
    cobalt, overlap, good = Feff(**FAST, absorber="Fe").generate_many(samples)
    assert str(cobalt).startswith("sample 'cobalt' holds no Fe, only O, Co")
    assert str(overlap).startswith("sample 'overlap': O and O overlap")
    assert isinstance(good, Spectrum)


@available
def test_refused_by_feff() -> None:
    with pytest.raises(SampleError, match=r"FEFF refused its input .*DEBYE"):
        Feff(**FAST, cards=("DEBYE",)).generate(tetrahedra(1)[0])


def test_an_element_out_of_sight() -> None:
    with pytest.raises(SampleError, match=r"its nearest O is 1.85 Å away, beyond fms_radius"):
        Feff(**{**FAST, "fms_radius": 1.5}).generate(tetrahedra(1)[0])


def distant_hydrogen() -> Structures:
    """Return a stick of iron, oxygen and, 4.6 Å away, hydrogen."""
    atoms = Atoms("FeOCH", [(0, 0, 0), (0, 0, 1.7), (0, 0, 3.0), (0, 1.0, 4.5)])
    return Structures.from_atoms([atoms], 0, ["stick"])


def test_screening_reaches_one_atom_of_each_element() -> None:
    config = FeffConfig(radius=7, scf_radius=6, fms_radius=6)

    def text(config: FeffConfig, sample: Structure) -> str:
        return feff_input(config, sample, cluster(sample, 7.0, crystal=False), crystal=False)

    assert "SCREEN rfms 4.71\n" in text(config, distant_hydrogen()[0])
    assert "SCREEN" not in text(config, tetrahedra(1)[0])
    bare = config.model_copy(update={"core_hole": "FSR"})
    assert "SCREEN" not in text(bare, distant_hydrogen()[0])
    near = config.model_copy(update={"scf_radius": 4.0})
    with pytest.raises(SampleError, match=r"nearest H is 4.61 Å away, beyond scf_radius \(4 Å"):
        text(near, distant_hydrogen()[0])


@available
def test_distant_hydrogen_is_no_failure() -> None:
    spectrum = Feff(**{**FAST, "radius": 7.0, "fms_radius": 6.0}).generate(distant_hydrogen()[0])
    assert np.isfinite(spectrum.channels["raw"]).all()


XMU = "# omega e k mu mu0 chi\n"


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Feff:
    """Return the generator with a worker of our own in place of FEFF."""
    shutil.copy(module.__file__, folder / "generator.py")
    (folder / "worker.py").write_text(text)
    monkeypatch.setattr(module, "__file__", str(folder / "generator.py"))
    limit = 5.0 if "sleep" in text else 100.0  # a busy machine is no bad program
    return Feff(**FAST, time_limit=limit, output_limit=20.0)


def table(mesh: np.ndarray, mu: np.ndarray) -> str:
    rows = zip(mesh + 7116, mesh - 7, mesh, mu, mu, strict=True)
    return XMU + "".join(" ".join(f"{value:.6f}" for value in row) + " 0.0\n" for row in rows)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("import time; time.sleep(100)", "FEFF was stopped after 5 s; raise time_limit"),
        ("while True: print('x' * 9999)", "FEFF was stopped after it had written 20 MB"),
        ("import os; os.kill(os.getpid(), 11)", r"FEFF crashed \(signal 11\)"),
        ("pass", "FEFF ended without a spectrum"),
        ("print('boom'); raise SystemExit(\"FeffError: stage 'pot' failed (exit code: 1)\")",
         "FEFF failed in its stage 'pot', having said 'boom'"),
    ],
)  # fmt: skip
def test_bad_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, message: str
) -> None:
    generator = fake(tmp_path, monkeypatch, behaviour)
    with pytest.raises(SampleError, match=f"sample 'feo4-0': {message}"):
        generator.generate(tetrahedra(1)[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda mesh, mu: (mesh, 0 * mu), "a spectrum of zeros"),
        (lambda mesh, mu: (mesh, np.where(mesh > 3, np.nan, mu)), "not finite"),
        (lambda mesh, mu: (mesh[:-9], mu[:-9]), "FEFF left .* of .* energies"),
        (lambda mesh, mu: (mesh[::-1], mu), "other energies"),
    ],
)
def test_bad_tables(tmp_path: Path, change: Any, message: str) -> None:
    mesh = energy_mesh(FeffConfig(**FAST))
    file = tmp_path / "xmu.dat"
    file.write_text(table(mesh, 1 + mesh / 100))
    np.testing.assert_allclose(read_xmu(file, mesh)[:, 3], 1 + mesh / 100, atol=1e-6)
    file.write_text(table(*change(mesh, 1 + mesh / 100)))
    with pytest.raises(RunError, match=message):
        read_xmu(file, mesh)


def test_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "xmu.dat"
    file.write_text(XMU + "7110.0 -7.0 0.0 0.1\n7111.0 -6.0")
    with pytest.raises(
        RunError, match=r"is no table: its line \d+ has 2 columns where line \d+ has 4"
    ):
        read_xmu(file, np.arange(2.0))
