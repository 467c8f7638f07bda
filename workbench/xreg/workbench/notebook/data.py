"""Datasets and plugins in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.core.errors import ConfigError
from xreg.workbench.notebook.progress import with_progress
from xreg.workbench.notebook.tables import Table

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset

__all__ = ["datasets", "export", "open_dataset", "plugins"]


def datasets(registry: str | Path | None = None) -> Table:
    """List the published datasets; pulls nothing.

    Parameters
    ----------
    registry
        A configured name, a folder or a git URL; without it the registry around the working folder,
        then those of your configuration.
    """
    from xreg.registry.datasets import list_datasets

    rows = [
        {
            "dataset": found.entry.reference,
            "samples": found.entry.samples,
            "kind": found.entry.kind,
            "channels": ", ".join(found.entry.channels),
            "size": found.entry.size_text,
            "registry": found.registry.name,
            "title": found.entry.title,
        }
        for found in list_datasets(registry)
    ]
    return Table.of(rows, "Datasets")


@with_progress
def open_dataset(name: str, *, registry: str | Path | None = None) -> Dataset:
    """Open a dataset lazily, and pull it first where it is not in the cache.

    Parameters
    ----------
    name
        ``name``, ``name@version`` or the path of a store (``….zarr``).
    registry
        Where names are looked for; see :func:`datasets`.
    """
    from xreg.registry.datasets import open_dataset as work

    return work(name, registry=registry)


@with_progress
def export(
    dataset: str | Dataset,
    path: str | Path,
    *,
    to: str = "",
    settings: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """Write a dataset in a format of other programs; return what the format cannot hold.

    Parameters
    ----------
    dataset
        A dataset, its name, or the path of its store.
    path
        The new file or folder.
    to
        Name of the exporter; the one for files of such a name if not given.
    settings
        Its settings.
    """
    from xreg.workbench.exporting.exports import export_dataset

    opened = open_dataset(dataset) if isinstance(dataset, str) else dataset
    return export_dataset(opened, Path(path), to, settings).left_out


def plugins(kind: str = "") -> Table:
    """List the installed components: kind, name, where they come from, what they are.

    Parameters
    ----------
    kind
        Only those of a kind (``descriptor``, ``emulator``, ``exporter`` …); all if not given.
    """
    from xreg.core.interfaces.kinds import KINDS
    from xreg.registry.plugins import host

    if kind and kind not in KINDS:
        raise ConfigError(f"'{kind}' is no kind of plugin; there are {', '.join(KINDS)}.")
    rows = [
        {
            "kind": one.spec.kind,
            "name": one.spec.name,
            "from": f"{one.distribution} {one.version}",
            "what it is": one.spec.summary,
            "needs": "; ".join(f"{need.name}: {need.remedy}" for need in one.spec.missing()),
        }
        for one in host()
        if kind in ("", one.spec.kind)
    ]
    return Table.of(rows, "Plugins")
