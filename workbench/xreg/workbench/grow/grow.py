"""A dataset that grows where a model is least sure, until it is good enough."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.errors import ConfigError, RunError
from xreg.core.executor import ExecutorKind
from xreg.core.files import require_parent_folder, write_text
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.metrics import covered_variance
from xreg.core.model.features import Featurizer, build_features
from xreg.core.model.inputs import FeatureInputs
from xreg.core.model.model import Model
from xreg.core.source import source_hash
from xreg.core.storage import canonical_json, digest
from xreg.registry.plugins import host
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.generate.generate import build_generator, generate_table
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.generate.samples import SampleTable, read_samples, sample_keys
from xreg.workbench.grow.pool import choose, set_apart
from xreg.workbench.grow.recipe import GrowRecipe
from xreg.workbench.grow.record import Record, Round
from xreg.workbench.result_folder import LOG, result_folder
from xreg.workbench.run.features import Execution, FeatureCache
from xreg.workbench.run.preparation import Stages, prepare
from xreg.workbench.run.recipe import Recipe, resolve
from xreg.workbench.run.training import train

__all__ = ["Grown", "grow"]

log = logging.getLogger("xreg.grow")
PART, ROUND = "part", "round"


@dataclass(frozen=True, eq=False)
class Grown:
    """What a growth left.

    Attributes
    ----------
    folder
        Everything: the record, the recipe of a run on the data, picture and page.
    store
        The dataset.
    record
        Its rounds.
    notes
        What was read of the pool in a way that the user should see.
    """

    folder: Path
    store: Path
    record: Record
    notes: tuple[str, ...] = ()


def grow(
    recipe: GrowRecipe,
    base: Path,
    out: Path,
    *,
    workers: int | None = None,
    executor: ExecutorKind = "process",
    scheduler: str | None = None,
) -> Grown:
    """Compute samples round by round, each round those that the model of the last one lacks.

    A killed call goes on where it was: every round is written down before its spectra are
    computed, and every spectrum when it is.

    Parameters
    ----------
    recipe
        What to grow.
    base
        Folder that the recipe's file of samples is meant from.
    out
        The folder of the result; gone on with where it exists.
    workers, executor, scheduler
        See :func:`xreg.core.executor.open_workers`.

    Raises
    ------
    ConfigError, DataError, MissingRequirementError
        If the request is bad, or the emulator has no spread.
    RunError
        If a sample fails and the recipe refuses that; what was finished is kept.
    """
    plugins = host()
    generator = build_generator(recipe.generator, plugins)
    table = read_samples(recipe.samples, base, recipe.precision, generator)
    if table.unfit and recipe.bad == "refuse":
        raise ConfigError(f"{next(iter(table.unfit.values()))} (bad: set-aside leaves it out).")
    compute = partial(
        generate_table, workers=workers, executor=executor, scheduler=scheduler, plugins=plugins
    )
    key = _key(recipe, table, generator)
    require_parent_folder(out)
    if out.exists() and not out.is_dir():
        raise ConfigError(f"'{out}' is a file; choose a folder.")
    begun = not out.exists() or (out / "rounds.json").exists()
    if not begun and any(path.name != LOG for path in out.iterdir()):
        raise ConfigError(f"'{out}' exists and is no growth; choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    with result_folder(out, "growth", goes_on=True):
        record = Record.open(out / "rounds.json", key)
        growth = _Growth(recipe, table, generator, record, out, compute)
        if not record.finished:
            growth.run()
    return Grown(out, out / recipe.store_name, record, tuple(table.notes))


def _key(recipe: GrowRecipe, table: SampleTable, generator: SpectrumGenerator) -> str:
    plain = recipe.plain()
    for changing in ("budget", "error"):
        del plain["growth"][changing]
    parts = [plain, sample_keys(table.samples), source_hash(type(generator)), generator.version()]
    return digest(canonical_json(parts).encode())


class _Growth:
    """The rounds of one growth."""

    def __init__(
        self,
        recipe: GrowRecipe,
        table: SampleTable,
        generator: SpectrumGenerator,
        record: Record,
        out: Path,
        compute: Callable[..., Any],
    ) -> None:
        self.recipe, self.table, self.generator = recipe, table, generator
        self.record, self.out, self.compute = record, out, compute
        self.row_of = {str(name): row for row, name in enumerate(table.samples.ids)}
        self.featurize = self._featurizer()

    def run(self) -> None:
        """Carry rounds out until one of them ends it, and write the result."""
        record, growth = self.record, self.recipe.growth
        if not record.rounds:
            self._begin()
        while True:
            store = self._store()
            model = self._judge(store)
            last = record.rounds[-1]
            log.info("%d samples: relative error %.3f", last.trained, last.error)
            progress.report(
                "growing", record.computed, growth.budget, f"relative error {last.error:.3f}"
            )
            if why := self._finished():
                break
            self._propose(model)
        self._write(store)
        record.finished = why
        record.save()
        shutil.rmtree(self.out / "rounds")

    def _begin(self) -> None:
        rng = self._rng()
        test = set_apart(self.table, self.recipe.test, rng)
        self.record.test = test.tolist()
        left = self._left()
        start = rng.choice(left, min(self.recipe.growth.start, len(left)), replace=False)
        self._add(Round(start.tolist(), []), rng)

    def _add(self, one: Round, rng: np.random.Generator) -> None:
        held = round(self.recipe.growth.validation * len(one.rows))
        one.validation = rng.choice(one.rows, held, replace=False).tolist()
        self.record.rounds.append(one)
        self.record.save()

    def _rng(self) -> np.random.Generator:
        """Return the draws of the round that comes next, the same whenever it is asked for."""
        return np.random.default_rng([self.recipe.seed, len(self.record.rounds)])

    def _left(self) -> NDArray[np.intp]:
        """Return the rows of the pool that have not been asked for.

        Where whole groups are set apart, the other samples of theirs are none.
        """
        asked = [*self.record.test, *(row for one in self.record.rounds for row in one.rows)]
        return np.setdiff1d(np.arange(len(self.table.samples)), [*asked, *self.table.unfit])

    def _propose(self, model: Model) -> None:
        rng = self._rng()
        budget = self.recipe.growth.budget - self.record.computed
        found = choose(self.recipe, self.table, model, self._left(), rng)
        self._add(Round(found.rows[:budget].tolist(), [], found.spread, found.unknown), rng)

    def _finished(self) -> str:
        """Return why the last round is the last one; empty where it is not."""
        growth, last = self.recipe.growth, self.record.rounds[-1]
        if growth.error is not None and last.error <= growth.error:
            return f"the relative error is {last.error:.3g}, as was asked for"
        if self.record.computed >= growth.budget:
            return f"the budget of {growth.budget} samples is spent"
        return "" if len(self._left()) else "the pool is empty"

    def _place(self, number: int) -> Path:
        return self.out / "rounds" / f"{number:04d}.zarr"

    def _store(self) -> Path:
        """Return the store of all samples so far, computing what it lacks."""
        number = len(self.record.rounds)
        store, earlier = self._place(number), self._place(number - 1)
        if not store.exists():
            store.parent.mkdir(exist_ok=True)
            began = time.monotonic()
            made = self.compute(self._generation(earlier), self.generator, self._samples(), store)
            last = self.record.rounds[-1]
            before = {name for one in self.record.rounds[:-1] for name in one.failed}
            last.failed = {
                name: why
                for name, why in made.failures.items()
                if name in self.row_of and name not in before
            }
            last.seconds["computing"] = time.monotonic() - began
            self.record.save()
        shutil.rmtree(earlier, ignore_errors=True)
        return store

    def _generation(self, earlier: Path) -> GenerationRecipe:
        plain = self.recipe.plain()
        shared = ("dataset", "samples", "generator", "precision", "processing", "bad")
        return GenerationRecipe.parse(
            {
                **{key: plain[key] for key in shared},
                "split": {"parts": PART},
                "extends": str(earlier) if earlier.exists() else "",
            },
            "recipe",
        )

    def _samples(self) -> SampleTable:
        """Return all samples asked for so far, but those that failed in an earlier round."""
        record, table = self.record, self.table
        failed = {name: why for one in record.rounds[:-1] for name, why in one.failed.items()}
        rows = [*record.test, *(row for one in record.rounds for row in one.rows)]
        held = {row for one in record.rounds for row in one.validation}
        number = {row: n for n, one in enumerate(record.rounds) for row in one.rows}
        kept = np.array([row for row in rows if str(table.samples.ids[row]) not in failed])
        parts = ["validation" if r in held else "train" if r in number else "test" for r in kept]
        labels = {name: values[kept] for name, values in table.labels.items()}
        if both := sorted({PART, ROUND} & set(labels)):
            raise ConfigError(f"the label '{both[0]}' is one that growing gives; rename yours.")
        labels |= {PART: np.array(parts), ROUND: np.array([number.get(r, -1) for r in kept])}
        return replace(
            table, samples=table.samples[kept], labels=labels, unfit={}, bad={**table.bad, **failed}
        )

    def _run_recipe(self, store: Path | str) -> Recipe:
        plain = self.recipe.plain()
        model = {
            key: plain[key] for key in ("target", "descriptor", "features", "emulator", "seed")
        }
        return Recipe.parse(
            {
                **model,
                "name": self.recipe.dataset.name,
                "dataset": {"path": str(store)},
                "split": {"name": "default"},
                "bad": self.recipe.bad,
            },
            "recipe",
        )

    def _judge(self, store: Path) -> Model:
        """Train on all samples so far, and write down how far the model is from the test ones."""
        began = time.monotonic()
        recipe = self._run_recipe(store)
        stages = Stages()
        ready = prepare(resolve(recipe), Execution(), stages)
        model = train(ready, stages)
        rows = ready.rows["test"]
        if len(rows) < 2:
            raise RunError("fewer than two test samples could be computed; nothing can be judged.")
        predicted, _ = model.predict_with_spread(model.inputs(ready.resolved.dataset.samples[rows]))
        last = self.record.rounds[-1]
        last.r2 = covered_variance(ready.known[rows], predicted)
        last.error = float(np.sqrt(max(0.0, 1 - last.r2)))
        last.trained = len(ready.rows["train"])
        last.seconds["training"] = time.monotonic() - began
        self.record.save()
        if isinstance(model.inputs, FeatureInputs):
            model.inputs.featurize = self.featurize  # the run's cache knows its own samples alone
        return model

    def _featurizer(self) -> Featurizer:
        """Return what describes candidates: a pool of which every round looks at all, once."""
        samples = self.table.samples
        if self.table.unfit or len(samples) > self.recipe.growth.candidates:
            return build_features
        return FeatureCache(samples, "", Execution())

    def _write(self, store: Path) -> None:
        """Write the dataset with its history, the recipe of a run on it, picture and page."""
        from xreg.workbench.grow.results import write_results

        dataset = open_store(store)
        provenance = {k: v for k, v in dataset.metadata.provenance.items() if k != "extends"}
        provenance |= {
            "made_by": str(provenance["made_by"]).replace("xreg data generate", "xreg grow"),
            "growth": self.recipe.growth.model_dump(mode="json"),
        }
        final = self.out / self.recipe.store_name
        if final.exists():  # of a call that was killed right after
            shutil.rmtree(final)
        write_store(
            replace(
                dataset, metadata=dataset.metadata.model_copy(update={"provenance": provenance})
            ),
            final,
            precision=self.recipe.precision,
            like=dataset,
        )
        write_text(self.out / "recipe.yaml", self.recipe.to_yaml())
        write_text(self.out / "run.yaml", self._run_recipe(self.recipe.store_name).to_yaml())
        write_results(self.recipe, self.record, self.out)
