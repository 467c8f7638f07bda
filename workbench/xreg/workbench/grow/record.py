"""What a growth has done so far, written down before and after each round."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from xreg.core.errors import ConfigError, CorruptError
from xreg.core.files import read_file, write_text
from xreg.core.run import FORMAT, require_format

__all__ = ["Record", "Round"]


@dataclass
class Round:
    """A round: what was chosen, and what a model learned of all samples so far.

    Attributes
    ----------
    rows
        Rows of the pool that this round computes.
    validation
        Those of them that stop the training and are not trained on.
    spread, unknown
        Of the model that chose them, as :class:`xreg.workbench.grow.pool.Choice` says.
    failed
        Why samples could not be computed, by id.
    trained
        Number of samples that the round's model learned from; 0 while it is not trained.
    error, r2
        Relative error √(1 − R²) on the test samples, and R².
    seconds
        What computing and training took.
    """

    rows: list[int]
    validation: list[int]
    spread: tuple[float, float] | None = None
    unknown: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    trained: int = 0
    error: float = 1.0
    r2: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Record:
    """All rounds of a growth.

    Attributes
    ----------
    path
        The file.
    key
        Hash of all that must not change meanwhile.
    test
        Rows of the pool that judge every round.
    rounds
        The rounds.
    finished
        Why it ended; empty while it goes on.
    """

    path: Path
    key: str
    test: list[int] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    finished: str = ""

    @classmethod
    def open(cls, path: Path, key: str) -> Self:
        """Read a record, or begin one.

        Raises
        ------
        ConfigError
            If it is of another recipe or pool.
        CorruptError
            If it is damaged.
        """
        if not path.exists():
            return cls(path, key)
        try:
            content = json.loads(read_file(path))
            require_format(content.pop("format"), f"'{path}'")
            rounds = [Round(**one) for one in content.pop("rounds")]
            record = cls(path, rounds=rounds, **content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptError(
                f"'{path}' is damaged ({type(error).__name__}); begin in another folder."
            ) from None
        if record.key != key:
            raise ConfigError(
                f"'{path.parent}' was begun with another recipe, pool or generator; only budget "
                "and error may change: choose another folder."
            )
        return record

    def save(self) -> None:
        """Write it down, whole or not at all."""
        write_text(self.path, json.dumps({"format": FORMAT, **self.plain()}, indent=1) + "\n")

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {key: value for key, value in asdict(self).items() if key != "path"}

    @property
    def computed(self) -> int:
        """How many samples have been computed, those of the test not counted."""
        return sum(len(one.rows) for one in self.rounds)
