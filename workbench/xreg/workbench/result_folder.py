"""What a run and an evaluation share while they work: their log, and what a failure leaves."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xreg.core.errors import RunError, XregError

__all__ = ["failure", "logged", "write_json"]

log = logging.getLogger("xreg.run")


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

    def tell(message: Any, category: type[Warning], *place: Any, **_: Any) -> None:
        logging.getLogger("py.warnings").warning("%s: %s", category.__name__, message)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = tell
            yield
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)
        handler.close()


def failure(error: Exception, what: str, stage: str, folder: Path, final: Path) -> XregError:
    """Return what the user is told; what is no request's fault keeps its log beside ``final``."""
    if isinstance(error, XregError) and not isinstance(error, RunError):
        return error
    if isinstance(error, OSError):
        raise error
    log.error("the %s failed", what, exc_info=error)
    kept = final.with_name(f"{final.name}.failed.log")
    shutil.copyfile(folder / "run.log", kept)
    if isinstance(error, RunError):
        return error
    text = str(error).partition("\n")[0]
    return RunError(
        f"the {what} failed in stage '{stage}' with {type(error).__name__}"
        f"{f': {text}' if text else ''}; its log is {kept}."
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON that every reader takes: no NaN, no infinity."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
