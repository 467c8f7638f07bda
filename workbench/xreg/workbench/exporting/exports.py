"""From a dataset to files: the exporter is chosen by the name of the file, or asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from xreg.core.config import setting
from xreg.core.data.dataset import Dataset
from xreg.core.errors import ConfigError, UnknownNameError
from xreg.core.interfaces.exporter import Exported, Exporter
from xreg.registry.plugins import host
from xreg.workbench.recipes.sections import AnyRecipe, ComponentSection, DatasetSection

__all__ = ["ExportOptions", "WriteOptions", "choose_exporter", "export_dataset"]


class WriteOptions(AnyRecipe):
    """In which format spectra are written."""

    command: ClassVar[str] = "predict"
    word: ClassVar[str] = "predict"
    home: ClassVar[str] = "to"

    to: ComponentSection = setting(
        ComponentSection(name="auto"),
        description="The exporter and settings of it; auto goes by the name of the file.",
    )

    def exporter(self, path: Path) -> Exporter[Any]:
        """Return the exporter that is asked for, or the one for files of such a name."""
        name = "" if self.to.name == "auto" else self.to.name
        return choose_exporter(path, name, self.to.settings)


class ExportOptions(WriteOptions):
    """Which dataset is exported, and how."""

    command: ClassVar[str] = "export"
    word: ClassVar[str] = "data export"

    dataset: DatasetSection = setting(description="The dataset.")


def export_dataset(
    dataset: Dataset, path: Path, to: str = "", settings: Mapping[str, Any] | None = None
) -> Exported:
    """Write a dataset in a format of other programs.

    Parameters
    ----------
    dataset
        The samples with their spectra.
    path
        The new file or folder.
    to
        Name of the exporter; the one for files of such a name without it.
    settings
        Its settings.

    Returns
    -------
    Exported
        The files that were written, and what of the dataset is in none of them.

    Raises
    ------
    ConfigError, UnknownNameError
        If there is no such exporter, none or several write files of that name.
    DataError
        If something is there already, or the format cannot hold these samples.
    """
    return choose_exporter(path, to, settings).write(dataset, path)


def choose_exporter(
    path: Path, to: str = "", settings: Mapping[str, Any] | None = None
) -> Exporter[Any]:
    """Return the exporter that is asked for, or the one for files of such a name."""
    if not to:
        to = _by_suffix(path)
    else:
        try:
            host().get("exporter", to)
        except UnknownNameError as error:
            raise UnknownNameError(f"--to {to}: {error}") from None
    exporter: Exporter[Any] = host().build("exporter", to, settings or {})
    return exporter


def _by_suffix(path: Path) -> str:
    known: dict[str, tuple[str, ...]] = {}
    for installed in host().of_kind("exporter"):
        if not installed.spec.missing():
            kind: type[Exporter[Any]] = host().load("exporter", installed.spec.name)
            known[installed.spec.name] = kind.suffixes
    fitting = [name for name, ends in known.items() if ends and path.name.lower().endswith(ends)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ConfigError(
            f"'{path}' may be written by {' and by '.join(fitting)}; name one of them with --to."
        )
    there = (f"{name} ({', '.join(ends) or 'a folder'})" for name, ends in known.items())
    raise ConfigError(
        f"the name of '{path}' does not tell its format; choose one with --to: "
        f"{', '.join(there) or 'no exporter is installed'}."
    )
