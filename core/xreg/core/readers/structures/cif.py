"""CIF: a frame of each data block, and refusal of what one set of whole atoms cannot describe."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError
from xreg.core.readers.numbers import whole_number
from xreg.core.readers.structures.frame import Frame
from xreg.core.readers.structures.star import cif_blocks, tags_of
from xreg.core.readers.structures.symbols import element_of, name_elements
from xreg.core.readers.structures.symmetry import (
    Operations,
    cell_vectors,
    expanded,
    operations_of,
    require_fit,
)

__all__ = ["cif_frames"]

OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
)
# Operations of magnetic CIF carry the reversal of time as a fourth part, and centrings apart.
MAGNETIC = ("_space_group_symop_magn_operation.xyz", "_space_group_symop.magn_operation_xyz")
CENTRINGS = ("_space_group_symop_magn_centering.xyz", "_space_group_symop.magn_centering_xyz")
OTHERS = (
    *("_space_group_name_hall", "_space_group.name_hall", "_symmetry_space_group_name_hall"),
    *("_space_group_magn.number_bns", "_space_group_magn.name_bns", "_space_group_magn.number_og"),
    *("_space_group.magn_number_bns", "_space_group.magn_name_bns"),
)
MODULATED = (
    *("_cell_modulation_dimension", "_space_group_ssg", "_cell_wave_vector", "_cell_subsystem"),
    *("_atom_site_displace", "_atom_site_occ_", "_atom_site_fourier", "_atom_site_rot_"),
    *("_atom_site_phason", "_atom_site_moment_fourier", "_atom_site_moment_special"),
)
MOMENTS = ("_atom_site_moment.", "_atom_site_moment_")
APART = 0.02
"""Å between places by fractions and by lengths, which have their own rounding."""
FORMULA = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
NAMES = ("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m")
GROUPS = ("_space_group_it_number", "_space_group.it_number", "_symmetry_int_tables_number")
# Space groups of two origins (International Tables A), and those of two sets of axes.
ORIGINS = {48, 50, 59, 68, 70, 85, 86, 88, 125, 126, 129, 130, 133, 134, 137, 138, 141, 142}
ORIGINS |= {201, 203, 222, 224, 227, 228}
RHOMBOHEDRAL = {146, 148, 155, 160, 161, 166, 167}
RATIO = 1.02
"""Proportions of elements that differ by more are told."""
MULTIPLICITIES = ("_atom_site_site_symmetry_multiplicity", "_atom_site_symmetry_multiplicity")
ELEMENT = re.compile(r"([A-Z])[A-Za-z]*")
UNKNOWN = ("?", ".", "")


def cif_frames(lines: Sequence[str], name: str) -> Iterator[Frame]:
    """Yield a frame for each data block that has atoms.

    Refused are blocks with sites that are partly occupied, of unknown occupancy or in disorder
    groups (the sites are named), with unknown coordinates, dummies, or symmetry that the file does
    not settle. A file without symmetry is taken as it stands, and that is noted.
    """
    place = 0
    for title, block in cif_blocks(lines):
        where = f"{name}, block {title}" if title else name
        try:
            tags = tags_of(block)
            if any(key.startswith("_atom_site.") for key in tags):
                raise DataError("it is an mmCIF, which is not read: write PDB, or xyz")
            if not any(key.startswith("_atom_site_") for key in tags):
                continue
            # A single site needs no loop.
            lists = {
                key: [value]
                if key.startswith("_atom_site_") and not isinstance(value, list)
                else value
                for key, value in tags.items()
            }
            frame = _frame(where, place, title, lists).judged()
        except DataError as error:
            frame = Frame.bad(where, place, str(error))
        yield frame
        place += 1


def _frame(where: str, place: int, title: str, tags: dict[str, Any]) -> Frame:
    from ase.io.cif import CIFBlock

    symbols = tags.get("_atom_site_type_symbol") or tags.get("_atom_site_label")
    if not symbols:
        raise DataError("its atom sites have neither symbols nor labels")
    labels = [str(label) for label in tags.get("_atom_site_label", symbols)]
    _refuse_disorder(tags, labels)
    _refuse_unknown(tags, labels)
    numbers, notes, problem = name_elements([str(symbol) for symbol in symbols])
    if problem:
        raise DataError(problem)
    notes = [note for note in notes if "hydrogen" in note]  # labels are what a CIF has
    from ase.data import chemical_symbols

    known = {**tags, "_atom_site_type_symbol": [chemical_symbols[z] for z in numbers]}
    known.pop("_atom_site_occupancy", None)  # all are one
    told, more = _operations(tags)
    cell = _cell(tags)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            sites = CIFBlock(title, known).get_unsymmetrized_structure()
        except Exception as error:  # ASE raises what happens to go wrong
            text = str(error).partition("\n")[0][:80]
            raise DataError(
                f"its structure cannot be built ({type(error).__name__}: {text})"
            ) from None
    notes += [*more, *_doubts(tags, labels, numbers)]
    every = np.array(numbers, np.int32)
    if cell is None:
        notes.append("it has no cell, and is taken for a molecule")
        positions = np.asarray(sites.positions, np.float64)
        return Frame(where, place, every, positions, notes=tuple(notes))
    operations, more = (told, _order(tags, len(told[0]))) if told else _symmetry(tags)
    require_fit(operations, cell)
    fractions = np.asarray(sites.get_scaled_positions(wrap=False), np.float64)
    _require_one_place(tags, labels, fractions @ cell)
    found, places, counts = expanded(every, fractions, operations)
    notes += [*more, *_multiplicities(tags, labels, counts)]
    units = str(tags.get("_cell_formula_units_z", ""))
    notes += _compared(str(tags.get("_chemical_formula_sum", "")), units, found.tolist())
    return Frame(where, place, found, places @ cell, cell, np.ones(3, bool), notes=tuple(notes))


def _require_one_place(
    tags: dict[str, Any], labels: list[str], places: NDArray[np.float64]
) -> None:
    """Refuse sites that lie elsewhere by their lengths than by their fractions.

    Axes may be turned against each other, so distances from the first site are compared.
    """
    keys = [f"_atom_site_{kind}_{axis}" for kind in ("fract", "cartn") for axis in "xyz"]
    if not all(key in tags for key in keys):
        return
    other = np.array([tags[key] for key in keys[3:]], float).T
    far = [np.linalg.norm(one - one[0], axis=1) for one in (places, other)]
    if (differ := np.flatnonzero(~(np.abs(far[0] - far[1]) < APART))).size:
        raise DataError(
            f"its sites {_listed([labels[n] for n in differ])} lie elsewhere by Cartn_x, y, z than "
            "by fract_x, y, z: keep one of them"
        )


def _cell(tags: dict[str, Any]) -> NDArray[np.float64] | None:
    """Return the cell vectors, None of a molecule."""
    if "_cell_length_a" not in tags:
        return None
    lengths = [tags.get(f"_cell_length_{one}", "?") for one in "abc"]
    # An angle that is not given is a right one (dictionary of CIF).
    angles = [tags.get(f"_cell_angle_{one}", 90) for one in ("alpha", "beta", "gamma")]
    return cell_vectors([*lengths, *angles])


def _doubts(tags: dict[str, Any], labels: list[str], numbers: list[int]) -> list[str]:
    """Return what is to be said of atoms that are not listed, and of labels of other elements."""
    notes = []
    hydrogens = zip(labels, tags.get("_atom_site_attached_hydrogens", []), strict=False)
    if bound := [f"{label} ({n})" for label, n in hydrogens if isinstance(n, int) and n > 0]:
        notes.append(f"its sites {_listed(bound)} have hydrogen atoms that are not listed")
    # Two letters may be an element, or one and what tells atoms apart (CA, the α carbon).
    other = [
        f"{label} is {SYMBOLS[z]}"
        for label, z in zip(labels, numbers, strict=False)
        if (found := ELEMENT.match(label))
        and element_of(found[0]).number
        and z not in (element_of(found[0]).number, element_of(found[1]).number)
    ]
    if other:
        notes.append(f"its labels name other elements than its symbols: {_listed(other)}")
    return notes


def _multiplicities(tags: dict[str, Any], labels: list[str], counts: list[int]) -> list[str]:
    """Return what is to be said of sites that are other numbers of atoms than the file says."""
    said: Any = next((tags[key] for key in MULTIPLICITIES if key in tags), [])
    for label, stated, count in zip(labels, said, counts, strict=False):
        if isinstance(stated, int) and stated != count:
            return [f"its site {label} is {stated} atoms as it says, and {count} by its symmetry"]
    return []


def _operations(tags: dict[str, Any]) -> tuple[Operations | None, list[str]]:
    """Return the symmetry operations that are listed, and notes; None where there are none.

    Raises
    ------
    DataError
        If a structure is modulated, so that no cell repeats.
    """
    if wave := [key for key in tags if key.startswith(MODULATED)]:
        raise DataError(f"its structure is modulated ({wave[0]}), so that no cell of it repeats")

    def listed(keys: Sequence[str]) -> list[str]:
        told = [tags[key] for key in keys if tags.get(key)]
        if any(other != told[0] for other in told[1:]):
            raise DataError("it lists two sets of symmetry operations: keep one of them")
        found: Any = told[0] if told else []
        return [str(one).strip("'\" ") for one in ([found] if isinstance(found, str) else found)]

    moments = any(key.startswith(MOMENTS) for key in tags)
    notes = ["its magnetic moments are not read"] if moments else []
    if plain := listed(OPERATIONS):
        return operations_of(plain), notes
    if not (magnetic := listed(MAGNETIC)):
        return None, notes
    centred = listed(CENTRINGS) or ["x,y,z"]
    return (
        operations_of(magnetic, centred),
        ["its operations are those of magnetic symmetry: places are taken, and moments are not"],
    )


def _order(tags: dict[str, Any], listed: int) -> list[str]:
    """Return what is to be said of operations that are not as many as the space group has."""
    known = [tags[key] for key in (*GROUPS, *NAMES) if tags.get(key, "?") not in UNKNOWN]
    for told in known:
        usual = _orders(told if isinstance(told, int) else str(told).strip())
        if listed in usual:
            return []
        if usual:
            return [
                f"it lists {listed} symmetry operations, and its space group '{told}' has "
                f"{usual[0]}: those that are listed are taken"
            ]
    return []


@lru_cache(maxsize=64)  # ASE looks a group up in a text file
def _orders(told: int | str) -> tuple[int, ...]:
    """Return how many operations a space group has, and in rhombohedral axes; none if not known."""
    from ase.spacegroup import Spacegroup

    try:
        group = Spacegroup(told)
    except Exception:  # ASE's own errors, and what it meets in odd names
        return ()
    order = len(group.get_op()[0])
    return (order, order // 3) if group.no in RHOMBOHEDRAL else (order,)


def _compared(formula: str, units: str, numbers: list[int]) -> list[str]:
    """Return what is to be said of atoms that are not those of the formula."""
    wanted: dict[int, float] = {}
    if not formula.strip("'\"? ."):
        return _divided(units, numbers)
    for part in formula.strip("'\" ").split():
        if not (found := FORMULA.fullmatch(part)) or not (z := element_of(found[1]).number):
            return []
        try:
            wanted[z] = wanted.get(z, 0.0) + float(found[2] or 1)
        except ValueError:
            return []
    there = Counter(numbers)
    if missing := [SYMBOLS[z] for z in wanted if z not in there]:
        return [f"its formula '{formula}' has {', '.join(missing)}, of which it lists no atom"]
    has = " ".join(f"{SYMBOLS[z]}{count}" for z, count in sorted(there.items()))
    shares = [there[z] / count for z, count in wanted.items() if count > 0]
    if shares and max(shares) > RATIO * min(shares):
        return [f"its atoms ({has}) are not in the proportions of its formula '{formula}'"]
    count = whole_number(units)
    if shares and count is not None and not 1 / RATIO < max(shares) / max(count, 1) < RATIO:
        return [f"its cell has {has}, and is said to be {units} of '{formula}'"]
    return []


def _divided(units: str, numbers: list[int]) -> list[str]:
    """Return what is to be said of atoms that are no whole number of formula units."""
    count, there = whole_number(units) or 1, Counter(numbers)
    has = " ".join(f"{SYMBOLS[z]}{number}" for z, number in sorted(there.items()))
    odd = any(number % count for number in there.values())
    return [f"its cell has {has}, and is said to be {units} formula units"] if odd else []


def _refuse_disorder(tags: dict[str, Any], labels: list[str]) -> None:
    """Refuse sites that are not there once and whole."""
    occupancy = tags.get("_atom_site_occupancy", [])
    partly = []
    for label, value in zip(labels, occupancy, strict=False):
        if value == "." or (isinstance(value, int | float) and abs(value - 1) < 1e-3):
            continue
        partly.append(f"{label} {value}")
    if partly:
        raise DataError(
            f"its sites {_listed(partly)} are not occupied by one whole atom: give an ordered "
            "structure (a supercell, or one of the alternatives with the occupancy 1)"
        )
    if len(occupancy) not in (0, len(labels)):
        raise DataError(f"it has {len(occupancy)} occupancies of {len(labels)} sites")
    for key in ("_atom_site_disorder_group", "_atom_site_disorder_assembly"):
        groups = zip(labels, tags.get(key, []), strict=False)
        if grouped := [f"{label} ({group})" for label, group in groups if group not in UNKNOWN]:
            raise DataError(
                f"its sites {_listed(grouped)} belong to disorder groups: keep one group alone"
            )
    flags = zip(labels, tags.get("_atom_site_calc_flag", []), strict=False)
    if dummies := [label for label, flag in flags if flag == "dum"]:
        raise DataError(f"its sites {_listed(dummies)} are dummies: leave them out")


def _refuse_unknown(tags: dict[str, Any], labels: list[str]) -> None:
    for axis in ("fract_x", "fract_y", "fract_z", "cartn_x", "cartn_y", "cartn_z"):
        values = tags.get(f"_atom_site_{axis}")
        if values is None:
            continue
        if len(values) != len(labels):
            raise DataError(f"it has {len(values)} values of {axis} for {len(labels)} sites")
        lost = [n for n, v in zip(labels, values, strict=True) if not isinstance(v, int | float)]
        if lost:
            raise DataError(f"its sites {_listed(lost)} have no coordinates")


def _listed(sites: Sequence[str]) -> str:
    return ", ".join(sites[:8]) + (f" and {len(sites) - 8} more" if len(sites) > 8 else "")


def _symmetry(tags: dict[str, Any]) -> tuple[Operations, list[str]]:
    """Return operations and what is to be said of them; refuse what the file leaves open."""
    from ase.spacegroup import Spacegroup

    symbol = next(
        (str(tags[key]).strip() for key in NAMES if tags.get(key, "?") not in UNKNOWN), ""
    )
    number = next((tags[key] for key in GROUPS if tags.get(key, "?") not in UNKNOWN), None)
    if not symbol and number is None:
        others = [str(tags[key]) for key in OTHERS if tags.get(key, "?") not in UNKNOWN]
        if others and others[0].strip().replace(" ", "").upper() != "P1":
            raise DataError(f"its symmetry is '{others[0]}', and no symmetry operations are listed")
        note = "it states no symmetry: its sites are taken for all atoms of the cell (P 1)"
        return operations_of(["x,y,z"]), [note]
    what = f"space group '{symbol or number}'"
    setting = tags.get("_symmetry_space_group_setting")
    try:
        group = Spacegroup(symbol or int(number or 0), setting if setting in (1, 2) else 1)
    except Exception:  # ASE's own errors, and what it meets in odd names
        raise DataError(f"its {what} is not known, and no symmetry operations are listed") from None
    if number is not None and str(group.no) != str(number).strip():
        raise DataError(f"its {what} is number {group.no}, and it says {number}")
    if group.no in ORIGINS and setting not in (1, 2):
        raise DataError(
            f"its {what} has two origins, and no symmetry operations say which is meant"
        )
    if group.no in RHOMBOHEDRAL:
        angles = [tags.get(f"_cell_angle_{angle}", 90) for angle in ("alpha", "beta", "gamma")]
        if not np.allclose(np.array(angles, float), (90, 90, 120), atol=0.01):
            raise DataError(f"its {what} needs symmetry operations, which the file does not list")
    turns, shifts = group.get_op()
    notes = [f"it lists no symmetry operations: those of {what} are taken in the usual setting"]
    found = np.asarray(turns, np.int64), np.asarray(shifts, np.float64)
    return found, notes if group.no > 1 else []
