"""Which column is the energy, which the signal, which the noise: by name, or as the user says."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError, did_you_mean
from xreg.core.readers.numbers import whole_number
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.table import Table
from xreg.core.readers.spectra.units import unit_of

__all__ = ["ColumnChoice", "choose"]


@dataclass(frozen=True, eq=False)
class ColumnChoice:
    """Columns of a table by number (from 0), and what was chosen without being told.

    Attributes
    ----------
    energy, noise
        Columns; no noise where none is named so.
    signal
        One column, or numerator and denominator.
    logarithm
        Whether the signal is the logarithm of that ratio.
    note, doubt
        What was chosen among several columns, in words: the signal, and the energy.
    """

    energy: int
    signal: tuple[int, ...]
    noise: int | None = None
    logarithm: bool = False
    note: str = ""
    doubt: str = ""


ACCENT = re.compile("[\u0300-\u036f]")
RATIO = re.compile(r"\s*(?:(ln)\s*\(\s*(.+?)\s*/\s*(.+?)\s*\)|(.+?)\s*/\s*(.+?))\s*")
# Names in the order in which they are preferred; FEFF's omega is absolute, its e is not.
ENERGIES: Sequence[frozenset[str]] = (
    frozenset(
        (
            *(
                "energy",
                "energie",
                "energia",
                "энергия",
                "エネルギー",
                "能量",
                "光子能量",
                "hv",
                "hν",
            ),
            *("photonenergy", "photon energy", "photon_energy", "photonenergie"),
        )
    ),
    frozenset(("omega",)),
    frozenset(("e", "en", "ene", "mono_energy", "mono energy", "energy_mono", "incident energy")),
    frozenset(("angle", "theta", "bragg", "bragg_angle", "monoangle", "mono_angle")),
)
MU = frozenset(
    (
        *("mu", "µ", "μ", "mux", "xmu", "mu(e)", "µ(e)", "μ(e)", "xmu(e)", "mutrans", "mufluor"),
        *("<xanes>", "xanes", "xas", "xes", "absorption", "absorbance", "intensity"),
        *("absorptionskoeffizient", "extinktion", "intensitat", "absorcion", "intensidad"),
        *("absorcao", "intensite", "assorbimento", "intensita", "поглощение", "吸収", "吸收"),
    )
)
NORMALISED = frozenset(
    ("norm", "normtrans", "normfluor", "normalised", "normalized", "norm_mu", "normmu", "flat")
)
# What falls onto a sample.
INCOMING = frozenset(("i0", "i_0", "io", "monitor", "mon", "incoming_beam"))
# What passes through a sample or a reference, and what is drawn beside a spectrum.
NO_SIGNAL = INCOMING | frozenset(
    (
        *("it", "i_t", "i1", "i_1", "i2", "i_2", "ir", "itrans", "irefer", "trans", "transmission"),
        *("transmittance", "transmissivity", "transmitted", "transmission_beam", "transmittivity"),
        *("bkg", "nbkg", "fbkg", "background", "pre_edge", "post_edge", "nder", "nsec", "deriv"),
        *("derivative", "dmude", "d2mude", "dmu/de", "residual"),
    )
)
# When and how long a point was measured.
TIMES = re.compile(
    r"(?:(?:elapsed|epoch|acquisition|acq|count(?:ing)?|live|real|dead|dwell|exposure)[ _]?)?time"
    r"s?(?:stamp)?|seconds?|sec|epoch|date|zeit|temps"
)
NOISE = frozenset(
    (
        *("sigma", "σ", "error", "err", "noise", "std", "stddev", "std_dev", "sd", "uncertainty"),
        *("standard deviation", "standard error", "yerr", "dy"),
    )
)
# What stands in first columns of other data: chi(k) and its transform, times, counters of points.
OTHERS = frozenset(
    (
        *("k", "q", "r", "time", "t", "zeit", "temps", "epoch", "timestamp", "date", "index", "no"),
        *("nr", "point", "points", "pt", "pts", "pt_no", "channel", "pixel", "2theta", "two_theta"),
        *("temperature", "wavelength", "lambda", "λ", "frame", "seq", "scan"),
    )
)


K_AXIS = re.compile(r"[kqr][\s_(\[]|wave[ _]?(?:number|vector)")
# Energies of electrons, differences of energies, and those from some zero on.
OTHER_ENERGIES = re.compile(r"kinetic|binding|loss|transfer|relative|\brel\b|rel_|delta|δ|-\s*e_?0")


def choose(table: Table, asked: SpectrumColumns) -> ColumnChoice:
    """Return the columns of a table that make a spectrum.

    Without being told, the energy is the column named so, else the first; the noise a column named
    so (``sigma``, ``error``, ``noise``, ``std`` …) and no other; the signal the one column that
    remains, or of several the one that is named as absorption (``mutrans``, ``mu``, ``xmu`` …).

    Raises
    ------
    DataError
        If that leaves a choice, or there is no such column; the message tells the columns.
    """
    if table.has_gaps or any(map(math.isnan, table.values[:1].flat)):
        return _chosen(table, asked)
    return _chosen_by_names(table.names, table.units, asked)


@lru_cache(maxsize=64)  # the files of a series have the same columns
def _chosen_by_names(
    names: tuple[str, ...], units: tuple[str, ...], asked: SpectrumColumns
) -> ColumnChoice:
    return _chosen(Table(np.zeros((1, len(names))), names, units), asked)


def _chosen(table: Table, asked: SpectrumColumns) -> ColumnChoice:
    count = table.values.shape[1]
    if count < 2:
        raise DataError("it has 1 column where energy and signal are needed")
    names = [_plain(name) for name in table.names]
    energy = _column(table, asked.energy, "--energy") if asked.energy else _energy(table, names)
    noise = _column(table, asked.noise, "--noise") if asked.noise else None
    if asked.signal:
        signal, logarithm = _signal(table, asked.signal)
        if noise is None:
            noise = _noise(names, {energy, *signal})
    else:
        if noise is None:
            noise = _noise(names, {energy})
        logarithm = False
        signal = (_only(table, names, energy, noise),)
    if energy in signal or noise in (energy, *signal):
        raise DataError(f"one of its columns ({_list(table)}) is chosen twice")
    told = count == 2 or asked.signal
    note = "" if told else f"the signal is column {table.labels[signal[0]]}"
    doubt = "" if asked.energy else _doubt(table, names, energy, {noise, *signal})
    return ColumnChoice(energy, signal, noise, logarithm, note, doubt)


def _doubt(table: Table, names: Sequence[str], energy: int, taken: set[int | None]) -> str:
    """Say where further columns may be the energies, or these are of another kind."""
    if names[energy] == "omega":  # FEFF's, beside which energies from the Fermi level on stand
        return ""
    others = [
        table.labels[i]
        for i, name in enumerate(names)
        if i not in taken | {energy}
        and (
            any(name in known for known in ENERGIES[:3])
            or "energ" in name
            or ((unit := unit_of(table.units[i])) and unit.kind == "energy")
        )
    ]
    if others:
        return f"the energy is column {table.labels[energy]}; {', '.join(others[:4])} may be it too"
    if OTHER_ENERGIES.search(names[energy]):
        return f"its energies are called '{table.names[energy]}'; those of photons are needed"
    return ""


def _energy(table: Table, names: Sequence[str]) -> int:
    for known in ENERGIES:
        found = [i for i, name in enumerate(names) if name in known]
        if len(found) == 1:
            return found[0]
        if found:
            raise DataError(
                f"{len(found)} of its columns ({_list(table)}) are named as energies; say which "
                "with --energy COL"
            )
    found = [i for i, unit in enumerate(table.units) if (u := unit_of(unit)) and u.kind == "energy"]
    if len(found) == 1:
        return found[0]
    like = [i for i, name in enumerate(names) if "energ" in name]
    if len(like) > 1 and 0 not in like:
        raise DataError(f"which of its columns ({_list(table)}) is the energy; say --energy COL")
    first = 0 if 0 in like or not like else like[0]
    if not like and (names[0] in OTHERS or K_AXIS.match(names[0])) and not table.units[0]:
        raise DataError(
            f"its first column is '{table.names[0]}', which is no energy; say which of its columns "
            f"({_list(table)}) is with --energy COL"
        )
    return first


def _plain(name: str) -> str:
    """Return a name in lower case, without the accents of European languages."""
    return unicodedata.normalize("NFC", ACCENT.sub("", unicodedata.normalize("NFD", name.lower())))


def _noise(names: Sequence[str], taken: set[int]) -> int | None:
    found = [i for i, name in enumerate(names) if name in NOISE and i not in taken]
    if len(found) > 1:
        labels = ", ".join(names[i] for i in found)
        raise DataError(f"its columns {labels} are all named as noise; say which with --noise COL")
    return found[0] if found else None


def _only(table: Table, names: Sequence[str], energy: int, noise: int | None) -> int:
    rest = [i for i in range(len(names)) if i not in (energy, noise)]
    rest = [i for i in rest if not np.isnan(table.values[:, i]).all()]  # times of measurement
    lone = names[rest[0]] if len(rest) == 1 else ""
    if len(rest) == 1 and lone not in NO_SIGNAL and not TIMES.fullmatch(lone):
        return rest[0]
    for known in (MU, NORMALISED):
        found = [i for i in rest if names[i] in known]
        if len(found) == 1:
            return found[0]
        if found:
            break
    if not rest:
        raise DataError(f"none of its columns ({_list(table)}) is a signal")
    if not any(names):
        raise DataError(
            f"it has {len(names)} columns without names; say which is the signal with --signal N "
            "(and --energy N, --noise N where it has them)"
        )
    ways = ""
    passed = [table.names[i] for i in rest if names[i] in ("itrans", "i1", "it", "i")]
    if passed and "i0" in names:
        ways = f", --signal 'ln({table.names[names.index('i0')]}/{passed[0]})'"
    raise DataError(
        f"it has {len(names)} columns ({_list(table)}); say which is the signal with --signal COL"
        f"{ways} (and --noise COL where one is the noise)"
    )


def _signal(table: Table, text: str) -> tuple[tuple[int, ...], bool]:
    if (whole := _find(table, text)) is not None:
        return (whole,), False
    if ratio := RATIO.fullmatch(text):
        above, below = (ratio[2], ratio[3]) if ratio[1] else (ratio[4], ratio[5])
        return tuple(_column(table, part, "--signal") for part in (above, below)), bool(ratio[1])
    return (_column(table, text, "--signal"),), False


def _column(table: Table, text: str, option: str) -> int:
    found = _find(table, text)
    if found is None:
        hint = did_you_mean(text, [name for name in table.names if name])
        raise DataError(f"it has no column '{text}' ({option}){hint}; it has {_list(table)}")
    return found


def _find(table: Table, text: str) -> int | None:
    for names, wanted in (
        (list(table.names), text),
        ([name.lower() for name in table.names], text.lower()),
    ):
        if names.count(wanted) == 1:
            return names.index(wanted)
        if names.count(wanted) > 1:
            raise DataError(
                f"{names.count(wanted)} of its columns ({_list(table)}) are named '{text}'; give "
                "its number"
            )
    number = whole_number(text) or 0
    return number - 1 if 1 <= number <= len(table.names) else None


def _list(table: Table) -> str:
    labels = table.labels
    return ", ".join(labels[:12]) + (", …" if len(labels) > 12 else "")


def signal_of(table: Table, chosen: ColumnChoice) -> NDArray[np.float64]:
    """Return (r,) the signal of the rows; NaN where a ratio or logarithm has no value."""
    columns = [table.values[:, i] for i in chosen.signal]
    if len(columns) == 1:
        return columns[0].copy()
    with np.errstate(all="ignore"):
        ratio = columns[0] / columns[1]
        return np.log(ratio) if chosen.logarithm else ratio
