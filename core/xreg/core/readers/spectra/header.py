"""What stands above a table: names and units of columns, fields of XDI, FDMNES' edge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError
from xreg.core.readers.numbers import is_number
from xreg.core.readers.spectra.blocks import SEPARATORS, is_comment, without_mark
from xreg.core.readers.spectra.dialect import Dialect
from xreg.core.readers.spectra.units import is_unit, unit_of

__all__ = ["columns_of", "fields_of", "named_counts", "split_name", "stated_unit"]

# XDI: '# Element.symbol: Fe', '# Column.1: energy eV' (B. Ravel and M. Newville, J. Phys. Conf.
# Ser. 712, 012148 (2016)).
FIELD = re.compile(r"([A-Za-z]\w*\.[A-Za-z0-9][\w.]*)\s*:\s*(.*)")
# DESY's .fio: ' Col 2 I0 DOUBLE'.
FIO = re.compile(r"Col\s+([0-9]{1,9})\s+(\S+)\s+(?:DOUBLE|FLOAT|INTEGER)", re.IGNORECASE)
COLUMN = re.compile(r"column\.([0-9]{1,18})")
# Fields of which two values cannot both be true.
DECISIVE = frozenset(("element.symbol", "element.edge", "mono.d_spacing"))
# FDMNES: ' 7112.000 26 1 1 0.0 = E_edge, Z, n_edge, j_edge, Abs_before_edge'.
FDMNES = re.compile(r"([-+0-9.eEdD\s]+)=\s*(E_edge\b.*)")
EDGES = {(1, 1): "K", (2, 1): "L1", (2, 2): "L2", (2, 3): "L3"}
# A word with a unit behind it in brackets, as one name.
WORD = re.compile(r"[^\s(\[]\S*(?:\s+[(\[][^)\]]*[)\]])?|[(\[][^)\]]*[)\]]")
BRACKETS = re.compile(r"(.*?)\s*[(\[]\s*([^()\[\]]*)\s*[)\]]\s*")
SUFFIX = re.compile(r"(.+?)(?:\s*/\s*|[\s_,]+|(?<=[^\s_/A-Za-z]))([^\s/_,]+)")
# 'Energy unit: keV', 'X axis: photon energy in keV'; a number between is a value, no unit.
SAID = re.compile(
    r"(?:en[eé]rg|\bx[- ]?(?:axis|unit|label)|\bcol(?:umn)?\.?\s*1\b|\bunits?\b)"
    r"[^0-9]{0,60}?(?<![A-Za-z])(k?eV)\b",
    re.IGNORECASE,
)
NO_AXIS = re.compile(
    r"resol|step|shift|width|ring|beam|electron|edge|e0|fermi|offset|calib|broad|cut|range|max|min",
    re.IGNORECASE,
)
ENERGY_NAMES = re.compile(
    r"en[eé]rg\w*|e|hv|hν|ω|omega|mono\w*|wavelength|λ|lambda|angle|theta", re.IGNORECASE
)
SIGNAL_NAMES = re.compile(
    r"x?mu|[µμ]|<?xanes|xas\b|xes\b|absor|intens|norm|signal|flux|i0\b|i1\b|itrans", re.IGNORECASE
)
UNITS = frozenset(("a.u.", "arb.", "counts", "cps"))
POINTS = frozenset(("-", "1", "arb.u.", "arb", "au", "s", "mbarn"))
# mu(E) and chi(k) are names.
ARGUMENTS = frozenset(("e", "k", "r", "w", "ω", "hv"))
LONGEST = 200_000  # characters of a line that may name columns
WIDE = re.compile(r"\t|\s{2,}")


def fields_of(header: Sequence[str]) -> dict[str, str]:
    """Return the fields of a header, names in lower case: XDI's, and FDMNES' head line."""
    found: dict[str, str] = {}
    for line in header:
        text = without_mark(line).strip()
        if is_comment(line) and (field := FIELD.match(text)):
            key, value = field[1].lower(), field[2].strip()
            if found.get(key, value) != value:
                if COLUMN.fullmatch(key):
                    raise DataError(f"its header names column {key[7:]} twice, otherwise each time")
                if key in DECISIVE:
                    raise DataError(
                        f"its header says {field[1]} twice, '{found[key]}' and '{value}'; keep one"
                    )
                value = f"{found[key]}; {value}"
            found[key] = value
        elif numbered := FIO.fullmatch(text):
            found[f"column.{numbered[1]}"] = numbered[2]
        elif head := FDMNES.match(text):
            found.update(_fdmnes(head[1].split(), head[2]))
    return found


def _fdmnes(values: list[str], names: str) -> dict[str, str]:
    labels = [name.strip() for name in names.split(",")]
    # Several core levels have several values to one name behind these.
    sure = len(labels) if len(labels) == len(values) else 5
    known = dict(zip(labels[:sure], values, strict=False))
    found = {f"fdmnes.{name.lower()}": value for name, value in known.items()}
    try:
        z = int(known["Z"])
        found["element.symbol"] = SYMBOLS[z] if 1 <= z < len(SYMBOLS) else ""
        found["element.edge"] = EDGES.get((int(known["n_edge"]), int(known["j_edge"])), "")
    except (KeyError, ValueError):
        pass
    return {name: value for name, value in found.items() if value}


def columns_of(
    header: Sequence[str], dialect: Dialect, count: int, fields: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return name and unit of each column, empty where they are not known.

    Raises
    ------
    DataError
        If the header numbers more columns than there are, or names them in two orders.
    """
    if labels := {int(m[1]): v for k, v in fields.items() if (m := COLUMN.fullmatch(k))}:
        if 0 in labels:
            raise DataError("its header counts columns from 0 (Column.0), and XDI does from 1")
        if max(labels) > count:
            raise DataError(f"its header names {max(labels)} columns, and its rows have {count}")
        known = [labels.get(i + 1, "").partition("||")[0].split(None, 1) for i in range(count)]
        found = [(words[0], words[1].strip() if len(words) > 1 else "") for words in known if words]
        if len(found) == count:
            told = [name.lower() for name, _ in found]
            line = [split_name(name)[0].lower() for name in _names(header, dialect, count)]
            if line != told and sorted(line) == sorted(told):
                raise DataError(
                    f"its header has the columns in two orders, {', '.join(told)} in its fields "
                    f"and {', '.join(line)} above the rows; correct one"
                )
            return [(name, unit.strip("()[]")) for name, unit in found]
    names = _names(header, dialect, count)
    columns = [split_name(name) for name in names] if names else [("", "")] * count
    for i, label in labels.items():
        words = label.partition("||")[0].split(None, 1)
        if words:
            columns[i - 1] = (words[0], words[1].strip("()[] ") if len(words) > 1 else "")
    return columns


