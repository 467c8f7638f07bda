"""XANESNET's training sets: folders of xyz files and of FDMNES' spectra, and its dataset.npz."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from xreg.core.data.samples import ParameterSet
from xreg.core.data.specimens import Specimen
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.importing.pairs import pairs_by_stem, spectrum_of_pair
from xreg.core.readers.npz import load_arrays
from xreg.core.readers.structures import one_frame
from xreg.plugins.xanesnet.plugin import XanesnetImportConfig

__all__ = ["XanesnetImporter"]

Part = Literal["", "train", "validation", "test"]
PARTS: dict[str, Part] = {
    "": "",
    "train": "train",
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
STRUCTURES = re.compile(r"xyz(?:_(\w+))?", re.IGNORECASE)
SPECTRA = re.compile(r"(?:xanes|xas|xes)(?:_(\w+))?", re.IGNORECASE)
ARRAYS = {"x.npy", "y.npy"}
KNOWN = {"x", "y", "e", "ids"}


class Pair(NamedTuple):
    """A folder of structures, one of spectra, and the part of the split that they are."""

    structures: Path
    spectra: Path
    part: Part


class XanesnetImporter(Importer[XanesnetImportConfig]):
    """Structures and spectra of the same stem; folders for training and test stay a split.

    Folders are ``xyz_train`` and ``xanes_train``, ``xyz_test`` and ``xanes_test``, … beside each
    other, or ``xyz`` and ``xanes`` inside ``train``, ``test``, …. The absorber is the first atom,
    as XANESNET has it, unless ``--absorber`` says otherwise. A ``dataset.npz`` holds spectra ``y``
    on energies ``e`` by ``ids``, and features ``x`` in place of structures, which become the
    parameters ``x1``, ``x2``, … of its samples: the descriptor ``as-is`` takes them. Without ``x``
    its samples are specimens; without ``e`` the setting ``energies`` says where spectra lie.
    """

    name: ClassVar[str] = "xanesnet"
    Config = XanesnetImportConfig
    source: ClassVar[Literal["file", "folder"]] = "folder"
    archives: ClassVar[tuple[str, ...]] = (".npz",)

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the names of folders, or of the arrays of an ``.npz``."""
        if path.is_dir():
            # One pair of folders without a split is what the importer 'pairs' is for.
            return 0.9 if any(pair.part for pair in _pairs(path)) else 0.0
        if path.suffix != ".npz" or not head.startswith(b"PK\x03\x04"):
            return 0.0
        try:
            with zipfile.ZipFile(path) as archive:
                names = set(archive.namelist())
                own = names >= ARRAYS and names <= {f"{name}.npy" for name in KNOWN}
                return 0.97 if own else 0.0
        except (OSError, zipfile.BadZipFile):
            return 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each sample."""
        if source.is_file():
            yield from self._arrays(source, log)
            return
        pairs = _pairs(source)
        if not pairs:
            raise DataError(
                f"'{source}' has no folders xyz_train and xanes_train, nor train/xyz and "
                "train/xanes."
            )
        known = {folder for pair in pairs for folder in (pair.structures, pair.spectra)}
        for place in (source, *(source / name for name in sorted(PARTS) if name)):
            for folder in _sides(place) if place.is_dir() else ():
                if folder not in known:
                    with log.entry(str(folder)):
                        raise DataError("no folder of spectra or structures goes with it")
        for pair in pairs:
            for stem, xyz, table in pairs_by_stem(pair.structures, pair.spectra, log):
                with log.entry(xyz):
                    yield from self._entry(stem, xyz, table, pair.part, log)

    def _entry(
        self, stem: str, xyz: str, table: str, part: Part, log: ImportLog
    ) -> Iterator[Entry]:
        config = self.config
        frame = one_frame(log.read(xyz), Path(xyz).name)
        absorber = 0 if config.absorber is None else config.absorber
        sites = log.sites(frame, stem, absorber, config.every)
        with log.entry(table):
            found = spectrum_of_pair(table, config.columns, log)
            samples = frame.structures(stem, sites)
            curves = {config.channel: Curve(found.energy, found.intensity)}
            if part:
                log.splits.setdefault("default", {}).update((one.id, part) for one in samples)
            yield Entry(table, samples, curves, {})

    def _arrays(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        content = log.read(source)
        arrays = load_arrays(source, io.BytesIO(content))
        if "y" not in arrays:
            raise DataError(f"'{source}' has no array 'y'.")
        y = arrays["y"]
        e = arrays.get("e")
        if e is None:
            if self.config.energies is None or y.ndim != 2:
                raise DataError(
                    f"'{source}' has no energies 'e': say where its spectra begin and end, as in "
                    "--set energies=[7100,7175]."
                )
            e = np.linspace(*self.config.energies, y.shape[1])
        if y.ndim != 2 or e.shape != y.shape[1:] or y.dtype.kind not in "iuf":
            raise DataError(
                f"'{source}': 'y' {y.shape} and 'e' {e.shape} must be (n, m) spectra on (m,) "
                "energies."
            )
        names = arrays.get("ids", np.array([f"{source.stem}-{i}" for i in range(len(y))]))
        if names.shape != y.shape[:1] or names.dtype.kind not in "USiu":
            raise DataError(f"'{source}': 'ids' are no {len(y)} names.")
        x = arrays.get("x")
        if x is not None and (x.ndim != 2 or len(x) != len(y) or x.dtype.kind not in "iuf"):
            raise DataError(f"'{source}': 'x' {x.shape} are no features of {len(y)} samples.")
        features = [f"x{i + 1}" for i in range(0 if x is None else x.shape[1])]
        log.parameter_units = dict.fromkeys(features, "")
        energy = np.asarray(e, np.float64)
        for i, name in enumerate(names.astype(str).tolist()):
            with log.entry(where := f"{source}, row {i}"):
                curve = Curve(energy, np.asarray(y[i], np.float64))
                sample: Specimen | ParameterSet = Specimen(name)
                if x is not None:
                    values = np.asarray(x[i], np.float64).tolist()
                    sample = ParameterSet(name, dict(zip(features, values, strict=True)))
                yield Entry(where, [sample], {self.config.channel: curve}, {})


def _pairs(source: Path) -> list[Pair]:
    """Return the pairs of folders in a set, those for training first."""
    found: list[Pair] = []
    beside = _matched(source)
    found += [Pair(*folders, part) for part, folders in beside.items()]
    for name in sorted(PARTS):
        if name and (source / name).is_dir():
            for part, folders in _matched(source / name).items():
                if not part:
                    found.append(Pair(*folders, PARTS[name]))
    order = list(dict.fromkeys(PARTS.values()))
    return sorted(found, key=lambda pair: order.index(pair.part))


def _sides(folder: Path) -> dict[Path, tuple[re.Pattern[str], Part]]:
    """Return the folders of structures and spectra in one: what each holds, and of which part."""
    found: dict[Path, tuple[re.Pattern[str], Part]] = {}
    for path in sorted(folder.iterdir()):
        for pattern in (STRUCTURES, SPECTRA):
            match = pattern.fullmatch(path.name)
            if match and path.is_dir() and (match[1] or "").lower() in PARTS:
                found[path] = pattern, PARTS[(match[1] or "").lower()]
    return found


def _matched(folder: Path) -> dict[Part, tuple[Path, Path]]:
    sides = _sides(folder)
    left, right = (
        {part: path for path, (kind, part) in sides.items() if kind is pattern}
        for pattern in (STRUCTURES, SPECTRA)
    )
    return {part: (left[part], right[part]) for part in left if part in right}
