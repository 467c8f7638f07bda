"""Beamline files read by xreg and by larch: the same numbers, or a sentence on what to give.

    python benchmarks/beamline_collection.py FOLDER [--markdown TABLE.md]

The folder is, for example, ``examples/xafsdata`` of a clone of github.com/xraypy/xraylarch, or the
XAFS data library. Nothing is fetched. Needs xreg-larch. Every file is read as ``xreg data import
FILE`` reads it, without options; energies and signals are compared with the columns, or groups,
that larch finds in it. Energies may differ by a constant (those of FDMNES are made absolute) or by
1000 (keV);
where xreg asks for the signal, each column is asked for in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.errors import XregError
from xreg.core.interfaces import Entry
from xreg.core.readers.importing.log import ImportLog
from xreg.workbench.importing.choose import choose_importer
from xreg.workbench.importing.options import ImportOptions

SKIPPED = {".py", ".md", ".ipynb", ".lar", ".png", ".pdf"}
NEAR = 1e-9
OPTIONS = ImportOptions.parse({"dataset": {"name": "a", "version": "1.0.0"}}, "import")


@dataclass
class Row:
    """What came of one file."""

    file: str
    verdict: str
    said: str


def main() -> None:
    """Print a row a file, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--markdown", type=Path)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    files = sorted(p for p in asked.folder.rglob("*") if p.is_file() and p.suffix not in SKIPPED)
    rows = [_judged(path, str(path.relative_to(asked.folder))) for path in files]
    for row in rows:
        print(f"{row.verdict:10} {row.file}: {row.said}", flush=True)
    counts = Counter(row.verdict for row in rows)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
    if asked.markdown:
        lines = ["| file | result | |", "|---|---|---|"]
        lines += [f"| {r.file} | {r.verdict} | {r.said.replace('|', '/')} |" for r in rows]
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _judged(path: Path, name: str) -> Row:
    log = ImportLog()
    entries: list[Entry] = []
    try:
        importer = choose_importer(path, OPTIONS, {}, log)
        entries = list(importer.entries(path, log))
    except XregError as error:
        return _refused(path, name, str(error))
    if not entries:
        why = [str(one).partition(": ")[2] for one in log.bad]
        why += [one.reason for one in log.passed_over]
        return _refused(path, name, why[0] if why else "no entries")
    theirs = dict(_larch(path))
    if not theirs:
        return Row(name, "ours alone", f"{len(entries)} read, and larch reads none")
    return _compared(name, importer.name, entries, theirs, log)


def _compared(
    name: str, layout: str, entries: list[Entry], theirs: dict[str, list[Any]], log: ImportLog
) -> Row:
    worst, missing = 0.0, []
    # Of groups of one name larch keeps the last alone.
    lost = max(0, len(entries) - len(theirs)) if len(theirs) > 1 else 0
    for entry in entries:
        curve = entry.curves["xas"]
        own = theirs.get(entry.samples[0].id)
        energy, signal = np.asarray(curve.energy), np.asarray(curve.intensity)
        sizes = [_nearest(energy, signal, g) for g in ([own] if own else theirs.values())]
        size = min((one for one in sizes if one is not None), default=None)
        if size is None and lost:
            lost -= 1
        elif size is None:
            missing.append(entry.samples[0].id)
        else:
            worst = max(worst, size)
    told = f"{len(entries)} of {len(theirs)}" if len(theirs) > 1 else layout
    notes = [text for text in log.remarks if "edges" in text or "added" in text]
    left = f"; bad: {log.bad[0].reason}" if log.bad else ""
    left += f"; {notes[0]}" if notes else ""
    if missing:
        return Row(name, "different", f"{told}: {', '.join(missing[:3])}{left}")
    return Row(name, "same", f"{told}, {worst:.1g}{left}")


def _refused(path: Path, name: str, why: str) -> Row:
    """Say why a file is refused; of what it asks for, take each column in turn as the signal."""
    theirs = dict(_larch(path))
    if not theirs:
        return Row(name, "both refuse", why)
    if "which is the signal" not in why:
        return Row(name, "refused", why)
    columns = next(iter(theirs.values()))
    same = 0
    for number in range(2, len(columns) + 1):
        asked = OPTIONS.columns.model_copy(update={"signal": str(number)})
        log = ImportLog()
        with contextlib.suppress(XregError):
            importer = choose_importer(path, OPTIONS.model_copy(update={"columns": asked}), {}, log)
            for entry in importer.entries(path, log):
                curve = entry.curves["xas"]
                found = _nearest(np.asarray(curve.energy), np.asarray(curve.intensity), columns)
                same += found is not None
    verdict = "same, asked" if same else "refused"
    return Row(name, verdict, f"{same} of {len(columns) - 1} columns with --signal; {why}")


def _nearest(energy: Any, signal: Any, columns: list[Any]) -> float | None:
    """Return how far energies and signal are from the nearest columns; None where none fits."""
    found = []
    for wanted, factors in ((energy, (1.0, 1000.0)), (signal, (1.0,))):
        sizes = []
        for column in columns:
            values = np.asarray(column, np.float64)
            if len(values) == len(wanted):
                for one in (values, values[::-1]):
                    steps = np.ptp(wanted - one) if len(factors) > 1 else np.inf
                    sizes.append(float(steps) / max(float(np.abs(wanted).max()), 1e-300))
                    for factor in factors:
                        scale = max(float(np.abs(wanted).max()), 1e-300)
                        sizes.append(float(np.abs(factor * one - wanted).max()) / scale)
        found.append(min(sizes, default=np.inf))
    return max(found) if max(found) <= NEAR else None


def _larch(path: Path) -> Iterator[tuple[str, list[Any]]]:
    """Yield the columns of each spectrum that larch reads."""
    from larch.io import read_ascii, read_athena, read_xdi

    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(printed), contextlib.suppress(Exception):
        if path.suffix == ".prj":
            project = read_athena(str(path), do_preedge=False)
            for key, group in dict(getattr(project, "_athena_groups", project)).items():
                shift = float(getattr(group.athena_params.bkg, "eshift", 0.0) or 0.0)
                name = str(getattr(group, "label", "") or key).strip()
                if hasattr(group, "mu"):
                    yield name, [np.asarray(group.energy) + shift, group.mu]
        elif path.suffix == ".xdi":
            group = read_xdi(str(path))
            data = [getattr(group, one) for one in group.array_labels]
            yield path.stem, [*data, *(getattr(group, n, []) for n in ("energy", "mutrans"))]
        else:
            group = read_ascii(str(path))
            yield path.stem, list(np.asarray(group.data))


if __name__ == "__main__":
    main()
