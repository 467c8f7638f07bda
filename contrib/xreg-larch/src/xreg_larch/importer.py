"""Athena projects: the groups with mu(E) in a ``.prj`` file, read by larch."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.specimens import Specimen
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.tables import TableReader
from xreg.core.readers.energies import require_no_kev
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog
from xreg_larch import AthenaImportConfig
from xreg_larch.project import NEW, QUOTED, ends, falling, numbered

__all__ = ["AthenaImporter"]

GZIP = b"\x1f\x8b"
OLD = b"# Athena project file"
# A project of ten thousand groups is some 300 MB.
MOST_BYTES = 1 << 30
ASSIGNED = re.compile(r"\s*[$@%]\w+\s*=\s*(.*?)\s*;?\s*")
PLAIN = re.compile(r"[\s(),\[\]{}0-9eE.+-]*")
OTHERS = {
    "is_chi": "chi(k)",
    "is_bkg": "a background",
    "is_diff": "a difference",
    "is_pixel": "pixels",
    "is_rsp": "chi(R)",
}
BACKGROUND = ("pre1", "pre2", "nor1", "nor2", "nnorm")


class AthenaImporter(Importer[AthenaImportConfig]):
    """Each group with mu(E) is a sample, called as in Athena.

    The shift that a group has is added to its energies. Labels: ``edge``, ``e0`` (with the shift),
    ``energy_shift`` and the ranges ``pre1`` … ``nnorm`` of Athena's normalisation. Standard
    deviations of merged groups become a channel where every group has them.

    Parameters
    ----------
    config
        Channel and absorber; columns mean nothing here.
    """

    name: ClassVar[str] = "athena"
    Config = AthenaImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the first line, unpacked where it is packed."""
        if head.startswith(GZIP):
            with contextlib.suppress(zlib.error):
                head = zlib.decompressobj(31).decompress(head, 4096)
        return 0.95 if head.startswith(OLD) or NEW in head[:500] else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each group with mu(E)."""
        from larch.io import read_athena

        content = log.read(source)
        text = _unpacked(content, source)
        count = _require_data(text, source)
        whole, ended = ends(text)
        with log.entry(str(source)):
            if not whole:
                raise DataError("it is cut off within a group, which is lost")
        if not ended:
            log.remark(str(source), "its last line is not there: groups behind may be cut off")
        if count_falling := falling(text):
            log.remark(
                str(source),
                f"the energies of {count_falling} group(s) fall or repeat: larch sorts them",
            )
        text, given = numbered(text)
        if given:
            named = ", ".join(given[:3]) + (", …" if len(given) > 3 else "")
            log.remark(
                str(source), f"{len(given)} group(s) of a name that others have are called {named}"
            )
        # larch prints what it does not know, and decodes files as standard output is encoded.
        printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        try:
            with contextlib.redirect_stdout(printed), tempfile.TemporaryDirectory() as folder:
                read = source
                if given:
                    read = Path(folder) / "renamed.prj"
                    read.write_text(text, encoding="utf-8")
                project = read_athena(str(read), do_preedge=False)
        except Exception as error:  # larch raises whatever its parser meets
            raise DataError(f"'{source}' cannot be read as an Athena project ({error}).") from None
        log.label_units = {name: "eV" for name in ("e0", "energy_shift", *BACKGROUND[:4])}
        groups = dict(project._athena_groups if hasattr(project, "_athena_groups") else project)
        found = _labelled(groups)
        if count > len(found):
            with log.entry(str(source)):
                raise DataError(
                    f"{count} groups are in the project and {len(found)} have names of their own; "
                    "rename those of one name in Athena"
                )
        noise = all(getattr(g, "stddev", None) is not None for g in found.values())
        for name, group in found.items():
            where = f"{source}, group {name}"
            with log.entry(where):
                what = next((w for key, w in OTHERS.items() if _flag(group, key)), "")
                if what:
                    log.pass_over(where, f"it is {what}, no mu(E)")
                    continue
                yield self._entry(group, name, where, log, noise)
        if not noise and any(getattr(g, "stddev", None) is not None for g in found.values()):
            log.remark(source.name, "standard deviations of some groups are not kept")

    def _entry(self, group: Any, name: str, where: str, log: ImportLog, noise: bool) -> Entry:
        background = getattr(group.athena_params, "bkg", None)
        shift = _number(background, "eshift") or 0.0
        energy = np.asarray(group.energy, np.float64) + shift
        unit = self.config.columns.unit
        if unit == "keV":
            energy = 1000 * energy
            log.remark(where, "energies in keV were converted to eV")
        if shift:
            log.remark(where, "the energies were shifted as the project says")
        element = str(getattr(group, "atsym", "") or getattr(background, "z", "") or "").strip()
        element = element.capitalize() if element.capitalize() in SYMBOLS[1:] else ""
        if not unit:
            require_no_kev(energy, element)
        labels: dict[str, Any] = {"energy_shift": shift}
        if edge := str(getattr(group, "edge", "") or "").strip().upper():
            labels["edge"] = edge
        if (e0 := _number(background, "e0")) is not None:
            labels["e0"] = e0
        for key in BACKGROUND:
            if (value := _number(background, key)) is not None:
                labels[key] = value
        channel = self.config.channel
        curves = {channel: Curve(energy, np.asarray(group.mu, np.float64))}
        if noise:
            curves[f"{channel}_noise"] = Curve(energy, np.asarray(group.stddev, np.float64))
        absorber = TableReader(self.config, log).absorber(element)
        return Entry(where, [Specimen(name, "", absorber)], curves, labels)


def _labelled(groups: dict[str, Any]) -> dict[str, Any]:
    """Return the groups by the names that a user gave them, or by larch's where two are alike."""
    labels = {key: str(getattr(group, "label", "") or key).strip() for key, group in groups.items()}
    counts = Counter(labels.values())
    return {labels[k] if counts[labels[k]] == 1 else k: group for k, group in groups.items()}


def _unpacked(content: bytes, source: Path) -> str:
    if content.startswith(GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(MOST_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"'{source}' cannot be unpacked ({error}).") from None
    if len(content) > MOST_BYTES:
        raise DataError(f"'{source}' is of more than {MOST_BYTES} bytes when unpacked.")
    return content.decode("utf-8", errors="replace")


def _require_data(text: str, source: Path) -> int:
    """Return the number of groups of a project that holds nothing but numbers and texts.

    larch hands the lines of an old project to an interpreter, so none may be an expression.
    """
    if NEW.decode() in text[:500]:
        try:
            whole = json.loads(text)
        except ValueError as error:
            raise DataError(f"'{source}' is no JSON project of Athena ({error}).") from None
        return sum(isinstance(value, dict) and "x" in value for value in whole.values())
    if not text.startswith(OLD.decode()):
        raise DataError(f"'{source}' is no project of Athena.")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#") or line.startswith(("[record]", "1;")):
            continue
        if (
            line.split()[0].lstrip("$@%") == "xdi"
        ):  # an object of Demeter's, which larch keeps as text
            continue
        found = ASSIGNED.fullmatch(line)
        rest = QUOTED.sub("", found[1]) if found else line
        rest = rest.replace("=>", ",").replace("undef", "")
        if not found or not PLAIN.fullmatch(rest):
            raise DataError(
                f"'{source}' is no project of Athena: its line {number} is no list of numbers and "
                "texts."
            )
    return sum(line.startswith("[record]") for line in text.split("\n"))


def _flag(group: Any, name: str) -> bool:
    return bool(_number(group.athena_params, name))


def _number(place: Any, name: str) -> float | None:
    try:
        value = float(getattr(place, name))
    except (AttributeError, TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None
