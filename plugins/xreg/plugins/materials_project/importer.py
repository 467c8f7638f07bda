"""XAS documents of the Materials Project, as its interface gives them and pymatgen writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.progress import track
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.structures import Frame
from xreg.core.readers.text import decode
from xreg.plugins.materials_project.plugin import MaterialsProjectImportConfig

__all__ = ["MaterialsProjectImporter"]

MARKS = (b"absorbing_element", b"pymatgen.analysis.xas", b'"spectrum_type"')
# Keys under which documents stand in an answer of the interface or a file of one's own.
LISTS = ("data", "response", "docs", "spectra")


class MaterialsProjectImporter(Importer[MaterialsProjectImportConfig]):
    """Each document with a spectrum ``x``, ``y`` and a ``structure`` is a sample.

    ``absorbing_index`` is the absorber; where it is not given, the spectrum is the mean over all
    atoms of ``absorbing_element``, and ``--sites`` says what becomes of several. Labels:
    ``material``, ``edge``, ``type`` (XANES …), ``formula`` and ``site_averaged``. Energies are in
    eV as FEFF gives them, which lies some eV beside experiment.
    """

    name: ClassVar[str] = "materials-project"
    Config = MaterialsProjectImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by keys that only such documents have, else by the name of a JSON file."""
        if head.lstrip()[:1] not in (b"{", b"["):
            return 0.0
        if any(mark in head for mark in MARKS):
            return 0.95
        return 0.4 if path.suffix.lower() == ".json" and b'"' in head else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each document."""
        content = log.read(source)
        try:
            found = json.loads(decode(content))
        except (ValueError, RecursionError) as error:
            raise DataError(f"'{source}' is no JSON ({error}).") from None
        documents = list(_documents(found))
        if not documents:
            raise DataError(
                f"'{source}' holds no document with 'x', 'y', 'structure' and 'absorbing_element'."
            )
        for i, document in enumerate(track(documents, f"reading {source.name}", len(documents))):
            where = f"{source}, document {i + 1}" if len(documents) > 1 else str(source)
            with log.entry(where):
                yield self._entry(document, where, f"{source.stem}-{i + 1}", log)

    def _entry(self, document: Mapping[str, Any], where: str, name: str, log: ImportLog) -> Entry:
        spectrum = document.get("spectrum", document)
        frame = _frame(spectrum.get("structure", document.get("structure")), where)
        element = _symbol(_first(spectrum, document, "absorbing_element"))
        index = _first(spectrum, document, "absorbing_index")
        name = str(_first(document, spectrum, "spectrum_id") or name)
        config = self.config
        if index is None:
            asked = element if config.absorber is None else config.absorber
            sites = log.sites(frame, name, asked, config.every)
        else:
            sites = [_site(index, frame)]
        for site in sites:
            if SYMBOLS[frame.numbers[site]] != element:
                raise DataError(
                    f"its absorbing element is {element}, and its atom {site} is "
                    f"{SYMBOLS[frame.numbers[site]]}"
                )
        curve = Curve(_numbers(spectrum, "x"), _numbers(spectrum, "y"))
        material = _first(document, spectrum, "material_id") or _first(
            document, spectrum, "task_id"
        )
        labels = {
            "material": str(material or ""),
            "edge": str(_first(document, spectrum, "edge") or ""),
            "type": str(_first(document, spectrum, "spectrum_type") or ""),
            "formula": frame.formula(),
            "site_averaged": index is None,
        }
        return Entry(where, frame.structures(name, sites), {config.channel: curve}, labels)


def _documents(found: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the documents in a list, an answer of the interface, or a single one."""
    if isinstance(found, list):
        for one in found:
            yield from _documents(one, depth)
    elif isinstance(found, dict):
        inner = found.get("spectrum")
        whole = {**found, **inner} if isinstance(inner, dict) else found
        if {"x", "y", "structure", "absorbing_element"} <= set(whole):
            yield found
        elif depth < 3:
            for key in LISTS:
                if key in found:
                    yield from _documents(found[key], depth + 1)


def _first(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> Any:
    return one[key] if one.get(key) is not None else other.get(key)


def _symbol(value: Any) -> str:
    """Return the symbol of an element, which may be a document of its own."""
    symbol = value.get("element") if isinstance(value, dict) else value
    if symbol not in SYMBOLS[1:]:
        raise DataError(f"its absorbing element '{symbol}' is none")
    return str(symbol)


def _site(index: Any, frame: Frame) -> int:
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(frame):
        raise DataError(f"its absorbing_index {index} is none of its {len(frame)} atoms (from 0)")
    return index


def _numbers(spectrum: Mapping[str, Any], key: str) -> Any:
    value = spectrum[key]
    if isinstance(value, dict):  # as monty writes an array
        value = value.get("data")
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"its '{key}' is no list of numbers") from None


def _frame(structure: Any, where: str) -> Frame:
    """Return the structure of a document as pymatgen writes it.

    Raises
    ------
    DataError
        If it is none, a site is shared by several elements, or partly occupied.
    """
    try:
        matrix = np.asarray(structure["lattice"]["matrix"], dtype=np.float64)
        pbc = np.asarray(structure["lattice"].get("pbc", (True, True, True)), dtype=bool)
        sites = structure["sites"]
        species = [site["species"] for site in sites]
        places = [
            np.asarray(site["abc"], dtype=np.float64) @ matrix if "abc" in site else site["xyz"]
            for site in sites
        ]
        positions = np.asarray(places, dtype=np.float64)
        names = [str(one[0]["element"]) for one in species]
        mixed = [i for i, s in enumerate(species) if len(s) != 1 or abs(s[0]["occu"] - 1) > 1e-6]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise DataError("its structure is not as pymatgen writes one") from None
    if mixed:
        raise DataError(f"its site {mixed[0]} is partly occupied, or by several elements")
    bare = [name.rstrip("+-0123456789") for name in names]
    if unknown := [name for name in bare if name not in SYMBOLS[1:]]:
        raise DataError(f"its structure holds '{unknown[0]}', which is no element")
    if matrix.shape != (3, 3) or pbc.shape != (3,) or positions.shape != (len(bare), 3):
        raise DataError("its structure is not as pymatgen writes one")
    numbers = np.array([atomic_number(name) for name in bare], dtype=np.int32)
    frame = Frame(where, 0, numbers, positions, matrix, pbc).judged()
    frame.require()
    return frame
