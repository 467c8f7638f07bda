"""From a name to an explorer: of a dataset, of a run, of an evaluation."""

from __future__ import annotations

from pathlib import Path

from xreg.core.errors import ConfigError
from xreg.core.files import require_free, write_text
from xreg.registry.datasets import open_dataset
from xreg.workbench.explorer.dataset import view_of_dataset
from xreg.workbench.explorer.page import write_explorer
from xreg.workbench.explorer.result import is_result, view_of_result
from xreg.workbench.report.page import EXPLORER_LINK, EXPLORER_PLACE

__all__ = ["EXPLORER", "explore"]

EXPLORER = "explorer.html"
RUNS = Path("runs")


def explore(
    what: str,
    out: Path | None = None,
    channel: str | None = None,
    registry: str | Path | None = None,
) -> Path:
    """Write the explorer of a dataset or result and return its path.

    Parameters
    ----------
    what
        A dataset, or the folder or name of a run or an evaluation.
    out
        The page; beside the report of a run, or in the working folder if not given.
    channel
        Of a dataset, the one channel to show.
    registry
        Where to look for the dataset.

    Raises
    ------
    ConfigError
        If a channel is named for a run, which has one.
    XregError
        If there is no such dataset or run, or the page exists already.
    """
    folder = next((p for p in (Path(what), RUNS / what) if is_result(p)), None)
    if folder is not None:
        if channel is not None:
            raise ConfigError(f"'{folder}' predicts one channel; leave --channel out.")
        path = out or folder / EXPLORER
        require_free(path)
        write_explorer(view_of_result(folder, registry=registry), path)
        if path == folder / EXPLORER:
            _link(folder / "report.html")
        return path
    if out is not None:
        require_free(out)
    dataset = open_dataset(what, registry=registry)
    path = out or Path(f"{dataset.metadata.name}-{dataset.metadata.version}-explorer.html")
    require_free(path)
    return write_explorer(view_of_dataset(dataset, channel), path)


def _link(report: Path) -> None:
    """Have a report lead to the explorer beside it; one of an earlier version stays as it is."""
    if report.is_file() and EXPLORER_PLACE in (text := report.read_text(encoding="utf-8")):
        write_text(report, text.replace(EXPLORER_PLACE, EXPLORER_LINK, 1))
