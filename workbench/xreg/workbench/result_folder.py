"""The folder of a result: it appears when complete, with a log; of a failure the log is kept."""

from __future__ import annotations

import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xreg.core.errors import RunError, XregError
from xreg.core.files import disk_errors, flush, require_free, staging

__all__ = ["LOG", "Growing", "logged", "result_folder", "write_json"]

LOG = "run.log"
log = logging.getLogger("xreg.run")


@dataclass
class Growing:
    """A result under way: where its files stand now, and where they will."""

    path: Path
    final: Path


@contextmanager
def result_folder(
    place: Path | Callable[[], Path],
    what: str,
    *,
    stage: Callable[[], str] = str,
    log_inside: bool = True,
    goes_on: bool = False,
) -> Iterator[Growing]:
    """Yield a folder to fill, which gets its name when the block ends well.

    Parameters
    ----------
    place
        The folder to make, which must not exist; or what gives one that is free, asked again where
        it was made meanwhile.
    what
        What makes it, in words (``run``).
    stage
        Tells what is being done, for the message of a failure.
    log_inside
        Whether the log stays in it; False for a result that is no place for one.
    goes_on
        Whether the folder is there from the first, and is gone on with (a search).

    Raises
    ------
    XregError
        A bad request as it is.
    RunError
        If anything else fails; the log is kept beside ``final``.
    """
    final = place() if callable(place) else place
    if goes_on:
        with disk_errors(f"{what} '{final}'"), _logged_work(what, stage, final / LOG, final / LOG):
            yield Growing(final, final)
        return
    require_free(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"{what} '{final}'"), staging(final) as parent:
        growing = Growing(parent / "result", final)
        growing.path.mkdir()
        log_path = growing.path / LOG if log_inside else parent / LOG
        with _logged_work(what, stage, log_path, final.with_name(f"{final.name}.failed.log")):
            yield growing
        flush(growing.path)
        if final.exists():
            if not callable(place):
                raise RunError(f"'{final}' was made meanwhile; choose another folder.")
            growing.final = place()
        os.rename(growing.path, growing.final)


@contextmanager
def _logged_work(what: str, stage: Callable[[], str], log_path: Path, kept: Path) -> Iterator[None]:
    """Log what the block does; its failure is told in one sentence, with the log kept."""
    with logged(log_path):
        try:
            yield
        except Exception as error:
            raise _failure(error, what, stage(), log_path, kept) from error


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Write what xreg and its components log, and all warnings, into a file."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    ours = logging.getLogger("xreg")
    before = ours.level
    ours.setLevel(logging.INFO)
    root.addHandler(handler)

    def log_warning(message: Any, category: type[Warning], *place: Any, **_: Any) -> None:
        logging.getLogger("py.warnings").warning("%s: %s", category.__name__, message)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = log_warning
            yield
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)
        handler.close()


def _failure(error: Exception, what: str, stage: str, log_path: Path, kept: Path) -> XregError:
    """Return what the user is told; the log of what is no request's fault is kept."""
    if isinstance(error, XregError) and not isinstance(error, RunError):
        return error
    if isinstance(error, OSError):
        raise error
    log.error("the %s failed", what, exc_info=error)
    if kept != log_path:
        shutil.copyfile(log_path, kept)
    if isinstance(error, RunError):
        return error
    text = str(error).partition("\n")[0]
    during = f" in stage '{stage}'" if stage else ""
    return RunError(
        f"the {what} failed{during} with {type(error).__name__}"
        f"{f': {text}' if text else ''}; its log is {kept}."
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON that every reader takes: no NaN, no infinity."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
