"""The record of a search: Optuna studies in one journal file that any number of workers share.

Each family has a study. Its trials come in groups: emulators on one built descriptor. A worker
claims a group at a time and marks it with its name; a lock on a file of that name, which the
system releases however the worker ends, says that it is still at work. What a killed worker left
is claimed by the next one, which goes on after the last fold noted, and a trial once told is never
lost.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from xreg.core.errors import ConfigError, DataError
from xreg.core.storage import canonical_json
from xreg.workbench.search.recipe import Family, SearchRecipe
from xreg.workbench.search.samplers import distributions, sampler
from xreg.workbench.search.trials import Candidate, Group

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

__all__ = ["SearchStudy"]

JOURNAL = "study.journal"
GIVE_UP_AFTER = 3  # groups with failures and no success after which a family is given up


class SearchStudy:
    """The journal of a search and what is agreed upon around it.

    Parameters
    ----------
    folder
        The search's folder.
    recipe
        Its recipe, complete.
    families
        The competitors.
    benchmark, rules
        What every trial must share: a hash, and what it was made from.
    code
        Hash of the code of each of a family's components, by family and what it is.

    Raises
    ------
    ConfigError
        If the folder holds something else than a search, or the recipe's sampler cannot draw.
    DataError
        If its journal belongs to another dataset version or other rules.
    """

    def __init__(
        self,
        folder: Path,
        recipe: SearchRecipe,
        families: Sequence[Family],
        benchmark: str,
        rules: Mapping[str, Any],
        code: Mapping[str, Mapping[str, str]],
    ) -> None:
        import optuna
        from optuna.storages import JournalStorage

        from xreg.workbench.search.journal import CheckedJournal

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.recipe, self.families = recipe, list(families)
        self.sampler = sampler(recipe, families)
        self.workers = folder / "workers"
        foreign = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        if foreign and not self.workers.exists():
            raise ConfigError(f"'{folder}' holds no search; choose a new folder with -o.")
        self.workers.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(folder / ".claim.lock")
        self.journal = folder / JOURNAL
        with self._locked():
            self.storage = JournalStorage(CheckedJournal(self.journal))
            self.studies = {
                f.label: self._open(f, benchmark, rules, code[f.label]) for f in self.families
            }

    def _open(
        self, family: Family, benchmark: str, rules: Mapping[str, Any], code: Mapping[str, str]
    ) -> Study:
        import optuna

        study = optuna.create_study(
            storage=self.storage, study_name=family.label, direction="maximize", load_if_exists=True
        )
        known = study.user_attrs
        other = _differences(known.get("rules", {}), rules)
        for key, value, what in (
            (
                "benchmark",
                benchmark,
                f"other rules ({'; '.join(other[:3]) or 'an earlier version'})",
            ),
            ("family", family.identity, f"another search space of family '{family.label}'"),
        ):
            if known.get(key, value) != value:
                raise DataError(
                    f"the search in '{self.workers.parent}' is of {what}; go on with its own "
                    "recipe, or choose another folder."
                )
        before = known.get("code", code)
        if changed := [what for what in code if before.get(what) != code[what]]:
            raise DataError(
                f"the code of {' and of '.join(changed)} has changed since candidates of family "
                f"'{family.label}' were judged in '{self.workers.parent}', and theirs are no "
                "scores to compare new ones with; choose another folder."
            )
        own = {"benchmark": benchmark, "family": family.identity, "rules": dict(rules)}
        own["code"] = dict(code)
        for key in own.keys() - known.keys():  # whoever opens the record first writes them down
            study.set_user_attr(key, own[key])
        return study

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock under which all writing happens; it dies with its holder.

        Optuna's own lock, which a worker left that was killed while it wrote, is cleared away.
        """
        with self.lock:
            self.journal.with_name(f"{JOURNAL}.lock").unlink(missing_ok=True)
            yield

    @contextmanager
    def worker(self) -> Iterator[str]:
        """Be a worker inside the block: yield a name whose lock is held."""
        name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        lock = FileLock(self.workers / f"{name}.lock")
        with lock:
            yield name
        (self.workers / f"{name}.lock").unlink(missing_ok=True)

    def _is_alive(self, name: str, me: str) -> bool:
        if name == me:
            return True
        try:
            with FileLock(self.workers / f"{name}.lock", timeout=0):
                pass
        except Timeout:
            return True
        (self.workers / f"{name}.lock").unlink(missing_ok=True)
        return False

    def claim(self, me: str) -> Group | None:
        """Return the next group of the family that has spent least; None when all is spent."""
        with self._locked():
            pending = {}
            for family in self.families:
                trials = self.trials(family)
                spent = sum(_seconds(t) for t in trials)
                if spent >= self.recipe.budget or _always_fails(trials):
                    continue
                running = [t for t in trials if not t.state.is_finished()]
                left = [t for t in running if not self._is_alive(t.user_attrs["worker"], me)]
                if left:
                    return self._take_over(family, left, me)
                groups = {t.user_attrs["group"] for t in trials}
                busy = len({t.user_attrs["group"] for t in running})
                if _drawn(trials) >= family.size:
                    continue
                # What others are at is counted as what a group has cost until now.
                expected = busy * spent / max(1, len(groups) - busy)
                pending[family.label] = (spent + expected, busy, family, len(groups))
            if not pending:
                return None
            _, _, family, number = min(pending.values(), key=lambda entry: entry[:2])
            return self._begin(family, number, me)

    def _begin(self, family: Family, number: int, me: str) -> Group:
        """Draw the settings of a new group."""
        from optuna.trial import TrialState, create_trial

        for drawn in self.sampler.group(family, number, self.trials(family)):
            self.studies[family.label].add_trial(
                create_trial(
                    state=TrialState.RUNNING,
                    params=drawn,
                    distributions=distributions(family),
                    user_attrs={"group": number, "worker": me},
                )
            )
        trials = [t for t in self.trials(family) if t.user_attrs["group"] == number]
        return self._group(family, trials, fresh=True)

    def _take_over(self, family: Family, left: Sequence[FrozenTrial], me: str) -> Group:
        group = min(t.user_attrs["group"] for t in left)
        mine = [t for t in left if t.user_attrs["group"] == group]
        for trial in mine:
            self.storage.set_trial_user_attr(self._id(family, trial.number), "worker", me)
        told = {t.user_attrs["group"] for t in self.trials(family) if t.state.is_finished()}
        return self._group(family, mine, fresh=group not in told)

    def _group(self, family: Family, trials: Sequence[FrozenTrial], fresh: bool) -> Group:
        first, second = family.spaces
        trials = sorted(trials, key=lambda t: t.number)
        return Group(
            family,
            first.settings(_part(trials[0], "descriptor")),
            [(t.number, second.settings(_part(t, family.model))) for t in trials],
            fresh,
        )

    def note(
        self,
        family: Family,
        numbers: Sequence[int],
        fold: int,
        scores: Sequence[float],
        seconds: float,
    ) -> None:
        """Write down what trials scored on one fold, and the time that each spent on it."""
        with self._locked():
            trials = self.trials(family)
            for number, score in zip(numbers, scores, strict=True):
                total = seconds + _seconds(trials[number], "noted_seconds")
                trial_id = self._id(family, number)
                self.storage.set_trial_user_attr(trial_id, "noted_seconds", total)
                self.storage.set_trial_intermediate_value(trial_id, fold, score)

    def noted(self, family: Family, numbers: Sequence[int], folds: int) -> NDArray[np.float64]:
        """Return the (c, f) scores that were noted, NaN for the others."""
        trials = self.trials(family)
        known = [trials[number].intermediate_values for number in numbers]
        return np.array([[row.get(fold, np.nan) for fold in range(folds)] for row in known])

    def tell(
        self,
        family: Family,
        number: int,
        scores: Sequence[float] | None,
        seconds: float,
        reason: str = "",
    ) -> None:
        """Write a trial's result down; its seconds come on top of those noted before."""
        from optuna.trial import TrialState

        study = self.studies[family.label]
        with self._locked():
            trial = study.get_trials(deepcopy=False)[number]
            if trial.state.is_finished():
                return
            total = seconds + _seconds(trial, "noted_seconds")
            attributes: dict[str, Any] = {"seconds": total, "told": datetime.now().timestamp()}
            attributes |= {"scores": list(scores)} if scores is not None else {}
            attributes |= {"reason": reason} if reason else {}
            for key, value in attributes.items():
                self.storage.set_trial_user_attr(self._id(family, number), key, value)
            if scores is None:
                study.tell(number, state=TrialState.FAIL)
            else:
                study.tell(number, float(np.mean(scores)))

    def _id(self, family: Family, number: int) -> int:
        """Return what the storage calls a trial."""
        study = self.storage.get_study_id_from_name(family.label)
        return self.storage.get_trial_id_from_study_id_trial_number(study, number)

    def trials(self, family: Family) -> list[FrozenTrial]:
        """Return a family's trials by number."""
        return self.studies[family.label].get_trials(deepcopy=False)

    def spent(self, family: Family) -> float:
        """Return the processor time that a family has spent."""
        return sum(_seconds(trial) for trial in self.trials(family))

    def over(self, family: Family) -> bool:
        """Tell whether a family has spent its budget; what it has begun is then left."""
        return self.spent(family) >= self.recipe.budget

    def leave(self, family: Family, numbers: Sequence[int], seconds: float) -> bool:
        """Give up trials that run if with them the budget is spent, and say whether so.

        Not where nothing of the family has been judged yet. Each has taken seconds on top of those
        noted before.
        """
        with self._locked():
            trials = self.trials(family)
            spent = {n: seconds + _seconds(trials[n], "noted_seconds") for n in numbers}
            judged = any("scores" in trial.user_attrs for trial in trials)
            if not judged or self.spent(family) + sum(spent.values()) < self.recipe.budget:
                return False
            for number, total in spent.items():
                self.storage.set_trial_user_attr(self._id(family, number), "seconds", total)
            return True

    def done(self, family: Family) -> bool:
        """Tell whether nothing more is begun: budget spent, nothing new to draw, or no hope."""
        trials = self.trials(family)
        with_defaults = all(t.state.is_finished() for t in trials)
        drawn = with_defaults and _drawn(trials) >= family.size
        return self.over(family) or _always_fails(trials) or drawn

    def candidates(self, family: Family) -> list[Candidate]:
        """Return the candidates judged within the budget, in the order of their results."""
        done = [t for t in self.trials(family) if t.state.is_finished()]
        found: list[Candidate] = []
        spent = 0.0
        for trial in sorted(done, key=lambda t: (t.user_attrs["told"], t.number)):
            if spent >= self.recipe.budget:
                break
            spent += _seconds(trial)
            scores = trial.user_attrs.get("scores")
            first, second = family.spaces
            found.append(
                Candidate(
                    trial.number,
                    first.settings(_part(trial, "descriptor")),
                    second.settings(_part(trial, family.model)),
                    None if scores is None else tuple(scores),
                    _seconds(trial),
                    trial.user_attrs.get("reason", ""),
                )
            )
        return found


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "") -> list[str]:
    """Say which entries of nested mappings differ, and what the old ones were."""
    found = []
    for key in old.keys() & new.keys():
        before, now = old[key], new[key]
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += _differences(before, now, f"{at}{key}.")
        elif before != now:
            found.append(f"{at}{key} {before}, here {now}")
    return sorted(found, key=lambda text: "hash" in text)  # last: a version says more


def _drawn(trials: Sequence[FrozenTrial]) -> int:
    """Return how many different candidates were drawn."""
    return len({canonical_json(trial.params) for trial in trials})


def _always_fails(trials: Sequence[FrozenTrial]) -> bool:
    """Tell whether nothing has succeeded in several groups, as where a method cannot do at all."""
    finished = [t for t in trials if t.state.is_finished()]
    if any("scores" in t.user_attrs for t in finished):
        return False
    return len({t.user_attrs["group"] for t in finished}) >= GIVE_UP_AFTER


def _seconds(trial: FrozenTrial, key: str = "seconds") -> float:
    return float(trial.user_attrs.get(key, 0.0))


def _part(trial: FrozenTrial, prefix: str) -> dict[str, Any]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in trial.params.items() if k.startswith(start)}
