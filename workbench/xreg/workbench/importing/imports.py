"""From files to a dataset: the importer is chosen and asked, and the dataset says what it did."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.readers.importing.curve import parse_grid
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.structures import same_first_atoms
from xreg.core.readers.summary import summarise
from xreg.workbench.generate.store import make_splits
from xreg.workbench.importing.choose import choose_importer
from xreg.workbench.importing.collect import BadEntriesError, Collector
from xreg.workbench.importing.options import ImportOptions

__all__ = ["import_dataset"]


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
    grids = {name: parse_grid(text) for name, text in _grids(options).items()}
    log = ImportLog()
    importer = choose_importer(source, options, _grids(options), log)
    collector = Collector(log, dict(grids), options.hold_ends)
    for entry in importer.entries(source, log):
        collector.take(entry)
    total = len(collector.samples) + len(log.bad)
    if log.bad and (options.bad == "refuse" or not collector.samples):
        raise BadEntriesError(log.bad, total)
    if not total:
        raise DataError(f"'{source}' has no entries of the layout '{importer.name}'.")
    samples, spectra, labels = collector.taken()
    taken = set(samples.ids.tolist())
    assumed = {name: z for name, z in log.assumed.items() if name in taken}
    for note in same_first_atoms(assumed):
        log.remark(source.name, note)
    splits = make_splits(options.split, samples.ids, labels)
    summary = summarise(
        samples,
        spectra,
        set_aside={bad.file: bad.reason for bad in log.bad},
        passed_over=log.passed_over,
    )
    provenance: dict[str, Any] = {
        "made_by": f"xreg data import, xreg {version('xreg')}",
        "source": source.name,
        "layout": importer.name,
        "sha256": log.sha256,
        "grids": _grids(options),
        "interpolation": "linear" if grids else "none",
        "hold_ends": options.hold_ends,
        "columns": options.columns.model_dump(exclude_defaults=True),
        "absorber": options.absorber,
        "sites": options.sites,
        "split": options.split.model_dump(mode="json") if options.split else None,
        "set_aside": [{"file": bad.file, "reason": bad.reason} for bad in log.bad],
        "remarks": [
            {"remark": text, "files": len(files), "first": files[0]}
            for text, files in log.remarks.items()
        ],
        "passed_over": [{"file": one.path, "reason": one.reason} for one in log.passed_over],
        "summary": summary.plain(),
    }
    metadata = Metadata(**options.dataset.model_dump(), provenance=provenance)
    return Dataset(samples, spectra, metadata, labels, log.label_units, splits)


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
