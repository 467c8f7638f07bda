"""From files to a dataset: the importer is chosen and asked, and the dataset says what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.specimens import Specimens
from xreg.core.data.splits import PARTS, Split
from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.readers.importing.curve import parse_grid
from xreg.core.readers.importing.log import BadEntry, ImportLog
from xreg.core.readers.structures import same_first_atoms
from xreg.core.readers.summary import summarise
from xreg.core.text import counted
from xreg.workbench.importing.choose import UnknownLayoutError, choose_importer
from xreg.workbench.importing.collect import COMMON, BadEntriesError, Collector
from xreg.workbench.importing.options import ImportOptions
from xreg.workbench.recipes.splits import PART_OF, SplitSection, make_splits, with_defaults

__all__ = ["import_dataset"]

DEFAULT = "default"
ANY = "common"
"""What stands for a grid that all spectra cover."""
FOLDER = "folder"


def import_dataset(source: Path | Sequence[Path], options: ImportOptions) -> Dataset:
    """Read a dataset from files of other programs.

    Parameters
    ----------
    source
        File or folder, or several, each read by the importer that knows it best.
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
    sources = [source] if isinstance(source, Path) else list(source)
    for one in sources:
        if not one.exists():
            raise DataError(f"'{one}' does not exist.")
    if ANY in options.grids.values():
        options = _with_grid(sources, options)
    grids = {name: parse_grid(text) for name, text in _grids(options).items()}
    log = ImportLog()
    collector = Collector(log, dict(grids), options.hold_ends)
    layouts: list[str] = []
    places = [pair for one in sources for pair in _places(one, options, log)]
    for part, one in places:
        before = len(collector.samples)
        known = log.label_units, log.parameter_units
        try:
            importer = choose_importer(one, options, _grids(options), log)
            for entry in importer.entries(one, log):
                collector.take(entry)
        except (UnknownLayoutError, DataError) as error:
            if len(sources) == 1:
                if one.name in str(error):
                    raise
                raise DataError(f"'{one}': {error}") from None
            log.bad.append(BadEntry(str(one), str(error).rstrip(".")))
            continue
        if part:
            mine = {sample.id: part for sample in collector.samples[before:]}
            log.splits.setdefault(DEFAULT, {}).update(mine)
        log.label_units = _joined(known[0], log.label_units, "label", one)
        log.parameter_units = _joined(known[1], log.parameter_units, "parameter", one)
        layouts.append(importer.name)
    layout = ", ".join(dict.fromkeys(layouts))
    _require_entries(collector, options, sources, layout)
    samples, spectra, labels = collector.taken()
    taken = set(samples.ids.tolist())
    assumed = {name: z for name, z in log.assumed.items() if name in taken}
    for note in same_first_atoms(assumed, log.several):
        log.remark(sources[0].name, note)
    split = options.split
    own = _own_splits(split, log, samples.ids)
    if isinstance(samples, Specimens) and not (split and split.stated()):
        split = None
    if split is not None and not split.stated() and len(samples) < len(PARTS):
        log.remark("splits", f"of {counted(len(samples), 'sample')} no split is made")
        split = None
    made = {} if DEFAULT in own else make_splits(split, samples.ids, labels)
    summary = summarise(
        samples,
        spectra,
        set_aside={bad.file: bad.reason for bad in log.bad},
        passed_over=log.passed_over,
    )
    provenance: dict[str, Any] = {
        "made_by": f"xreg data import, xreg {version('xreg')}",
        "source": sources[0].name if len(sources) == 1 else [one.name for one in sources],
        "layout": layout,
        "sha256": log.sha256,
        "grids": _grids(options),
        "interpolation": "linear" if grids else "none",
        "hold_ends": options.hold_ends,
        "columns": options.columns.model_dump(exclude_defaults=True),
        "absorber": options.absorber,
        "sites": options.sites,
        "split": "that of the source"
        if DEFAULT in own
        else split and with_defaults(split, 0).stated(),
        "set_aside": [{"file": bad.file, "reason": bad.reason} for bad in log.bad],
        "remarks": [
            {"remark": text, "files": len(files), "first": files[0]}
            for text, files in log.remarks.items()
        ],
        "passed_over": [{"file": one.path, "reason": one.reason} for one in log.passed_over],
        "summary": summary.plain(),
    }
    metadata = Metadata(**options.dataset.model_dump(), provenance=provenance)
    return Dataset(samples, spectra, metadata, labels, log.label_units, {**made, **own})


