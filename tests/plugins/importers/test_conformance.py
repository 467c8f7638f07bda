"""Every importer passes the suite of its kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np
from ase import Atoms
from ase.io import write

from xreg.core.readers.importing.log import ImportLog
from xreg.core.testing import ImporterSuite
from xreg.plugins.cclib.importer import CclibImporter
from xreg.plugins.columns.importer import ColumnsImporter
from xreg.plugins.cp2k.importer import Cp2kImporter
from xreg.plugins.extxyz.importer import ExtxyzImporter
from xreg.plugins.fdmnes.importer import FdmnesImporter
from xreg.plugins.feff.importer import FeffImporter
from xreg.plugins.materials_project.importer import MaterialsProjectImporter
from xreg.plugins.nexus.importer import NexusImporter
from xreg.plugins.npz.importer import NpzImporter
from xreg.plugins.ocean.importer import OceanImporter
from xreg.plugins.pairs.importer import PairsImporter
from xreg.plugins.quanty.importer import QuantyImporter
from xreg.plugins.spec.importer import SpecImporter
from xreg.plugins.xanesnet.importer import XanesnetImporter
from xreg.plugins.xdi.importer import XdiImporter

ENERGY = np.arange(8980.0, 9020.5, 0.5)


def spectrum(number: int) -> np.ndarray:
    return 0.5 + np.arctan(ENERGY - 8990 - number) / np.pi


def dimer(number: int) -> Atoms:
    return Atoms("CuO", positions=[[0, 0, 0], [1.8 + 0.1 * number, 0, 0]], cell=[9, 9, 9], pbc=True)


class TestExtxyz(ImporterSuite):
    component = ExtxyzImporter
    settings: ClassVar = {"absorber": "Cu"}

    def write(self, folder: Path) -> Path:
        frames = [dimer(i) for i in range(3)]
        for i, frame in enumerate(frames):
            frame.info |= {"xas": spectrum(i), "xas_energy": ENERGY}
        write(folder / "set.extxyz", frames)
        return folder / "set.extxyz"

    def damage(self, source: Path) -> None:
        head, middle, tail = source.read_text().split("\n2\n")
        source.write_text("\n2\n".join([head, middle.replace(" xas=", " other="), tail]))


class TestNpz(ImporterSuite):
    component = NpzImporter
    settings: ClassVar = {"absorber": 0}

    def write(self, folder: Path) -> Path:
        np.savez(
            folder / "set.npz",
            numbers=np.array([[29, 8]] * 3),
            positions=np.array([dimer(i).positions for i in range(3)]),
            spectra_xas=np.array([spectrum(i) for i in range(3)]),
            energy_xas=ENERGY,
        )
        return folder / "set.npz"

    def damage(self, source: Path) -> None:
        arrays = dict(np.load(source))
        arrays["spectra_xas"][1, 4] = np.nan
        np.savez(source, **arrays)


class TestPairs(ImporterSuite):
    component = PairsImporter
    settings: ClassVar = {"absorber": "Cu"}

    def write(self, folder: Path) -> Path:
        for name in ("xyz", "spectra"):
            (folder / name).mkdir()
        for i in range(3):
            write(folder / "xyz" / f"s{i}.xyz", dimer(i))
            np.savetxt(folder / "spectra" / f"s{i}.txt", np.transpose([ENERGY, spectrum(i)]))
        return folder

    def damage(self, source: Path) -> None:
        (source / "spectra" / "s1.txt").write_text("nothing\n")


class TestFeff(ImporterSuite):
    component = FeffImporter

    def write(self, folder: Path) -> Path:
        for i in range(3):
            site = folder / f"mp-{i}" / "000_Cu"
            site.mkdir(parents=True)
            write(site.parent / "POSCAR", dimer(i), format="vasp")
            columns = [ENERGY, ENERGY - 8990, ENERGY - 8995, spectrum(i), spectrum(i), spectrum(i)]
            np.savetxt(site / "xmu.dat", np.transpose(columns), header="omega e k mu mu0 chi")
        return folder

    def damage(self, source: Path) -> None:
        (source / "mp-1" / "000_Cu" / "xmu.dat").write_text("")


class TestXdi(ImporterSuite):
    component = XdiImporter
    single = True

    def write(self, folder: Path) -> Path:
        head = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: mutrans\n# Element.symbol: Cu\n"
        head += "# Element.edge: K\n# Sample.temperature: 300 K\n# ///\n#---\n# energy mutrans\n"
        for i in range(3):
            rows = "".join(f"{e:.2f} {v:.8f}\n" for e, v in zip(ENERGY, spectrum(i), strict=True))
            (folder / f"s{i}.xdi").write_text(head + rows)
        return folder

    def damage(self, source: Path) -> None:
        file = source / "s1.xdi"
        file.write_text(file.read_text().replace("# Column.2: mutrans", "# Column.7: mutrans"))


class TestColumns(ImporterSuite):
    component = ColumnsImporter

    def write(self, folder: Path) -> Path:
        rows = "\n".join(
            "# Energy (eV)  mu\n"
            + "\n".join(f"{e:.2f} {v:.8f}" for e, v in zip(ENERGY, spectrum(i), strict=True))
            for i in range(3)
        )
        (folder / "scans.dat").write_text(rows + "\n")
        return folder / "scans.dat"

    def damage(self, source: Path) -> None:
        text = source.read_text()
        head, first, second, third = text.split("# Energy (eV)  mu\n")
        parts = [head, first, second.replace("8990.00 ", "8980.00 "), third]
        source.write_text("# Energy (eV)  mu\n".join(parts))


class TestSpec(ImporterSuite):
    component = SpecImporter

    def write(self, folder: Path) -> Path:
        lines = ["#F run.spec", "#E 1700000000", "#D Tue Nov 14 22:13:20 2023", ""]
        for i in range(3):
            lines += [f"#S {i + 1}  ascan energy 8.98 9.02 80 1", "#N 2", "#L Energy (eV)  mu"]
            lines += [f"{e:.2f} {v:.8f}" for e, v in zip(ENERGY, spectrum(i), strict=True)]
            lines.append("")
        (folder / "run.spec").write_text("\n".join(lines))
        return folder / "run.spec"

    def damage(self, source: Path) -> None:
        text = source.read_text()
        start = text.index("#S 2")
        source.write_text(text[:start] + text[start:].replace("8990.00 ", "8980.00 ", 1))


class TestNexus(ImporterSuite):
    component = NexusImporter

    def write(self, folder: Path) -> Path:
        with h5py.File(folder / "run.nxs", "w") as file:
            for i in range(3):
                data = file.create_group(f"scan{i + 1}/data")
                data.attrs["signal"] = "mu"
                data.attrs["axes"] = "energy"
                data["energy"] = ENERGY
                data["energy"].attrs["units"] = "eV"
                data["mu"] = spectrum(i)
        return folder / "run.nxs"

    def damage(self, source: Path) -> None:
        with h5py.File(source, "a") as file:
            file["scan2/data/mu"][4] = np.nan


class TestFdmnes(ImporterSuite):
    component = FdmnesImporter
    single = True

    def write(self, folder: Path) -> Path:
        head = " 8979.000   29  1  1     0.00000 = E_edge, Z, n_edge, j_edge, Abs_before_edge\n"
        for i in range(3):
            rows = "".join(
                f" {e - 8979:10.3f} {v:14.7E}\n" for e, v in zip(ENERGY, spectrum(i), strict=True)
            )
            (folder / f"out_{i}.txt").write_text(f"{head}    Energy    <xanes>\n{rows}")
        return folder

    def damage(self, source: Path) -> None:
        file = source / "out_1.txt"
        file.write_text(file.read_text().replace("    11.000 ", "   -11.000 "))


class TestMaterialsProject(ImporterSuite):
    component = MaterialsProjectImporter

    def write(self, folder: Path) -> Path:
        documents = []
        for i in range(3):
            sites = [
                {"species": [{"element": "Cu", "occu": 1}], "abc": [0, 0, 0]},
                {"species": [{"element": "O", "occu": 1}], "abc": [0.4 + 0.01 * i, 0.5, 0.5]},
            ]
            structure = {"lattice": {"matrix": (4.2 * np.eye(3)).tolist()}, "sites": sites}
            documents.append(
                {
                    "x": ENERGY.tolist(),
                    "y": spectrum(i).tolist(),
                    "structure": structure,
                    "absorbing_element": "Cu",
                    "absorbing_index": 0,
                    "edge": "K",
                    "spectrum_type": "XANES",
                }
            )
        (folder / "cu.json").write_text(json.dumps(documents))
        return folder / "cu.json"

    def damage(self, source: Path) -> None:
        documents = json.loads(source.read_text())
        documents[1]["absorbing_index"] = 1
        source.write_text(json.dumps(documents))


class TestXanesnet(ImporterSuite):
    component = XanesnetImporter

    def write(self, folder: Path) -> Path:
        for part, numbers in (("train", (0, 1)), ("test", (2,))):
            for name in ("xyz", "xanes"):
                (folder / f"{name}_{part}").mkdir()
            for i in numbers:
                write(folder / f"xyz_{part}" / f"s{i}.xyz", dimer(i))
                rows = np.transpose([ENERGY, spectrum(i)])
                np.savetxt(folder / f"xanes_{part}" / f"s{i}.txt", rows)
        return folder

    def damage(self, source: Path) -> None:
        (source / "xanes_train" / "s1.txt").write_text("nothing\n")


class TestCp2k(ImporterSuite):
    component = Cp2kImporter
    single = True

    def write(self, folder: Path) -> Path:
        for i in range(1, 4):
            head = f"  Absorption spectrum for atom      {i}, index of excited core MO is     2, "
            rows = [
                f"{head}# of lines   3",
                "    11   531.57449433    0.0    0.00000019   -0.00000002    0.0   0.00000",
                "    12   549.96927153    0.31337224    0.18092555    0.12793369    0.14730324   0",
            ]
            (folder / f"MgS-xas_at{i}_st1.spectrum").write_text("\n".join(rows) + "\n")
        return folder

    def damage(self, source: Path) -> None:
        file = source / "MgS-xas_at2_st1.spectrum"
        file.write_text(file.read_text().replace("of lines   3", "of lines   9"))


class TestOcean(ImporterSuite):
    component = OceanImporter
    single = True

    def write(self, folder: Path) -> Path:
        for i in range(1, 4):
            rows = "".join(
                f"{e:15.8E} {v:15.8E} {0.9 * v:15.8E} {-v:15.8E}   100 0.1 1.0   81\n"
                for e, v in zip(ENERGY - 8980, spectrum(i), strict=True)
            )
            (folder / f"absspct_Cu.0001_1s_0{i}").write_text(rows)
        return folder

    def damage(self, source: Path) -> None:
        (source / "absspct_Cu.0001_1s_02").write_text("".join(f"{e:.3f} 1.0\n" for e in ENERGY))


class TestQuanty(ImporterSuite):
    component = QuantyImporter
    single = True

    def write(self, folder: Path) -> Path:
        head = (
            "#Spectra: 1\n"
            "Emin______Emax       8.980000000000000E+03  9.020000000000000E+03\n"
            "EminPole__EmaxPole   9.000000000000000E+03  9.000000000000000E+03\n"
            "dE________Gamma      5.000000000000000E-01  3.000000000000000E-01\n"
            "Energy               Re[0]                  Im[0]                \n"
        )
        for i in range(3):
            rows = "".join(
                f"{e:.12E} {0:.15E} {-np.pi * v:.15E}\n"
                for e, v in zip(ENERGY, spectrum(i), strict=True)
            )
            (folder / f"s{i}.spec").write_text(head + rows)
        return folder

    def damage(self, source: Path) -> None:
        file = source / "s1.spec"
        file.write_text(file.read_text().replace("8.990000000000E+03", "8.980000000000E+03"))


def orca(number: int) -> str:
    """Return the output of a calculation, in ORCA's words, as far as it is read."""
    dashes = "-" * 77
    states = "".join(
        f"STATE  {i}:  E= {e / 27.2114:10.6f} au  {e:10.3f} eV  {e / 1.239841984e-4:10.1f} cm**-1 "
        f"<S**2> =   0.000000\n     0a ->  2{i}a  :     0.990000 (c= -0.99500000)\n\n"
        for i, e in enumerate((8985.0 + number, 8990.0), 1)
    )
    lines = "".join(
        f"{i:4d} {e / 1.239841984e-4:10.1f} {1239.84 / e:8.1f}   {f:.9f}   0.00258  -0.05076  "
        "-0.00000  -0.00000\n"
        for i, (e, f) in enumerate([(8985.0 + number, 0.04), (8990.0, 0.1)], 1)
    )
    return (
        "                                 *****************\n"
        "                                 * O   R   C   A *\n"
        "                                 *****************\n\n"
        "                         Program Version 5.0.3 -  RELEASE  -\n\n"
        "---------------------------------\nCARTESIAN COORDINATES (ANGSTROEM)\n"
        "---------------------------------\n"
        f"  Cu     0.000000    0.000000    0.000000\n"
        f"  O      0.000000    0.000000    {1.8 + 0.1 * number:.6f}\n\n"
        "------------------------\nTD-DFT/TDA EXCITED STATES (SINGLETS)\n"
        f"------------------------\n\n{states}\n{dashes}\n"
        "         ABSORPTION SPECTRUM VIA TRANSITION ELECTRIC DIPOLE MOMENTS\n"
        f"{dashes}\n"
        "State   Energy  Wavelength   fosc         T2         TX        TY        TZ\n"
        "        (cm-1)    (nm)                  (au**2)     (au)      (au)      (au)\n"
        f"{dashes}\n{lines}\n"
        "                             ****ORCA TERMINATED NORMALLY****\n"
        "TOTAL RUN TIME: 0 days 0 hours 0 minutes 11 seconds 901 msec\n"
    )


