"""Measured spectra as beamlines and programs write them: the good files of each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COUNT = 40
ENERGY = 8979.0 + np.arange(COUNT) * 1.25
MU = 0.2 + np.arctan((ENERGY - 8990) / 1.7) / np.pi + 0.5
I0 = 1e5 + 37.0 * np.arange(COUNT)
TRANSMITTED = np.round(I0 * np.exp(-MU))
DISTANCE = 3.13555
"""Å, of Si(111)."""


def _rows(*columns: Array, form: str = "%.4f", between: str = "  ") -> str:
    return "".join(between.join(form % v for v in row) + "\n" for row in zip(*columns, strict=True))


def _angles() -> Array:
    return np.asarray(np.degrees(np.arcsin(12398.419843320026 / (2 * DISTANCE * ENERGY))))


XDI = (
    "# XDI/1.0 GSE/1.0\n# Column.1: energy eV\n# Column.2: mutrans\n# Column.3: i0\n"
    "# Element.edge: K\n# Element.symbol: Cu\n# Facility.name: APS\n# Beamline.name: 13-ID\n"
    "# Mono.name: Si 111\n# Mono.d_spacing: 3.13555\n# Sample.name: Cu foil\n"
    "# Sample.temperature: 293 K\n# Scan.start_time: 2001-06-26T22:27:31\n# ///\n"
    "# room temperature, 10 micron, I0 = 1e5\n#" + "-" * 40 + "\n# energy mutrans i0\n"
)
XDI_FILES = (
    XDI + _rows(ENERGY, MU, I0),
    "# XDI/1.0\n# Element.symbol: Cu\n# Element.edge: K\n# Column.1: angle degrees\n"
    "# Column.2: mutrans\n# Mono.d_spacing: 3.13555\n#---\n# angle mutrans\n"
    + _rows(_angles(), MU, form="%.7f"),
    "# XDI/1.0 x/1\r\n# Element.symbol: Cu\r\n# Element.edge: K\r\n# Column.1: energy keV\r\n"
    "# Column.2: i0\r\n# Column.3: normfluor\r\n#---\r\n"
    + _rows(ENERGY / 1000, I0, MU, form="%.6f", between="\t").replace("\n", "\r\n"),
)


def write_xdi(path: Path, which: int) -> None:
    """Write one of the XDI files: in eV, as angles, in keV."""
    path.write_bytes(XDI_FILES[which].encode())


SPEC_HEAD = (
    "#F cu_foil.spec\n#E 1700000000\n#D Tue Nov 14 22:13:20 2023\n#C mono  User = opid\n"
    "#O0   Theta  Two Theta  sx\n\n"
)
SPEC_ROWS = _rows(ENERGY, np.ones(COUNT), I0, TRANSMITTED, MU, form="%.9g", between=" ")


def _scan(number: int, rows: str, more: str = "") -> str:
    return (
        f"#S {number}  ascan  energy 8.979 9.028 39 1\n#D Tue Nov 14 22:14:20 2023\n#T 1  (Seconds)\n"
        "#P0 14.2 28.4 0.5\n#N 5\n#L Energy  Seconds  Monitor  Transmission  mu\n" + rows + more + "\n"
    )  # fmt: skip


def _with_detector() -> str:
    lines = SPEC_ROWS.splitlines()
    mca = "@A 0 0 1 3 8 21 \\\n 13 5 2 0\n"
    return "#@MCA %16C\n#@CHANN 10 0 9 1\n" + "".join(f"{mca}{line}\n" for line in lines)


SPEC_FILES = (
    SPEC_HEAD + _scan(1, SPEC_ROWS) + _scan(2, SPEC_ROWS),
    SPEC_HEAD
    + _scan(
        1,
        "".join(SPEC_ROWS.splitlines(True)[:9]),
        "#C Tue Nov 14 22:20:01 2023.  Scan aborted after 9 points.\n",
    )
    + _scan(2, SPEC_ROWS),
    SPEC_HEAD
    + "#S 1  ascan  sx -1 1 4 0.1\n#N 2\n#L sx  Monitor\n-1 3\n0 9\n1 2\n\n"
    + _scan(2, _with_detector()),
)


def write_spec(path: Path, which: int) -> None:
    """Write one of the SPEC files: two scans, one of them aborted, with an MCA and an alignment."""
    path.write_bytes(SPEC_FILES[which].encode())


def write_nexus(path: Path, which: int) -> None:
    """Write one of the HDF5 files: NXxas, a beamline's scans, an old NXdata, xreg's own."""
    (_nxxas, _scans, _processed, _own)[which](path)


def _group(parent: Any, name: str, kind: str) -> Any:
    found = parent.create_group(name)
    found.attrs["NX_class"] = kind
    return found


def _column(group: Any, name: str, values: Array, unit: str = "", **settings: Any) -> None:
    group.create_dataset(name, data=values, **settings)
    if unit:
        group[name].attrs["units"] = unit


def _nxxas(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = _group(file, "entry", "NXentry")
        entry["definition"], entry["title"] = "NXxas", "Cu foil"
        entry["start_time"] = "2023-11-14T22:13:20"
        instrument = _group(entry, "instrument", "NXinstrument")
        source = _group(instrument, "source", "NXsource")
        source["name"], source["probe"] = "a ring", "x-ray"
        _column(_group(instrument, "monochromator", "NXmonochromator"), "energy", ENERGY, "eV")
        _column(_group(instrument, "incoming_beam", "NXdetector"), "data", I0)
        _column(_group(instrument, "absorbed_beam", "NXdetector"), "data", I0 * np.exp(-MU))
        sample = _group(entry, "sample", "NXsample")
        sample["name"], sample["chemical_formula"], sample["temperature"] = "foil", "Cu", 293.0
        sample["temperature"].attrs["units"] = "K"
        data = _group(entry, "data", "NXdata")
        data.attrs["axes"] = "energy"
        data["mode"] = "Transmission"
        data["energy"] = h5py.SoftLink("/entry/instrument/monochromator/energy")
        data["absorbed_beam"] = h5py.SoftLink("/entry/instrument/absorbed_beam/data")


def _scans(path: Path) -> None:
    import h5py

    with h5py.File(path, "w", libver="latest") as file:
        for i in (1, 2):
            entry = _group(file, f"{i}.1", "NXentry")
            entry["title"] = "trigscan 8.979 9.028 40"
            measurement = _group(entry, "measurement", "NXcollection")
            packed = {"chunks": (16,), "compression": "gzip", "shuffle": True, "fletcher32": True}
            _column(measurement, "energy_enc", ENERGY / 1000, "keV", **packed)
            _column(measurement, "mu_trans", MU * i, **packed)
            _column(measurement, "elapsed_time", np.arange(COUNT) * 0.1, "s")
            _column(measurement, "mca", np.ones((COUNT, 8)), **{"chunks": (16, 8)})
            plot = _group(entry, "plot", "NXdata")
            plot.attrs["signal"], plot.attrs["axes"] = "mu_trans", ["energy_enc"]
            plot["energy_enc"] = h5py.SoftLink(f"/{i}.1/measurement/energy_enc")
            plot["mu_trans"] = h5py.SoftLink(f"/{i}.1/measurement/mu_trans")


def _processed(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        entry = _group(file, "entry1", "NXentry")
        entry["element"], entry["edge"] = np.array([b"Cu"]), np.bytes_("K")
        data = _group(entry, "processed", "NXdata")
        _column(data, "energy", ENERGY[::-1].astype(">f4"), "eV")
        _column(data, "xmu", MU[::-1].astype(">f8"))
        data["xmu"].attrs["signal"] = 1
        data["energy"].attrs["axis"] = 1


def _own(path: Path) -> None:
    from xreg.core.data.dataset import Dataset, Metadata
    from xreg.core.data.specimens import Specimen, Specimens
    from xreg.core.data.spectra import Channel, Spectra
    from xreg.registry.plugins import host

    samples = Specimens.of([Specimen(f"s{i}", "Cu", 29) for i in range(3)])
    spectra = Spectra({"xas": Channel(np.stack([MU, MU * 2, MU + 1]), ENERGY)})
    labels = {"T": np.array([10.0, 20.0, 30.0]), "mode": np.array(["a", "b", "c"])}
    dataset = Dataset(
        samples, spectra, Metadata(name="x", version="1.0.0", title="t"), labels, {"T": "K"}
    )
    host().build("exporter", path.suffix[1:] if path.suffix == ".csv" else "nexus", {}).write(
        dataset, path
    )


CSV_FILES = 3


def write_csv(path: Path, which: int) -> None:
    """Write a table as a program of sheets does, or xreg's own without and with a table beside."""
    if which == 0:
        head = "energy (eV);foil;oxide\n"
        path.write_text("\ufeff" + head + _rows(ENERGY, MU, MU * 2, between=";"))
        return
    _own(path)
    if which == 1:
        path.with_name(f"{path.stem}.samples.csv").unlink()


