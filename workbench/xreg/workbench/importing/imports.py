"""From files to a dataset: which layout, which importer, and what the dataset says of it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.errors import ConfigError, DataError, UnknownNameError, did_you_mean
from xreg.core.readers.structures import SUFFIXES, same_first_atoms
from xreg.core.readers.summary import summarise
from xreg.workbench.generate.store import make_splits
from xreg.workbench.importing.common import BadEntriesError, Collector, parse_grid
from xreg.workbench.importing.extxyz import read_extxyz
from xreg.workbench.importing.feff import read_feff
from xreg.workbench.importing.npz import read_npz
from xreg.workbench.importing.options import ImportOptions, Layout
from xreg.workbench.importing.pairs import find_pair, read_pairs
from xreg.workbench.importing.trees import ARCHIVES

__all__ = ["import_dataset"]

# What tells a tree of FEFF's; material folders may be links.
FEFF = ("*/xmu.dat", "*/*/xmu.dat", "*/*/*/xmu.dat", "*/POSCAR")


def import_dataset(source: Path, options: ImportOptions) -> Dataset:
    """Read a dataset from files of other programs.

    Parameters
    ----------
    source
        File or folder.
    options
        What it is and shall become.

    Returns
    -------
    Dataset
        In memory; its provenance names the source with a hash over all that was read, the grid,
        every entry that was set aside or passed over with the reason, and a summary of what came
        of it.

    Raises
    ------
    BadEntriesError
        If entries are bad and ``options.bad`` refuses them.
    DataError, ConfigError
        If there is nothing to read, or the options do not fit.
    """
    if not source.exists():
        raise DataError(f"'{source}' does not exist.")
    layout = _layout(source) if options.layout == "auto" else options.layout
    grids = {name: parse_grid(text) for name, text in _grids(options).items()}
    # In extxyz and npz a grid also stands for energies that the file does not have.
    collector = Collector(dict(grids), options.hold_ends)
    _read(source, layout, options, grids, collector)
    total = len(collector.samples) + len(collector.bad)
    if collector.bad and (options.bad == "refuse" or not collector.samples):
        raise BadEntriesError(collector.bad, total)
    if not total:
        raise DataError(f"'{source}' has no entries of the layout '{layout}'.")
    samples, spectra, labels = collector.taken()
    taken = set(samples.ids.tolist())
    assumed = {name: z for name, z in collector.assumed.items() if name in taken}
    for note in same_first_atoms(assumed):
        collector.remark(source.name, note)
    splits = make_splits(options.split, samples.ids, labels)
    summary = summarise(
        samples,
        spectra,
        set_aside={bad.file: bad.reason for bad in collector.bad},
        passed_over=collector.passed_over,
    )
    provenance: dict[str, Any] = {
        "made_by": f"xreg data import, xreg {version('xreg')}",
        "source": source.name,
        "layout": layout,
        "sha256": collector.sha256,
        "grids": _grids(options),
        "interpolation": "linear" if grids else "none",
        "hold_ends": options.hold_ends,
        "columns": options.columns.model_dump(exclude_defaults=True),
        "absorber": options.absorber,
        "sites": options.sites,
        "split": options.split.model_dump(mode="json") if options.split else None,
        "set_aside": [{"file": bad.file, "reason": bad.reason} for bad in collector.bad],
        "remarks": [
            {"remark": text, "files": len(files), "first": files[0]}
            for text, files in collector.remarks.items()
        ],
        "passed_over": [{"file": one.path, "reason": one.reason} for one in collector.passed_over],
        "summary": summary.plain(),
    }
    metadata = Metadata(**options.dataset.model_dump(), provenance=provenance)
    return Dataset(samples, spectra, metadata, labels, collector.label_units, splits)


def _layout(source: Path) -> Layout:
    """Tell the layout from the looks of the source."""
    if source.name.endswith(ARCHIVES):
        return "feff"
    if source.is_file():
        if source.suffix in (".extxyz", ".xyz"):
            return "extxyz"
        if source.suffix == ".npz":
            return "npz"
    elif any(next(source.glob(pattern), None) for pattern in FEFF):
        return "feff"
    elif any(p.suffix.lower() in SUFFIXES for p in (*source.glob("*"), *source.glob("*/*"))):
        return "pairs"
    raise ConfigError(f"'{source}' looks like no known layout; name it with --layout.")


def _grids(options: ImportOptions) -> dict[str, str]:
    """Return the grid of each channel that has one."""
    for name in options.grids:
        if name and name not in options.channels:
            raise UnknownNameError(
                f"a grid is given for no channel '{name}'{did_you_mean(name, options.channels)}."
            )
    common = options.grids.get("")
    found = {name: options.grids.get(name, common) for name in options.channels}
    return {name: text for name, text in found.items() if text is not None}


def _read(
    source: Path,
    layout: Layout,
    options: ImportOptions,
    grids: dict[str, NDArray[np.float64]],
    collector: Collector,
) -> None:
    every = options.sites == "all"
    if every and not isinstance(options.absorber, str):
        raise ConfigError("--sites all needs --absorber ELEMENT, or the key that names it.")
    said = options.columns.model_dump(exclude_defaults=True)
    if layout != "pairs" and set(said) - ({"unit"} if layout in ("extxyz", "npz") else set()):
        raise ConfigError(
            f"--{next(iter(said))} is for text spectra of the layout pairs, not for '{layout}'."
        )
    collector.energy_unit = 1000.0 if options.columns.unit == "keV" else 1.0
    file = layout in ("extxyz", "npz")
    if file != source.is_file() and not (layout == "feff" and source.name.endswith(ARCHIVES)):
        raise ConfigError(f"layout '{layout}' wants a {'file' if file else 'folder'}: '{source}'.")
    if layout == "extxyz":
        read_extxyz(source, options.channels, options.absorber, every, grids, collector)
        return
    if layout == "npz":
        read_npz(source, options.channels, options.absorber, grids, collector)
        return
    if len(options.channels) != 1:
        raise ConfigError(f"layout '{layout}' has one channel, not {', '.join(options.channels)}.")
    channel = options.channels[0]
    if layout == "feff":
        read_feff(source, channel, collector)
        return
    folders = (source, Path(options.spectra)) if options.spectra else find_pair(source)
    read_pairs(*folders, channel, options.absorber, every, options.columns, collector)
