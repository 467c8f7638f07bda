"""Which atom of a structure absorbs: told, or the only candidate; never guessed silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError, SampleError
from xreg.core.readers.numbers import whole_number
from xreg.core.readers.structures.frame import Frame
from xreg.core.text import counted

__all__ = ["ENTRY", "absorbing_sites", "counted_from_one", "same_first_atoms"]

ENTRY = "absorber"
"""Field of a frame's comment line that names its absorber where the user does not."""
HOW = "say which: --absorber INDEX (from 0), --absorber ELEMENT, or --sites all for a sample each"


def absorbing_sites(
    frame: Frame,
    wanted: int | str | Sequence[str] | None = None,
    *,
    every: bool = False,
    elements: Sequence[int] = (),
    how: str = HOW,
) -> list[int]:
    """Return the absorbing atoms of a frame, one for each sample that it becomes.

    Parameters
    ----------
    frame
        The structure.
    wanted
        An index from 0, the symbol of an element, several symbols of which each structure has one,
        or the key of ``frame.info`` that holds an index or a symbol. Without it the frame's own
        entry ``absorber``, else the elements below.
    every
        Whether several candidates are as many samples; else they are refused.
    elements
        Atomic numbers that may absorb where nothing is wanted. Without any nothing is returned:
        the caller knows what else may be assumed
        (:func:`same_first_atoms`).
    how
        What the user is told to do about several candidates.

    Raises
    ------
    SampleError
        If there is no such atom, or there are several; the message lists them.
    """
    frame.require()
    if wanted is None and ENTRY in frame.info:
        wanted = ENTRY
    if wanted is not None and not isinstance(wanted, int | str):
        return _only(frame, [SYMBOLS.index(symbol) for symbol in wanted], every, how)
    if isinstance(wanted, str) and wanted not in SYMBOLS[1:]:
        key, known = wanted, frame.info
        if key not in known:
            raise SampleError(
                f"it has no absorber: '{key}' is neither an element nor in its comment line"
            )
        wanted = _entry(known[key], key)
    if wanted is None:
        return _only(frame, elements, every, how) if len(elements) else []
    if isinstance(wanted, int):
        if not 0 <= wanted < len(frame):
            hint = "; counted from 1 it would be the last" if wanted == len(frame) else ""
            raise SampleError(
                f"it has no absorber: {wanted} is none of its {len(frame)} atoms (from 0{hint})"
            )
        return [wanted]
    return _only(frame, (SYMBOLS.index(wanted),), every, how)


def _entry(value: object, key: str) -> int | str:
    """Return an index or a symbol that stands in a comment line."""
    if isinstance(value, str) and value in SYMBOLS[1:]:
        return value
    if isinstance(value, str) and (index := whole_number(value)) is not None:
        return index
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    raise SampleError(f"it has no absorber: its '{key}' is '{value}', no index or element")


def _only(frame: Frame, elements: Sequence[int], every: bool, how: str) -> list[int]:
    sites = np.flatnonzero(np.isin(frame.numbers, elements)).tolist()
    names = " or ".join(SYMBOLS[z] for z in elements)
    if not sites:
        has = ", ".join(SYMBOLS[z] for z in np.unique(frame.numbers))
        raise SampleError(f"it has no absorber: no atom is {names}, only {has}")
    if len(sites) > 1 and not every:
        listed = ", ".join(f"{SYMBOLS[frame.numbers[i]]} {i}" for i in sites[:8])
        listed += ", …" if len(sites) > 8 else ""
        raise SampleError(f"it has {len(sites)} atoms of {names} ({listed}): {how}")
    return sites


def same_first_atoms(
    assumed: Mapping[str, int], several: Sequence[str] = (), how: str = HOW
) -> list[str]:
    """Return what is to be said of first atoms that are taken for absorbers.

    Nothing says which atom absorbs there, so that they may only be of one element.

    Parameters
    ----------
    assumed
        Atomic number of the first atom of each such sample, by id.
    several
        Those of them that have further atoms of that element.
    how
        What the user is told to do.

    Raises
    ------
    DataError
        If first atoms differ in element.
    """
    if not assumed:
        return []
    counts = Counter(assumed.values()).most_common()
    rare = counts[-1][0]
    if len(counts) > 1:
        told = ", ".join(f"{SYMBOLS[z]} {n}" for z, n in counts)
        odd = next(name for name, z in assumed.items() if z == rare)
        raise DataError(
            f"no absorber is named, and the first atoms are of several elements ({told}; "
            f"{SYMBOLS[rare]} in '{odd}'): {how}."
        )
    element = SYMBOLS[counts[0][0]]
    note = f"no absorber is named, so that the first atom is taken: {element} everywhere"
    if several := [name for name in several if name in assumed]:
        verb = "has" if len(several) == 1 else "have"
        note += (
            f", though {counted(len(several), 'structure')} {verb} further atoms of {element} "
            f"(first '{several[0]}'): {how}"
        )
    return [note]


def counted_from_one(absorber: NDArray[np.int64], numbers: Sequence[NDArray[np.int32]]) -> str:
    """Return a doubt whether (n,) site indices count from 0, or nothing."""
    if not len(absorber) or absorber.min() < 1:
        return ""
    before = {int(z[i - 1]) for i, z in zip(absorber, numbers, strict=True) if i - 1 < len(z)}
    there = {int(z[i]) if i < len(z) else 0 for i, z in zip(absorber, numbers, strict=True)}
    if len(before) != 1 or there == before:
        return ""
    element = SYMBOLS[before.pop()]
    hits = ", ".join(SYMBOLS[z] if z else "no atom" for z in sorted(there))
    return (
        f"absorber indices count from 0 and hit {hits}; counted from 1 all of them would hit "
        f"{element}"
    )