class TestCclib(ImporterSuite):
    component = CclibImporter
    single = True
    settings: ClassVar = {"absorber": "Cu"}

    def write(self, folder: Path) -> Path:
        for i in range(3):
            (folder / f"s{i}.out").write_text(orca(i))
        return folder

    def damage(self, source: Path) -> None:
        file = source / "s1.out"
        file.write_text(file.read_text().replace("ABSORPTION SPECTRUM VIA", "SPECTRUM VIA"))

    def test_lines(self, tmp_path: Path) -> None:
        """Lines have the area of their oscillator strengths, at their energies."""
        (tmp_path / "a.out").write_text(orca(0))
        log = ImportLog()
        config = CclibImporter.Config.parse({"absorber": "Cu", "margin": 1000, "shift": 2}, "it")
        (entry,) = CclibImporter(config).entries(tmp_path / "a.out", log)
        curve = entry.curves["xas"]
        area = np.trapezoid(curve.intensity, curve.energy)
        assert abs(area - 0.14) < 1e-3
        peak = curve.energy[np.argmax(curve.intensity)]
        assert abs(peak - 8992) < 0.05
        assert entry.labels["program"] == "ORCA 5.0.3"
        assert entry.labels["lines"] == 2
        assert curve.unit == "1/eV"
        assert entry.samples[0].numbers.tolist() == [29, 8]
        assert not log.remarks

    def test_joined_outputs_are_refused(self, tmp_path: Path) -> None:
        """Of two calculations in one file cclib mixes the geometries and excitations."""
        (tmp_path / "a.out").write_text(orca(0) + orca(1))
        log = ImportLog()
        importer = CclibImporter(CclibImporter.Config.parse(self.settings, "it"))
        assert not list(importer.entries(tmp_path / "a.out", log))
        assert "2 calculations; give each a file of its own" in str(log.bad)
