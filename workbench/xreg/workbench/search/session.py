"""A search under way: its data, its families and its record."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.data.dataset import finite_rows, require_finite
from xreg.core.errors import XregError
from xreg.core.files import write_text
from xreg.core.model.domain import Target, require_same_target
from xreg.core.model.filters import FeatureFilter
from xreg.core.model.pipeline import Pipeline, inherited
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.source import source_hash
from xreg.core.storage import canonical_json
from xreg.core.text import counted
from xreg.registry.plugins import host
from xreg.workbench.recipes.load import load_one
from xreg.workbench.run.features import Execution, FeatureCache
from xreg.workbench.search.candidates import (
    Fold,
    cross_validate,
    cross_validation_folds,
    score_folds,
)
from xreg.workbench.search.folds import fold_inputs, predictable_folds
from xreg.workbench.search.ranking import FamilyResult
from xreg.workbench.search.recipe import Family, SearchRecipe, members, open_search
from xreg.workbench.search.study import SearchStudy
from xreg.workbench.search.trials import Candidate, Group

__all__ = ["RECIPE", "Search", "no_progress"]

log = logging.getLogger("xreg.search")
RECIPE = "search.yaml"
WATCH_SECONDS = 2.0
NOTED_FROM = 0.5  # s: what took less is sooner done again than written down


class Search:
    """A search under way: its data, its families and its record.

    Parameters
    ----------
    folder
        Where everything is kept; made if it does not exist.
    recipe
        What to search; None to go on with the folder's own.
    features
        Where features are kept; in the user's cache if not given.
    """

    def __init__(
        self, folder: Path, recipe: SearchRecipe | None = None, features: Path | None = None
    ) -> None:
        recipe = recipe or load_one(SearchRecipe, folder / RECIPE)
        self.recipe, dataset, channel, split = open_search(recipe)
        self.folder, self.dataset, self.features = folder, dataset, features
        self.families = members(self.recipe, dataset.samples)
        self.benchmark = self.recipe.benchmark(dataset.hash)
        ids = dataset.samples.ids
        self.known = np.asarray(channel.intensity, dtype=np.float64)
        divided = split.indices(ids)
        if self.recipe.bad == "set-aside":
            finite = finite_rows(self.known)
            divided = {part: rows[finite[rows]] for part, rows in divided.items()}
        self.test = divided["test"]
        self.rows = np.sort(np.concatenate([divided["train"], divided["validation"]]))
        self.parts = divided
        used = np.concatenate(list(divided.values()))
        what = f"channel '{self.recipe.target.channel}' of dataset '{dataset.metadata.name}'"
        require_finite(self.known[used], ids[used], what, "set them aside (bad: set-aside)")
        self.known[~finite_rows(self.known)] = 0.0  # rows that nobody uses
        self.target = Target(
            str(self.recipe.target.channel), channel.energy, channel.features, channel.unit
        )
        group = self.recipe.folds.group
        groups = dataset.label(group)[self.rows] if group else None
        self.folds: list[Fold] = cross_validation_folds(
            len(self.rows),
            self.recipe.folds.count,
            repeats=self.recipe.folds.repeats,
            seed=self.recipe.seed,
            groups=groups,
        )
        self.folds = predictable_folds(dataset.samples, self.rows, self.folds, "folds")
        section = self.recipe.features
        self.preprocessing = Preprocessing(
            FeatureFilter(section.variance, section.correlation, section.variance_share),
            section.scaling,
            self.recipe.target.scaling,
        )
        for family in self.families:
            self._require_start(family)
        self._cache: dict[str, FeatureCache] = {}
        # Last, so that a refused search leaves nothing behind.
        rules = self.recipe.rules(dataset.hash)
        code = {family.label: self._code(family) for family in self.families}
        self.study = SearchStudy(folder, self.recipe, self.families, self.benchmark, rules, code)

    def _require_start(self, family: Family) -> None:
        """Refuse what does not fit the model that a family starts from, or is known to it."""
        start = family.start
        if start is None:
            return
        described, drawn = family.spaces[0].fixed, family.spaces[1].draw([0])
        name = family.names[0]
        model = self.model(family, family.spaces[1].settings(drawn), 0)
        emulator, decomposers = model, {}
        if family.model == "decomposer":
            joined = self.recipe.common_emulator()
            settings = {k: v for k, v in joined.items() if k not in ("name", "start")}
            emulator = host().build("emulator", joined["name"], settings)
            decomposers = {model.name: model}
        Pipeline(
            emulator,
            None if name is None else host().build("descriptor", name, described),
            decomposers,
            start=start.model,
        )
        require_same_target(start.model.target, self.target)
        if note := start.seen(self.dataset.samples.ids[self.rows]):
            log.warning("family '%s': %s", family.label, note)

    def _code(self, family: Family) -> dict[str, str]:
        """Return the hash of all code that the scores of a family come from."""
        named: list[tuple[str, str | None]] = [("descriptor", family.names[0])]
        named.append((family.model, family.names[1]))
        found = {f"{kind} '{n}'": source_hash(host().load(kind, n)) for kind, n in named if n}
        return {**found, "xreg's cross-validation": source_hash(Fold)}

    def inputs(
        self,
        family: Family,
        settings: Mapping[str, Any],
        rows: NDArray[np.intp],
        folds: Sequence[Fold],
    ) -> tuple[Callable[[Fold], Any], float]:
        """Return what models of a family take in a fold, and the processor time it cost.

        Parameters
        ----------
        family, settings
            What describes the samples.
        rows
            Row numbers of the samples that the folds divide.
        folds
            A descriptor is fitted on the training rows of each.

        Returns
        -------
        function
            Gives the inputs of all ``rows`` for one of the folds; NaN for those that stand in no
            part of it and cannot be described.
        float
            Seconds for all folds; what several of them share counts once.
        """
        samples = self.dataset.samples
        name = family.names[0]
        if name is None:
            everything = samples[rows]
            return lambda fold: everything, 0.0
        if name not in self._cache:
            alone = Execution(workers=1, features=self.features)
            self._cache[name] = FeatureCache(samples, self.dataset.hash, alone)
        start = None if family.start is None else family.start.model.features.descriptor
        return fold_inputs(
            self._cache[name],
            lambda: start or host().build("descriptor", name, settings),
            samples,
            rows,
            folds,
            fitted_already=start is not None,
        )

    def model(self, family: Family, settings: Mapping[str, Any], seed: int) -> Any:
        """Return a model of a family with these settings; one thread, and this seed."""
        name = family.names[1]
        fields = host().get(family.model, name).spec.config.model_fields
        own = {k: v for k, v in (("seed", seed), ("threads", 1)) if k in fields}
        built = host().build(family.model, name, own | dict(settings))
        if family.start is not None and family.model == "emulator":
            built.start_from(family.start.model.emulator)
        return built

    def preparation(self, family: Family) -> Preprocessing:
        """Return how features and targets reach the models of a family."""
        return self.preprocessing if family.start is None else inherited(family.start.model)

    def work(self, until: float | None = None) -> int:
        """Claim and judge groups until the budgets or the time are spent; return how many."""
        done = 0
        with self.study.worker() as me:
            while until is None or time.time() < until:
                group = self.study.claim(me)
                if group is None:
                    break
                self._judge(group)
                done += 1
        return done

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Report what all workers have done while the block waits for them."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(WATCH_SECONDS):
                self._report()

        self._report()
        watcher = threading.Thread(target=copy_context().run, args=(watch,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            self._report()

    def _report(self) -> None:
        budget = self.recipe.budget
        spent = [min(self.study.spent(family), budget) for family in self.families]
        told = sum(len(self.study.candidates(family)) for family in self.families)
        total = round(budget * len(self.families))
        progress.report("search (s)", round(sum(spent)), total, counted(told, "candidate"))

    def _judge(self, group: Group) -> None:
        """Build the descriptor and cross-validate the models on it, telling each result."""
        start = time.process_time()
        try:
            X, built = self.inputs(group.family, group.descriptor, self.rows, self.folds)
        except XregError as error:
            share = (time.process_time() - start) / len(group.trials)
            for number, _ in group.trials:
                self.study.tell(group.family, number, None, share, str(error))
            return
        cost = built if group.fresh else 0.0
        apart = group.family.together
        size = self.recipe.together if apart else 1
        batches: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
        for number, settings in group.trials:
            shared = {name: value for name, value in settings.items() if name not in apart}
            block = number // size, canonical_json(shared)
            batches.setdefault(block, []).append((number, settings))
        for batch in batches.values():
            if self.study.over(group.family):
                return
            cost = self._judge_batch(group.family, X, batch, cost)

    def _judge_batch(
        self, family: Family, X: Any, batch: list[tuple[int, dict[str, Any]]], cost: float
    ) -> float:
        """Judge some models together; each pays its share, the first the descriptor too.

        Folds that took long are written down one by one: a worker that is killed loses no more
        than the one that it was at. Between folds models are left when the budget is spent, lest
        large networks take many times what other families have; the first are judged at any cost.
        """
        numbers = [number for number, _ in batch]
        scores = self.study.noted(family, numbers, len(self.folds))
        left = np.flatnonzero(np.isnan(scores).any(axis=0))
        share = 0.0
        start = time.process_time()
        try:
            models = [self.model(family, s, self.recipe.seed) for _, s in batch]
            folds = [self.folds[i] for i in left]
            prepared = self.preparation(family)
            found = score_folds(models, X, self.known[self.rows], folds, prepared)
            for index, column in zip(left, found, strict=True):
                scores[:, index] = column
                share += (time.process_time() - start) / len(batch)
                if share >= NOTED_FROM:
                    self.study.note(family, numbers, int(index), column.tolist(), share)
                    share = 0.0
                if np.isnan(scores).any() and self.study.leave(
                    family, numbers, share + cost / len(batch)
                ):
                    return 0.0
                start = time.process_time()
        except XregError as error:
            spent = time.process_time() - start + share * len(batch)
            if len(batch) == 1:
                self.study.tell(family, batch[0][0], None, spent + cost, str(error))
                return 0.0
            # One of them is at fault: find out which; all pay for the attempt.
            cost += spent
            for entry in batch:
                cost = self._judge_batch(family, X, [entry], cost)
            return cost
        for number, row in zip(numbers, scores, strict=True):
            self.study.tell(family, number, row.tolist(), share + cost)
            cost = 0.0
        return cost

    def results(self) -> list[FamilyResult]:
        """Return how the families have done, best first; winners not yet judged again are."""
        results = [self._result(family) for family in self.families]
        return sorted(results, key=lambda s: -np.inf if s.score is None else s.score)[::-1]

    def _result(self, family: Family) -> FamilyResult:
        candidates = self.study.candidates(family)
        name = family.names[0] or family.names[1]
        installed = host().get("descriptor" if family.names[0] else family.model, name)
        reasons = [c.reason for c in candidates if c.scores is None]
        bare = FamilyResult(
            family.label, None, None, None, installed.origin,
            len(candidates), len(reasons), reasons[0] if reasons else "",
            self.study.done(family), self.study.spent(family),
        )  # fmt: skip
        best = self._best(family)
        if best is None:
            return bare
        found = self.judge_winner(family, best)
        scores = np.array(found["scores"])  # seeds, folds
        descriptor, model = (
            None if n is None else {"name": n, **settings}
            for n, settings in zip(family.names, (best.descriptor, best.model), strict=True)
        )
        if family.start is not None and family.model == "emulator" and model is not None:
            model["start"] = family.start.section.model_dump(mode="json")
        return replace(
            bare,
            descriptor=descriptor,
            emulator=model if family.model == "emulator" else None,
            decomposer=model if family.model == "decomposer" else None,
            score=float(scores.mean()),
            fold_spread=float(scores.mean(axis=0).std(ddof=1)),
            seed_spread=float(scores.mean(axis=1).std(ddof=1)) if len(scores) > 1 else None,
            test=found["test"],
        )

    def _best(self, family: Family) -> Candidate | None:
        done = [c for c in self.study.candidates(family) if c.scores is not None]
        return max(done, key=lambda c: c.score, default=None)

    def judge_winner(self, family: Family, best: Candidate | None = None) -> dict[str, Any]:
        """Judge a family's best candidate with several seeds, and on the test part; only once.

        Returns
        -------
        dict
            ``scores`` (seeds, folds) and ``test``; empty if no candidate has a score.
        """
        best = best or self._best(family)
        if best is None:
            return {}
        kept = self.folder / "winners" / f"{family.label}.json"
        found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
        if (found.get("family"), found.get("trial")) != (family.identity, best.number):
            found = {"family": family.identity, "trial": best.number}
            with progress.listen(no_progress):
                found |= self.judge(family, best.descriptor, best.model)
            kept.parent.mkdir(exist_ok=True)
            write_text(kept, json.dumps(found))
        return found

    def judge(
        self, family: Family, descriptor: Mapping[str, Any], model: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Judge one candidate as a winner is: by each seed and fold, and on the test part.

        Returns
        -------
        dict
            ``scores`` (seeds, folds) and ``test``, None without a test part.
        """
        seed, Y = self.recipe.seed, self.known
        X, _ = self.inputs(family, descriptor, self.rows, self.folds)
        models = [self.model(family, model, seed + i) for i in range(self.recipe.seeds)]
        prepared = self.preparation(family)
        scores = cross_validate(models, X, Y[self.rows], self.folds, prepared)
        result: dict[str, Any] = {"scores": scores.tolist(), "test": None}
        if len(self.test):
            fold = Fold(self.parts["train"], self.parts["validation"], self.test)
            if not len(fold.stop):
                fold = Fold(fold.train, fold.train, fold.held)
            everything = np.arange(len(self.dataset))
            (fold,) = predictable_folds(self.dataset.samples, everything, [fold], "test part")
            X, _ = self.inputs(family, descriptor, everything, [fold])
            last = self.model(family, model, seed)
            result["test"] = float(cross_validate([last], X, Y, [fold], prepared)[0, 0])
        return result


def no_progress(*_: Any) -> None:
    """Hear nothing: the training of a single candidate is of no interest."""
