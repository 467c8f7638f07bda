"""Which importer reads a source, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from xreg.core.errors import ConfigError, PluginError, UnknownNameError
from xreg.core.files import readable
from xreg.core.interfaces import Importer
from xreg.core.readers.importing.log import ImportLog
from xreg.registry.plugins import host
from xreg.workbench.importing.options import ImportOptions

__all__ = ["UnknownLayoutError", "choose_importer"]

HEAD = 4096
PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
    b"PK\x03\x04": "zip",
}
"""What packs files or folders, by the first bytes."""
WORKBOOK = b"xl/", b"[Content_Types].xml"
"""What an Excel workbook, which is a zip file, begins with."""
ELSEWHERE = {
    ".prj": (
        "athena",
        "projects of Athena and Larix are, once xreg-larch is there (pip install xreg-larch)",
    )
}
"""By ending of a file, the importer of another distribution that reads it, and how to get it."""


class UnknownLayoutError(ConfigError):
    """No importer knows a source, or several know it equally well."""


def choose_importer(
    source: Path, options: ImportOptions, grids: Mapping[str, str], log: ImportLog
) -> Importer[Any]:
    """Return the importer that is asked for, or the one that knows the source best.

    Raises
    ------
    ConfigError, UnknownNameError
        If there is no such importer, none or several know the source, or the options do not fit.
    """
    if options.layout.name == "auto":
        name = _best(source, log)
    else:
        name = options.layout.name
        try:
            host().get("importer", name)
        except UnknownNameError as error:
            raise UnknownNameError(f"--layout {name}: {error}") from None
    kind: type[Importer[Any]] = host().load("importer", name)
    settings = {**_settings(name, kind, options, grids), **options.layout.settings}
    importer: Importer[Any] = host().build("importer", name, settings)
    if not _takes(kind, source):
        raise ConfigError(f"layout '{name}' wants a {kind.source}: '{source}'.")
    return importer


def _best(source: Path, log: ImportLog) -> str:
    """Return the importer that is surest of a source."""
    head, sure, asked = _head(source), {}, []
    for installed in host().of_kind("importer"):
        name = installed.spec.name
        if missing := installed.spec.missing():
            needs = " and ".join(f"needs {one.name}: {one.remedy}" for one in missing)
            asked.append(f"{name} (not asked, as it {needs})")
            continue
        try:
            kind = host().load("importer", name)
            sure[name] = _confidence(kind.sniff(source, head)) if _takes(kind, source) else 0.0
            asked.append(name)
        except (Exception, SystemExit) as error:  # somebody else's plugin may fail in any way
            reason = f"{type(error).__name__}: {error}"
            asked.append(f"{name} (which failed: {reason})")
            log.remark(source.name, f"the importer '{name}' failed to look at it ({reason})")
    top = max(sure.values(), default=0.0)
    best = [name for name, value in sure.items() if value == top]
    if not top > 0 and source.is_file() and not head:
        raise UnknownLayoutError(f"'{source}' is empty.")
    name, hint = ELSEWHERE.get(source.suffix.lower(), ("", ""))
    if not top > 0 and hint and source.is_file() and name not in sure:
        raise UnknownLayoutError(f"'{source}' is not read by what is installed: {hint}.")
    packed = next((name for mark, name in PACKED.items() if head.startswith(mark)), "")
    if not top > 0 and packed == "zip" and any(mark in head for mark in WORKBOOK):
        raise UnknownLayoutError(f"'{source}' is an Excel workbook; save its sheet as CSV.")
    if not top > 0 and packed:
        raise UnknownLayoutError(
            f"'{source}' is packed by {packed}; unpack it and give what is in it."
        )
    if not top > 0:
        raise UnknownLayoutError(
            f"'{source}' looks like no known layout, asked were {', '.join(asked)}; name one of "
            f"them with --layout{', or give its files one by one' if source.is_dir() else ''}."
        )
    if len(best) > 1:
        raise UnknownLayoutError(
            f"'{source}' looks like {' and like '.join(best)}; name one of them with --layout."
        )
    return best[0]


def _takes(kind: type[Importer[Any]], source: Path) -> bool:
    """Tell whether an importer reads files, or folders, as the source is one."""
    archive = kind.source == "folder" and source.name.endswith(kind.archives or "\0")
    return (kind.source == "file") == source.is_file() or archive


def _confidence(value: Any) -> float:
    """Return how sure an importer is; refuse what is no number from 0 to 1."""
    if not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise PluginError(f"it says {value!r} where a number from 0 to 1 is needed")
    return float(value)


def _head(source: Path) -> bytes:
    if not source.is_file():
        return b""
    with readable(f"'{source}'"), source.open("rb") as file:
        return file.read(HEAD)


def _settings(
    name: str, kind: type[Importer[Any]], options: ImportOptions, grids: Mapping[str, str]
) -> dict[str, Any]:
    """Return the general options that an importer has settings for."""
    known = kind.Config.model_fields
    if options.sites == "all" and not isinstance(options.absorber, str):
        raise ConfigError("--sites all needs --absorber ELEMENT, or the key that names it.")
    columns = options.columns.model_dump(exclude_defaults=True)
    if "columns" not in known and (said := set(columns) - (set(known) & {"unit"})):
        first = next(key for key in columns if key in said)
        specs = (installed.spec for installed in host().of_kind("importer"))
        *some, last = (spec.name for spec in specs if "columns" in spec.config.model_fields)
        others = f"{', '.join(some)} or {last}" if some else last
        raise ConfigError(
            f"--{first} is for text spectra of the layout {others}, not for '{name}'."
        )
    if "channel" in known and len(options.channels) != 1:
        raise ConfigError(f"layout '{name}' has one channel, not {', '.join(options.channels)}.")
    for key, said_so in (
        ("absorber", options.absorber is not None),
        ("sites", options.sites != "one"),
        ("spectra", bool(options.spectra)),
    ):
        if said_so and key not in known:
            raise ConfigError(f"the layout '{name}' has no --{key}.")
    given = {
        "channel": options.channels[0],
        "channels": options.channels,
        "grids": dict(grids),
        "absorber": options.absorber,
        "sites": options.sites,
        "columns": options.columns,
        "unit": options.columns.unit,
        "spectra": options.spectra,
    }
    return {key: value for key, value in given.items() if key in known}
