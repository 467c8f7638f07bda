"""Structures in (ext)xyz files: symbols or atomic numbers, and which atom absorbs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.io import read

from xreg.core.errors import DataError
from xreg.core.samples import Structure

__all__ = ["absorber_of", "read_xyz", "structure"]


def read_xyz(content: bytes) -> Atoms:
    """Return the one frame of an xyz file with element symbols or atomic numbers.

    Raises
    ------
    DataError
        If it is empty, cut short, or holds something else.
    """
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        raise DataError("it is no text") from None
    if not any(line.strip() for line in lines):
        raise DataError("it is empty")
    try:
        count = int(lines[0])
    except ValueError:
        raise DataError(f"its first line '{lines[0][:40]}' is no number of atoms") from None
    if any(mark in "".join(lines[1:2]) for mark in ("Lattice=", "Properties=")):
        return _frame(content)
    atoms = lines[2 : 2 + count]
    rest = [line for line in lines[2 + count :] if line.strip()]
    if count < 1 or len(atoms) != count or rest:
        raise DataError(
            f"it announces {count} atoms and has {len(lines) - 2 if rest else len(atoms)} lines"
        )
    numbers = np.empty(count, np.int32)
    positions = np.empty((count, 3))
    for i, line in enumerate(atoms):
        words = line.split()
        try:
            numbers[i] = _atomic_number(words[0])
            positions[i] = [float(word) for word in words[1:4]]
        except (ValueError, KeyError, IndexError):
            raise DataError(
                f"its line {i + 3} '{line[:40]}' is no element with x, y and z"
            ) from None
    return Atoms(numbers=numbers, positions=positions)


def _atomic_number(word: str) -> int:
    number = int(word) if word.isdigit() else atomic_numbers[word.capitalize()]
    if not 1 <= number <= 118:
        raise ValueError(word)
    return number


def _frame(content: bytes) -> Atoms:
    try:
        frames = cast(
            "list[Atoms]", read(io.StringIO(content.decode()), index=":", format="extxyz")
        )
    except Exception as error:  # ASE raises what happens to go wrong
        raise DataError(f"it is no extended xyz ({error})") from None
    if len(frames) != 1:
        raise DataError(f"it has {len(frames)} frames where one is needed")
    return frames[0]


def absorber_of(atoms: Atoms, wanted: int | str, info: Mapping[str, Any]) -> int:
    """Return the index of the absorbing atom.

    Parameters
    ----------
    atoms
        The structure.
    wanted
        An index; or an element, which must be that of the first atom or occur only once; or the
        key of ``info`` that holds the index.
    info
        What is known of the frame.

    Raises
    ------
    DataError
        If there is no such atom.
    """
    if isinstance(wanted, str) and wanted in atomic_numbers:
        sites = np.flatnonzero(atoms.numbers == atomic_numbers[wanted])
        if not len(sites):
            raise DataError(f"it has no absorber: no atom is {wanted}")
        if len(sites) > 1 and sites[0] != 0:
            raise DataError(
                f"it has {len(sites)} atoms of {wanted}, none of them first, so that the absorber "
                "is not known"
            )
        return int(sites[0])
    index = info.get(wanted) if isinstance(wanted, str) else wanted
    if index is None:
        raise DataError(f"it has no absorber: no '{wanted}' in its comment line")
    if not isinstance(index, int | np.integer) or not 0 <= index < len(atoms):
        raise DataError(f"it has no absorber: {index} is none of its {len(atoms)} atoms (from 0)")
    return int(index)


def structure(name: str, atoms: Atoms, absorber: int) -> Structure:
    """Return a sample of ASE atoms.

    Raises
    ------
    DataError
        If there are none, they are not finite, or the absorber is not one of them.
    """
    if not len(atoms):
        raise DataError("the structure has no atoms")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise DataError("the structure has positions or cell vectors that are not finite")
    if not 0 <= absorber < len(atoms):
        raise DataError(f"the absorber {absorber} is none of the {len(atoms)} atoms (from 0)")
    return Structure(
        id=name,
        numbers=atoms.numbers.astype(np.int32),
        positions=atoms.positions,
        cell=atoms.cell.array,
        pbc=atoms.pbc,
        absorber=absorber,
    )
