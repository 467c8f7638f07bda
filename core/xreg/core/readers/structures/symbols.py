"""Which element an atom's name means: symbols, atomic numbers, labels, isotopes, charges."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from xreg.core.atoms.elements import SYMBOLS

__all__ = ["Named", "element_of", "name_elements"]

NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS) if number}
ISOTOPES = {"D": 1, "T": 1}
DUMMY = re.compile(
    r"(?:X{1,2}|Du|Dum|Dummy|Q|Bq|Gh|Lp|Va|Vac|\*+)(?:[\d_*-].*)?"  # XYZ, MOL, Gaussian, Jmol
    r"|(?:gh|ghost)[(._-].*|@.+|.+[-_:]?bq\d*|bq[-_:]?.+|.+:|.*ghost.*",  # atoms without a nucleus
    re.IGNORECASE,
)
# An isotope's mass, the symbol, and what tells atoms of one element apart.
LABEL = re.compile(r"(\d{1,3})?([A-Za-z]{1,2})(?:([\d+_.(*'\"-]).*)?")


class Named(NamedTuple):
    """What a name means.

    Attributes
    ----------
    number
        Atomic number; 0 where there is none.
    note
        What is to be said of it; empty for a plain symbol or atomic number.
    problem
        Why there is no element.
    """

    number: int
    note: str = ""
    problem: str = ""


@lru_cache(maxsize=4096)
def element_of(word: str) -> Named:
    """Return the element that the name of an atom means.

    A plain symbol in any case, an atomic number, a label (``Fe1``, ``O2-``, ``C_a``), an isotope
    (``D``, ``T``, ``13C``). Dummies and ghosts (``X``, ``Q``, ``*``, ``Gh(H)``, ``H-Bq``) are none.
    """
    if (number := NUMBERS.get(word)) is not None:
        return Named(number)
    if word.isascii() and word.isdigit():
        z = int(word[:5])
        if 1 <= z < len(SYMBOLS):
            return Named(z)
        return Named(0, problem="is a dummy atom" if z == 0 else "is no atomic number")
    if word in ISOTOPES:
        return Named(1, f"{word} is read as hydrogen")
    if DUMMY.fullmatch(word) and word.capitalize() not in NUMBERS:
        return Named(0, problem="is a dummy or ghost atom")
    if found := LABEL.fullmatch(word):
        mass, letters, rest = found[1], found[2], found[3]
        symbol = letters.capitalize()
        if symbol in ISOTOPES and not mass:
            return Named(1, f"{word} is read as hydrogen")
        if symbol in NUMBERS:
            note = "" if word == letters and word.islower() else f"{word} is read as {symbol}"
            return Named(NUMBERS[symbol], note if (mass or rest or len(word) == 2) else "")
    return Named(0, problem="is no element")


def _doubtful(word: str, named: Named) -> Named:
    """Return what a label means in a structure that writes symbols as ``Fe``; ``CA1`` is none."""
    found = LABEL.fullmatch(word)
    letters = found[2] if found else ""
    if found is None or not found[3] or len(letters) < 2 or letters != letters.upper():
        return named
    if (first := NUMBERS.get(letters[0])) is None:
        return named
    symbols = f"{SYMBOLS[first]} or {SYMBOLS[named.number]}"
    return Named(0, problem=f"may be {symbols}: write plain symbols")


def name_elements(words: list[str]) -> tuple[list[int], list[str], str]:
    """Return atomic numbers of the names of a structure's atoms, notes, and what is wrong.

    Returns
    -------
    tuple
        (a,) atomic numbers; each note once; the problem of the first bad atom, or nothing.
    """
    known = {word: element_of(word) for word in dict.fromkeys(words)}
    if any(word[1:2].islower() and named.number for word, named in known.items()):
        known |= {word: _doubtful(word, named) for word, named in known.items() if named.note}
    bad = [word for word, named in known.items() if named.problem]
    if bad:
        at = words.index(bad[0])
        more = f" (and {', '.join(bad[1:5])})" if bad[1:] else ""
        return [], [], f"its atom {at} '{bad[0][:40]}' {known[bad[0]].problem}{more}"
    notes = [named.note for named in known.values() if named.note]
    if len(notes) > 4:
        notes = [*notes[:3], f"{len(notes) - 3} more labels are read so"]
    return [known[word].number for word in words], notes, ""