def write_athena(path: Path, which: int) -> None:
    """Write a project as larch does, or as Athena of Demeter did, packed or not."""
    import gzip

    from larch import Group
    from larch.io import create_athena

    text: bytes
    if which == 0:
        made = create_athena(str(path))
        for label, factor in (("foil", 1.0), ("oxide", 2.0)):
            made.add_group(Group(energy=ENERGY.copy(), mu=MU * factor, label=label, filename=label))
        made.save(str(path))
        return
    text = b"# Athena project file -- Demeter version 0.9.26\n# This file created at 2023\n\n"
    for label, factor in (("foil", 1.0), ("oxide", 2.0)):
        energy = ",".join(f"'{e:.4f}'" for e in ENERGY)
        signal = ",".join(f"'{v:.6f}'" for v in MU * factor)
        text += (
            f"$old_group = '{label}';\n@args = ('label','{label}','is_xmu','1','bkg_e0','8990',"
            f"'bkg_eshift','0','bkg_z','Cu','fft_edge','k');\n@x = ({energy});\n@y = ({signal});\n"
            "[record]   # create object and set arrays\n\n"
        ).encode()
    text += b"@journal = ('room temperature');\n\n1;\n"
    path.write_bytes(gzip.compress(text, mtime=0) if which == 1 else text)


WRITERS: dict[str, tuple[Callable[[Path, int], None], int, str]] = {
    "nexus": (write_nexus, 4, "x.nxs"),
    "spec": (write_spec, len(SPEC_FILES), "x.spec"),
    "xdi": (write_xdi, len(XDI_FILES), "x.xdi"),
    "csv": (write_csv, CSV_FILES, "x.csv"),
    "athena": (write_athena, 3, "x.prj"),
}
"""Of each family what writes its good files, how many there are, and how a file is called."""
