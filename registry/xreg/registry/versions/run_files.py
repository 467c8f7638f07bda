"""What the JSON files of a run say, as far as a registry reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from xreg.core import storage
from xreg.core.config import Exact
from xreg.core.errors import CorruptError
from xreg.core.files import read_file
from xreg.core.run import require_format

__all__ = ["Metrics", "Scores", "Stated", "Summary", "TrainedOn", "run_file"]


class Stated(Exact):
    """Part of what a run tells of itself; keys that nobody reads here are kept."""

    model_config = ConfigDict(extra="allow")


class TrainedOn(Stated):
    """What a run was trained on."""

    name: str
    version: str
    hash: str = ""
    path: str | None = None
    registry: str | None = None


class StartedFrom(Stated):
    """The model that a training started from."""

    model: str
    hash: str = ""
    published: bool = False


class Summary(Stated):
    """``summary.json``."""

    start: StartedFrom | None = None
    dataset: TrainedOn | None = None


class Scores(Stated):
    """Scores of one part."""

    r2: float | None = None
    samples: int = 0


class Metrics(Stated):
    """``metrics.json``."""

    train: Scores | None = None
    validation: Scores | None = None
    test: Scores | None = None
    decomposers: dict[str, dict[str, list[float | None]]] = Field(default_factory=dict)


def run_file(path: Path, model: type[Stated]) -> dict[str, Any]:
    """Return what a file of a run says, or nothing where there is no such file.

    Raises
    ------
    CorruptError
        If what it says is of another form than a run writes.
    """
    try:
        content = storage.parse_json(read_file(path), str(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CorruptError(f"{path} cannot be read ({error.strerror}).") from None
    require_format(content.get("format"), str(path))
    try:
        return model.model_validate(content).model_dump(exclude_unset=True)
    except ValidationError as error:
        item = error.errors()[0]
        where = ".".join(map(str, item["loc"]))
        raise CorruptError(f"{path}: '{where}': {item['msg']}; the file is damaged.") from None