def named_counts(header: Sequence[str]) -> list[int]:
    """Return how many columns the last line of a header may name."""
    lines = _lines_with_names(header)
    if not lines:
        return []
    text = without_mark(lines[-1])
    return [len(text.split(",")), len(text.split())]


def _names(header: Sequence[str], dialect: Dialect, count: int) -> list[str]:
    lines = _lines_with_names(header)
    if not lines:
        return []
    found = _split(lines[-1], dialect, count)
    if not found and (plain := [line for line in lines if not is_comment(line)]):
        found = _split(plain[-1], dialect, count)  # with a comment below it
    if found and all(_states_unit(name) for name in found):
        above = _split(lines[-2], dialect, count) if len(lines) > 1 else []
        if above:
            return [f"{a} ({u.strip('()[]')})" for a, u in zip(above, found, strict=True)]
    if not any(map(_is_energy, found)):  # words of a comment that happen to be as many
        for line in lines[-2::-1]:
            other = _split(line, dialect, count)
            if any(map(_is_energy, other)) and any(map(SIGNAL_NAMES.match, other)):
                return other
    return found


def _split(line: str, dialect: Dialect, count: int) -> list[str]:
    """Return the names in a line, if there is a way to read it as so many."""
    text = without_mark(line).strip()
    if not is_comment(line):
        line = line.partition("#")[0].rstrip()
        text = line.strip()
    if text.startswith("L ") and line.lstrip().startswith("#L"):
        text = text[2:].strip()
    ways = [WIDE.split(text), text.split(","), WORD.findall(text), SEPARATORS.split(text)]
    if dialect.separator:
        # Last, a first name that is empty: that of the rows' numbers, which many leave out.
        ways = [dialect.words(text), *ways, dialect.words(line.rstrip(" \n"))]
    if paired := _with_units(SEPARATORS.split(text), count):
        ways = [paired, *ways]
    if text.endswith("@#"):  # FEFF's end of a header
        ways = [text[:-2].split(), *ways]
    for way in ways:
        names = [name.strip().strip("\"'").strip() for name in way]
        if len(names) != count or any(map(is_number, names)):
            continue
        letters = [any(c.isalnum() for c in name) for name in names]
        if (
            way is paired
            or all(letters)
            or (way is ways[-1] and dialect.separator and all(letters[1:]))
        ):
            return names
    return []


def _with_units(words: Sequence[str], count: int) -> list[str]:
    """Return the names of a line in which units stand behind names as words of their own.

    A line that tells of nothing but the energies (``energy keV``) leaves further columns unnamed.
    """
    names: list[str] = []
    units = 0
    for word in words:
        if names and is_unit(word.strip("()[]")) and not names[-1].endswith(")"):
            names[-1] += f" ({word.strip('()[]')})"
            units += 1
        else:
            names.append(word)
    if not units or not ENERGY_NAMES.fullmatch(names[0].partition(" (")[0]):
        return []
    if len(names) == 1 and "(" in names[0]:
        names += [""] * (count - 1)
    return names if len(names) == count else []


def stated_unit(header: Sequence[str]) -> str:
    """Return the unit in which a header's prose says that energies are, empty where it does not."""
    found = {
        said[1].lower()
        for line in header
        if not NO_AXIS.search(line) and (said := SAID.search(line))
    }
    return found.pop() if len(found) == 1 else ""


def _is_energy(name: str) -> bool:
    return bool(ENERGY_NAMES.fullmatch(split_name(name)[0]))


def _states_unit(name: str) -> bool:
    word = name.strip("()[]")
    return is_unit(word) or word.lower() in UNITS | POINTS


def _lines_with_names(header: Sequence[str]) -> list[str]:
    """Return the lines of a header that may name columns: no dashes, in SPEC files the labels."""
    if any(line.startswith("#S ") for line in header):
        return [line for line in header if line.startswith("#L ")]
    return [line for line in header if len(line) < LONGEST and any(c.isalpha() for c in line)]


def split_name(name: str) -> tuple[str, str]:
    """Return name and unit of ``Energy (eV)``, ``energy [keV]``, ``E/eV`` or ``energy_keV``."""
    if name.lower() in ("ev", "kev"):
        return "energy", name
    if (found := BRACKETS.fullmatch(name)) and found[1]:
        return (name, "") if found[2].lower() in ARGUMENTS else (found[1], found[2])
    if (found := SUFFIX.fullmatch(name)) and not is_number(found[1].split()[-1]):
        stated = name[len(found[1]) :].lstrip().startswith("/") and unit_of(found[2])
        if stated or is_unit(found[2]):
            return found[1], found[2]
    return name, ""
