"""One extxyz file with spectra in its frames."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.progress import track
from xreg.core.readers.importing.curve import Curve, stated_unit
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.structures import Frame, parse_frames
from xreg.plugins.extxyz.fields import ABSORBER, ENERGY, ID, SPLIT, UNIT
from xreg.plugins.extxyz.plugin import ExtxyzImportConfig

__all__ = ["ExtxyzImporter"]

FIRST_LINES = re.compile(rb"\s*\d+[ \t]*\r?\n[^\n]*Properties=")


class ExtxyzImporter(Importer[ExtxyzImportConfig]):
    """Frames with their spectra.

    The spectrum of channel ``xas`` is the info entry ``xas`` of a frame (m values), or the row of
    the absorber in its per-atom array ``xas``. Its energies in eV are the info entry
    ``xas_energy``, or those given. Where the spectra stand in per-atom arrays and the absorber is
    an element, every atom of that element is a sample.

    Their unit is the info entry ``xas_unit``, else arbitrary.

    The info entry ``id`` names a frame, else file stem and number do; with several sites the site
    is appended. Other info entries that are one number or word each in all samples become labels;
    ``<label>_unit`` says the unit of one, and ``split_<name>`` in which part of a split (train,
    validation or test) a sample is.
    """

    name: ClassVar[str] = "extxyz"
    Config = ExtxyzImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the name, and by a first line that is a number before one of properties."""
        named = path.is_file() and path.suffix.lower() in (".extxyz", ".xyz")
        shaped = FIRST_LINES.match(head) is not None
        return 0.95 if named and shaped else 0.8 if named else 0.6 if shaped else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each frame, or each of its absorbing sites."""
        config, channels = self.config, self.config.channels
        energies, absorber = config.energies(), config.absorber
        content = log.read(source)
        try:
            frames = list(parse_frames(content, source.name))
        except DataError as error:
            raise DataError(f"'{source}': {str(error).rstrip('.')}.") from None
        for frame in track(frames, f"reading {source.name}", len(frames)):
            with log.entry(frame.where):
                frame.require()
                name = _name(frame, f"{source.stem}-{frame.place}")
                per_atom = any(channel in frame.arrays for channel in channels)
                of_element = isinstance(absorber, str) and absorber in SYMBOLS[1:]
                every = config.every or (per_atom and of_element)
                sites = log.sites(frame, name, absorber, every)
                several = len(sites) > 1
                for site in sites:
                    where = f"{frame.where}, atom {site}" if several else frame.where
                    with log.entry(where):
                        full = f"{name}-{site}" if several else name
                        unit = config.energy_unit
                        curves = {c: _curve(frame, c, site, energies, unit) for c in channels}
                        sample = frame.structure(full, site)
                        labels = _labels(frame, channels, log)
                        if absorber in (None, ABSORBER):
                            labels.pop(ABSORBER, None)  # it has said what it is there for
                        yield Entry(where, [sample], curves, labels)
                        for split, part in _splits(frame).items():
                            log.splits.setdefault(split, {})[full] = part


def _name(frame: Frame, otherwise: str) -> str:
    """Return the id that a frame states."""
    stated = frame.info.get(ID, "")
    if not isinstance(stated, str | int | float | np.number):
        raise DataError(f"its id '{stated}' is no word")
    return str(stated) or otherwise


def _curve(
    frame: Frame,
    channel: str,
    site: int,
    energies: Mapping[str, NDArray[np.float64]],
    unit: float,
) -> Curve:
    if channel in frame.info:
        intensity = frame.info[channel]
    elif channel in frame.arrays:
        intensity = frame.arrays[channel][site]
    else:
        raise DataError(f"it has no spectrum: '{channel}' is neither in its info nor in its arrays")
    energy = energies.get(channel)
    if (own := frame.info.get(f"{channel}{ENERGY}")) is not None:
        energy = unit * _vector(own)
    if energy is None:
        raise DataError(f"it has no energies: no '{channel}_energy' in its info, and none given")
    unit_said = stated_unit(str(frame.info.get(f"{channel}{UNIT}", "")))
    return Curve(_vector(energy), _vector(intensity), unit_said)


def _vector(values: Any) -> NDArray[np.float64]:
    try:
        return np.atleast_1d(np.asarray(values, dtype=np.float64)).ravel()
    except (TypeError, ValueError):
        raise DataError("the spectrum is no list of numbers") from None


def _labels(frame: Frame, channels: Sequence[str], log: ImportLog) -> dict[str, Any]:
    """Return the fields of a frame that are a number or a word, and nothing else's."""
    taken = {ID, *channels}
    taken |= {f"{channel}{end}" for channel in channels for end in (ENERGY, UNIT)}
    taken |= {f"{SPLIT}{name}" for name in _splits(frame)}
    found = {
        key: value
        for key, value in frame.info.items()
        if key not in taken and isinstance(value, str | int | float | np.number | np.bool_)
    }
    units = {key: f"{key}{UNIT}" for key in found if isinstance(found.get(f"{key}{UNIT}"), str)}
    for key in units:
        unit, before = str(found[units[key]]), log.label_units.get(key)
        if before not in (None, unit):
            raise DataError(f"its '{key}' is in {unit}, that of samples before in {before}")
        log.label_units = {**log.label_units, key: unit}
    return {key: value for key, value in found.items() if key not in units.values()}


def _splits(frame: Frame) -> dict[str, str]:
    """Return the part of each split that a frame says it is in."""
    return {
        key.removeprefix(SPLIT): value
        for key, value in frame.info.items()
        if key.startswith(SPLIT) and isinstance(value, str) and value in PARTS
    }