def _require_entries(
    collector: Collector, options: ImportOptions, sources: Sequence[Path], layout: str
) -> None:
    """Refuse bad entries, unless they may be set aside and others are there; and none at all."""
    log = collector.log
    total = len(collector.samples) + len(log.bad)
    if log.bad and (options.bad == "refuse" or not collector.samples):
        grid = collector.common_grid() if any(COMMON in bad.reason for bad in log.bad) else ""
        remedy = f"all are covered by {grid}; give it" if grid else "repair them"
        raise BadEntriesError(log.bad, total, remedy)
    if not total:
        names = ", ".join(f"'{one}'" for one in sources[:3]) + (" …" if sources[3:] else "")
        first = next(iter(log.passed_over), None)
        why = f": {first.path} is passed over, as {first.reason}" if first else ""
        raise DataError(f"{names} has no entries of the layout '{layout}'{why}.")


def _with_grid(sources: Sequence[Path], options: ImportOptions) -> ImportOptions:
    """Return the options with the energies that all spectra cover, found by reading them once."""
    told = {name: text for name, text in options.grids.items() if text != ANY}
    options = options.model_copy(update={"grids": told})
    log = ImportLog()
    collector = Collector(log, {}, options.hold_ends)
    for one in sources:
        with log.entry(str(one)), suppress(UnknownLayoutError):  # told when it is read again
            for entry in choose_importer(one, options, {}, log).entries(one, log):
                collector.take(entry)
    differ = any(COMMON in bad.reason for bad in log.bad)
    if not differ or not (found := collector.common_grid()):
        return options
    return options.model_copy(update={"grids": {**told, "": found.removeprefix("--grid ")}})


def _own_splits(
    asked: SplitSection | None, log: ImportLog, ids: NDArray[np.str_]
) -> dict[str, Split]:
    """Return the splits that the source has; another ``default`` may be asked for."""
    splits = {}
    for name, known in log.splits.items():
        parts = np.array([known.get(one, "") for one in ids.tolist()])
        splits[name] = Split(*(ids[parts == part] for part in PARTS))
        if lack := int((~np.isin(parts, PARTS)).sum()):
            log.remark("splits", f"{lack} samples are in no part of the split '{name}'")
    if asked is None or asked.parts == FOLDER or not asked.stated():
        return splits
    return {name: split for name, split in splits.items() if name != DEFAULT}


def _joined(
    before: Mapping[str, str], now: Mapping[str, str], what: str, source: Path
) -> dict[str, str]:
    """Return the units of all sources read so far."""
    for name, unit in now.items():
        if before.get(name, unit) != unit:
            raise DataError(
                f"'{source}' has the {what} '{name}' in {unit}, those before in {before[name]}."
            )
    return {**before, **now}


def _places(source: Path, options: ImportOptions, log: ImportLog) -> list[tuple[str, Path]]:
    """Return what to read: a source, or the folder or file of each part of its split."""
    if options.split is None or options.split.parts != FOLDER:
        return [("", source)]
    found: dict[str, Path] = {}
    for path in sorted(source.iterdir()) if source.is_dir() else ():
        part = PART_OF.get(path.name.partition(".")[0].lower())
        if part is None:
            log.pass_over(path.name, "it is no part of the split")
        elif part in found:
            raise DataError(f"'{source}' has two {part} parts, {found[part].name} and {path.name}.")
        else:
            found[part] = path
    if "train" not in found or len(found) == 1:
        raise DataError(
            f"'{source}' must hold 'train' and 'test' (and 'validation' if there is one), each a "
            "folder or a file, to be split by folders."
        )
    return list(found.items())


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
