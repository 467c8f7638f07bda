"""One spectrum of a text file: energies in eV that rise, a signal, and its noise if it has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError
from xreg.core.readers.energies import judge_energies
from xreg.core.readers.numbers import number_of, whole_number
from xreg.core.readers.spectra.checks import checked_signal, require_noise
from xreg.core.readers.spectra.choice import ColumnChoice, choose, signal_of
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.table import Table, read_table
from xreg.core.readers.spectra.units import HC, bragg_energies, unit_of

__all__ = ["PLAIN", "TextSpectrum", "read_spectrum", "spectrum_of"]

# Columns that are Bragg angles where no unit says otherwise, and wavelengths, which need one.
ANGLE_NAMES = frozenset(("angle", "theta", "bragg", "bragg_angle", "monoangle", "mono_angle"))
# No absorption edge lies higher (U K, 115.6 keV).
MOST_KEV = 150.0
# Points of a scan; fewer are no scan but a point out of order.
SCAN_POINTS = 3
# eV; no X-ray is harder.
MOST = 1e8
# eV; hardly an edge that is measured lies lower (Li K, 54.7 eV).
SOFTEST = 50.0
# A gap so many times the steps on both sides is told.
GAP = 10.0


@dataclass(frozen=True, eq=False)
class TextSpectrum:
    """A spectrum as a text file has it.

    Attributes
    ----------
    energy, intensity
        (m,) rising energies in eV, and the signal in its own unit.
    noise
        (m,) standard deviations, where a column is named so.
    element, edge
        What the file says of the absorber, empty where it does not.
    notes
        What was chosen, converted or sorted on the way, in words.
    fields
        Fields of the header.
    unit
        Unit of the signal, empty where the file does not tell.
    """

    energy: Array
    intensity: Array
    noise: Array | None = None
    element: str = ""
    edge: str = ""
    notes: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""


PLAIN = SpectrumColumns()


def read_spectrum(content: bytes, asked: SpectrumColumns = PLAIN) -> TextSpectrum:
    """Read the spectrum of a text file.

    Parameters
    ----------
    content
        The file; see :func:`~xreg.core.readers.spectra.table.read_table` for what is read.
    asked
        What the user says of its columns; see :func:`~xreg.core.readers.spectra.choice.choose`.

    Returns
    -------
    TextSpectrum
        Energies in keV, as Bragg angles (with XDI's ``Mono.d_spacing``) or relative to FDMNES'
        ``E_edge`` are in eV; falling ones are sorted; its notes tell.

    Raises
    ------
    DataError
        If it is no such file; if the column is not clear; if energies occur twice, or neither rise
        nor fall; if values are missing, zero, constant or markers.
    """
    return spectrum_of(read_table(content, asked.scan), asked)


def spectrum_of(table: Table, asked: SpectrumColumns = PLAIN) -> TextSpectrum:
    """Return the spectrum in a table; see :func:`read_spectrum`."""
    chosen = choose(table, asked)
    used = [chosen.energy, *chosen.signal, *([] if chosen.noise is None else [chosen.noise])]
    scan = asked.scan and not table.one_scan
    rows = np.arange(len(table.values))
    if scan:
        rows = _scan(table, table.values[:, chosen.energy], asked.scan)
    if table.has_gaps:
        _require_finite(table, rows, used)
    notes = [note for note in (chosen.note, chosen.doubt) if note]
    energy, signal = _in_ev(table, chosen.energy, asked, notes), signal_of(table, chosen)
    if scan:
        energy, signal = energy[rows], signal[rows]
    if len(chosen.signal) > 1 and not (finite := np.isfinite(signal)).all():
        row = int(rows[int(np.argmin(finite))])
        raise DataError(f"its signal {asked.signal} has no value in line {table.line(row)}")
    noise = _noise(table, chosen, rows, signal, notes)
    if len(energy) < 2:
        raise DataError(f"the spectrum has {len(energy)} point(s)")
    steps = energy[1:] - energy[:-1]
    least = float(steps.min())
    order = None if least > 0 else _order(table, energy, rows)
    if order is not None:
        steps = -steps[::-1]
        least = float(steps.min())
        energy, signal = energy[order], signal[order]
        noise = None if noise is None else noise[order]
        notes.append("the energies fall, and were sorted")
    if energy[-1] > MOST:
        raise DataError(f"its energies reach {energy[-1]:g} eV, which no X-rays have")
    if spike := checked_signal(energy, signal):
        notes.append(spike)
    if noise is not None:
        require_noise(energy, noise)
    at = rows if order is None else rows[order]
    notes += _absences(table, energy, steps, least, at, bool(asked.scan))
    element = table.fields.get("element.symbol", "").strip().capitalize()
    edge = table.fields.get("element.edge", "").strip().upper()
    notes += _doubts(energy, element, edge, said=bool(asked.unit or chosen.doubt))
    unit = table.units[chosen.signal[0]].strip() if len(chosen.signal) == 1 else ""
    notes = [*table.notes, *notes]
    return TextSpectrum(energy, signal, noise, element, edge, tuple(notes), table.fields, unit)


def _doubts(energy: Array, element: str, edge: str, *, said: bool) -> list[str]:
    """Say why energies are hardly those of the absorber, or of any."""
    notes = []
    if element and element not in SYMBOLS[1:]:
        notes.append(f"its header names '{element[:20]}' as the element, which is none")
    if element and (problem := judge_energies(energy, element, edge)):
        notes.append(problem)
    elif energy[0] < 0 and not said:
        notes.append(f"energies from {energy[0]:g} eV on are relative to something, not absolute")
    elif not element and energy[0] > 1e3 * MOST_KEV:
        span = f"energies of {energy[0]:g} … {energy[-1]:g} eV"
        notes.append(f"{span} lie above all edges: are they in eV?")
    elif not element and energy[-1] < SOFTEST and not said:
        span = f"energies of {energy[0]:g} … {energy[-1]:g} eV"
        notes.append(f"{span} lie below all edges: are they in keV, an angle, or relative?")
    return notes


def _noise(
    table: Table, chosen: ColumnChoice, rows: NDArray[np.intp], signal: Array, notes: list[str]
) -> Array | None:
    """Return (m,) the noise in the unit of the signal, where a column is one."""
    if chosen.noise is None:
        return None
    noise = table.values[rows, chosen.noise]
    if table.units[chosen.noise] != "%":
        return noise
    notes.append("the noise is in per cent of the signal")
    return noise / 100 * np.abs(signal)


def _absences(
    table: Table, energy: Array, steps: Array, least: float, rows: NDArray[np.intp], scan: bool
) -> list[str]:
    """Say where points are missing; refuse two tables with something else between them."""
    if (gap := _gap(steps, least)) is not None:
        if not scan and not table.one_scan and _parted(table, rows, gap):
            first, second = sorted(table.line(int(row)) for row in rows[gap : gap + 2])
            raise DataError(
                f"it holds two tables, to line {first} and from line {second}, with no point "
                f"between {energy[gap]:g} and {energy[gap + 1]:g} eV; choose one with --scan N"
            )
    else:
        gap = _lone_end(steps)
    if gap is None:
        return []
    return [f"there is no point between {energy[gap]:g} and {energy[gap + 1]:g} eV"]


def _require_finite(table: Table, rows: NDArray[np.intp], used: list[int]) -> None:
    finite = np.isfinite(table.values[rows][:, used])
    if finite.all():
        return
    point, column = (int(i) for i in np.argwhere(~finite)[0])
    row = int(rows[point])
    cell = table.cell(row, used[column])
    what = f"'{cell[:40]}'" if cell else "an empty cell"
    why = ", a number too long for its field" if cell.startswith("*") else ""
    raise DataError(
        f"the spectrum is not finite at point {point + 1}: line {table.line(row)} holds {what}{why}"
    )


def _in_ev(table: Table, column: int, asked: SpectrumColumns, notes: list[str]) -> Array:
    """Return all energies in eV, and note how they came to be."""
    values = table.values[:, column].copy()
    written = asked.unit or table.units[column]
    if not written and table.names[column].lower() in ANGLE_NAMES:
        written = "deg"
    if not written and table.stated_unit == "kev" and np.nanmax(values) < MOST_KEV:
        written = "keV"
    unit = unit_of(written or "eV")
    if unit is None:
        raise DataError(
            f"the unit '{written}' of its energies is not known; convert them to eV, and say "
            "--unit eV where they are"
        )
    if unit.kind == "angle":
        values = bragg_energies(values * unit.size, table.fields.get("mono.d_spacing", ""))
        notes.append(f"Bragg angles in {unit.name} were converted to eV")
    elif unit.kind == "wavelength":
        if (values <= 0).any():
            raise DataError("its wavelengths are not all positive")
        values = HC / (values * unit.size)
        notes.append(f"wavelengths in {unit.name} were converted to eV")
    elif unit.size != 1:
        values = values * unit.size
        notes.append(f"energies in {unit.name} were converted to eV")
    relative = table.fields.get("fdmnes.e_edge", "")
    if relative and (zero := number_of(relative) or 0.0) > 0:
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        # Some energies are below zero, or all lie nearer to it than to the edge.
        if low < 0 or low <= max(zero - high, low - zero):
            notes.append(f"energies were relative to E_edge, {zero:g} eV, which was added")
            values = values + zero
    return values


def _order(table: Table, energy: Array, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the order in which energies that do not rise would."""
    steps = energy[1:] - energy[:-1]
    if (steps < 0).all():
        return np.arange(len(energy))[::-1]
    parts = _runs(energy)
    if len(parts) > 1 and all(len(part) >= SCAN_POINTS for part in parts):
        starts = ", ".join(f"line {table.line(int(rows[part[0]]))}" for part in parts[:6])
        raise DataError(
            f"its energies turn back {len(parts) - 1} time(s), as {len(parts)} scans one after the "
            f"other do (from {starts}); choose one with --scan N"
        )
    falling = energy[-1] < energy[0]
    same = np.flatnonzero(steps == 0)
    back = np.flatnonzero(steps > 0 if falling else steps < 0)
    if same.size and not back.size:
        i = int(same[0])
        lines = f"lines {table.line(int(rows[i]))} and {table.line(int(rows[i + 1]))}"
        raise DataError(f"the energy {energy[i]:g} eV occurs twice, in {lines}; keep one of them")
    i = int(back[0])
    word = "decrease" if falling else "increase"
    raise DataError(
        f"the energies do not {word} from {energy[i]:g} to {energy[i + 1]:g} eV (line "
        f"{table.line(int(rows[i + 1]))})"
    )


def _runs(energy: Array) -> list[NDArray[np.intp]]:
    """Return the points of each stretch in which energies rise or fall."""
    starts, direction = [0], 0.0
    for i, step in enumerate(np.sign(np.diff(energy)).tolist()):
        if direction and step and step != direction:
            starts.append(i + 1)
            direction = 0.0
        elif step:
            direction = step
    return list(np.split(np.arange(len(energy)), starts[1:]))


def _scan(table: Table, energy: Array, scan: str) -> NDArray[np.intp]:
    """Return the rows of one of several scans that follow each other without a header between."""
    parts = []
    for run in _runs(energy):
        rising = run if energy[run[-1]] >= energy[run[0]] else run[::-1]
        steps = np.diff(energy[rising])
        gap = _gap(steps, float(steps.min(initial=np.inf)))
        cut = gap is not None and _parted(table, rising, gap)
        pieces = [rising[: gap + 1], rising[gap + 1 :]] if cut and gap is not None else [rising]
        parts += sorted((np.sort(piece) for piece in pieces), key=lambda piece: int(piece[0]))
    if not 1 <= (number := whole_number(scan) or 0) <= len(parts):
        raise DataError(f"it has no scan {scan}, only {len(parts)}")
    return parts[number - 1]


def _parted(table: Table, rows: NDArray[np.intp], gap: int) -> bool:
    """Tell whether something else stands between two rows, and not between most others."""
    lines = np.array([table.line(int(row)) for row in rows])
    apart = np.abs(np.diff(lines))
    return bool(apart[gap] > np.median(apart))


def _lone_end(steps: Array) -> int | None:
    """Return after which point the first or last one stands apart from all others."""
    if len(steps) < 5:
        return None
    first, *second = steps[:4].tolist()  # of so few, lists are faster
    *before, last = steps[-4:].tolist()
    if first > GAP * max(second):
        return 0
    return len(steps) - 1 if last > GAP * max(before) else None


def _gap(steps: Array, least: float) -> int | None:
    """Return after which point a stretch without points is far longer than the steps around it."""
    if len(steps) < 5 or steps.max() <= GAP * least:
        return None
    around = np.maximum(
        np.concatenate([steps[:1] * np.inf, steps[:-1]]),
        np.concatenate([steps[1:], steps[-1:] * np.inf]),
    )
    found = np.flatnonzero(steps > GAP * around)
    return int(found[0]) if found.size else None
