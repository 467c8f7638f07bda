"""A run: from a recipe to a folder that holds the whole result."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.dataset import finite_rows, require_finite
from xreg.core.errors import DataError, RunError, SampleError, XregError
from xreg.core.interfaces import FeatureLabel
from xreg.core.pipeline import Pipeline, Target
from xreg.core.run import ReportSection, Run
from xreg.registry import provenance
from xreg.registry.features import Execution, FeatureCache
from xreg.registry.files import disk_errors, flush, staging
from xreg.registry.plugins import host
from xreg.registry.recipe import Recipe, Resolved, resolve

__all__ = ["Prepared", "Stages", "execute", "prepare"]

log = logging.getLogger("xreg.run")


class Stages:
    """Wall time of each named stage, logged and told to whoever watches."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.current = ""
        self._start = time.perf_counter()

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._start

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what happens inside the block."""
        self.current = name
        log.info("%s …", name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        log.info("%s done in %.1f s", name, self.seconds[name])


@dataclass(eq=False)
class Prepared:
    """What is ready before training: samples divided, targets in memory, features in the cache.

    Attributes
    ----------
    resolved
        Recipe and objects.
    target
        What is predicted.
    known
        (n, m) targets of all samples of the dataset.
    rows
        Row numbers of train, validation and test, without samples set aside.
    set_aside
        Id and reason of each sample that was left out.
    features
        What the descriptor's columns mean; empty without one.
    """

    resolved: Resolved
    target: Target
    known: NDArray[np.float64]
    rows: dict[str, NDArray[np.intp]]
    set_aside: list[dict[str, str]] = field(default_factory=list)
    features: list[FeatureLabel] = field(default_factory=list)


def execute(
    recipe: Recipe, out: str | Path | None = None, execution: Execution | None = None
) -> Path:
    """Carry out a recipe and return the folder of its results.

    Parameters
    ----------
    recipe
        What to do.
    out
        Folder to make; ``runs/<date>-<recipe name>`` by default, with a number where that exists.
    execution
        Where costly descriptors run.

    Returns
    -------
    Path
        The folder, complete. Nothing appears under its name before.

    Raises
    ------
    XregError
        A bad request, as the component or dataset at fault says it.
    RunError
        If anything else fails; the message names the stage, and a log is kept beside.
    """
    if out is not None and Path(out).exists():
        raise DataError(f"'{out}' exists already; remove it or choose another folder.")
    stages = Stages()
    started = datetime.now(UTC)
    with stages("dataset"):
        resolved = resolve(recipe)
    final = Path(out) if out is not None else _free_name(resolved.recipe.name, started)
    final.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"run '{resolved.recipe.name}'"), staging(final) as folder:
        with _logged(folder / "run.log"):
            run = Run(resolved.recipe.name, folder, resolved.recipe.plain())
            try:
                _carry_out(run, resolved, stages, started, execution or Execution())
            except Exception as error:
                raise _failure(error, stages.current, folder, final) from error
        flush(folder)
        if final.exists():  # made by a run that went on beside this one
            if out is not None:
                raise RunError(f"'{out}' was made by another run meanwhile; choose another folder.")
            final = _free_name(resolved.recipe.name, started)
        os.rename(folder, final)
    run.folder = final
    with _logged(final / "run.log"):
        _call_hooks("xreg_run_finished", run)
    return final


def prepare(resolved: Resolved, execution: Execution, stages: Stages) -> Prepared:
    """Divide the samples, check the targets, and build all features into the cache.

    Raises
    ------
    DataError, SampleError
        If a sample's spectrum or features are not finite, or the descriptor cannot describe it,
        and the recipe refuses bad samples.
    """
    recipe, dataset, channel = resolved.recipe, resolved.dataset, resolved.channel
    ids = dataset.samples.ids
    refuse = recipe.bad_samples == "refuse"
    with stages("targets"):
        known = np.asarray(channel.intensity, dtype=np.float64)
        what = f"channel '{recipe.target.channel}' of dataset '{dataset.metadata.name}'"
        if refuse:
            require_finite(known, ids, what)
        bad = {
            row: f"{what} is not finite there"
            for row in np.flatnonzero(~finite_rows(known)).tolist()
        }
        divided = resolved.split.indices(ids)
    target = Target(str(recipe.target.channel), channel.energy, channel.features, channel.unit)
    ready = Prepared(resolved, target, known, _without(divided, bad))
    _require_training(ready)
    descriptor = resolved.pipeline.descriptor
    if descriptor is not None:
        with stages("features"):
            installed = host().get("descriptor", descriptor.name)
            origin = f"{installed.distribution} {installed.version}"
            cache = FeatureCache(dataset.samples, dataset.hash, origin, execution=execution)
            while True:
                descriptor.fit(dataset.samples[ready.rows["train"]])
                cache.build(descriptor)
                new = {row: why for row, why in cache.bad.items() if row not in bad}
                used = np.concatenate(list(ready.rows.values()))
                if not new or not np.isin(list(new), used).any():
                    break
                if refuse:
                    raise SampleError(_refusal(new, ids))
                # What is learned from the samples that remain may differ: fit and look again.
                bad |= new
                ready.rows = _without(divided, bad)
                _require_training(ready)
            resolved.pipeline.featurize = cache
            ready.features = list(descriptor.feature_labels)
            log.info("%d of %d samples described anew", cache.computed, len(ids))
    ready.set_aside = [{"id": str(ids[row]), "reason": bad[row]} for row in sorted(bad)]
    for entry in ready.set_aside:
        log.warning("set aside: %s: %s", entry["id"], entry["reason"])
    return ready


def _without(
    divided: dict[str, NDArray[np.intp]], bad: dict[int, str]
) -> dict[str, NDArray[np.intp]]:
    out = np.array(sorted(bad), dtype=np.intp)
    return {part: rows[~np.isin(rows, out)] for part, rows in divided.items()}


def _require_training(ready: Prepared) -> None:
    if len(ready.rows["train"]) < 2:
        raise DataError("fewer than two training samples remain; use another split or dataset.")


def _refusal(bad: dict[int, str], ids: NDArray[np.str_]) -> str:
    first = min(bad)
    text = bad[first].rstrip(".")
    named = text if str(ids[first]) in text else f"sample '{ids[first]}': {text}"
    count = f"{len(bad)} such samples" if len(bad) > 1 else "the only such sample"
    return f"{named} ({count}; 'bad_samples: set-aside' leaves them out)."


def _carry_out(
    run: Run, resolved: Resolved, stages: Stages, started: datetime, execution: Execution
) -> None:
    from xreg.core.report.draw import draw_all
    from xreg.core.report.page import render
    from xreg.registry import results

    _seed_everything(resolved.recipe.seed)
    _call_hooks("xreg_run_started", run)
    ready = prepare(resolved, execution, stages)
    results.check_colours(ready)
    pipeline = resolved.pipeline
    _train(ready, stages)
    with stages("evaluation"):
        material = results.evaluate(ready)
    run.recipe = results.final_recipe(ready, material)
    run.metrics = dict(material.metrics)
    folder = run.folder
    with stages("saving"):
        pipeline.save(folder / "model")
        results.save_arrays(ready, material, folder)
    with stages("figures"):
        pictures = draw_all(material, folder / "figures")
    with stages("report"):
        run.seconds = stages.total
        summary = provenance.summary(run, ready, stages.seconds, started)
        extra = _extra_sections(run)
        material = results.with_provenance(material, run.recipe, summary)
        (folder / "report.html").write_text(render(material, pictures, extra), encoding="utf-8")
    (folder / "recipe.yaml").write_text(Recipe.parse(run.recipe, "recipe").to_yaml())
    _write_json(folder / "metrics.json", run.metrics)
    run.seconds = stages.total
    _write_json(folder / "summary.json", provenance.summary(run, ready, stages.seconds, started))


def _train(ready: Prepared, stages: Stages) -> None:
    """Fit emulator and decomposers, one stage each."""
    pipeline: Pipeline = ready.resolved.pipeline
    samples, rows, known = ready.resolved.dataset.samples, ready.rows, ready.known
    decomposers, pipeline.decomposers = pipeline.decomposers, {}
    train, held = samples[rows["train"]], rows["validation"]
    with stages(f"emulator {pipeline.emulator.name}"):
        validation = (samples[held], known[held]) if len(held) else None
        pipeline.fit(train, known[rows["train"]], ready.target, validation)
    assert pipeline.targets_ is not None
    for done, (label, decomposer) in enumerate(decomposers.items()):
        progress.report("decomposers", done, len(decomposers), label)
        with stages(f"decomposer {label}"):
            emulator = pipeline.emulator if decomposer.needs_emulator else None
            scaled = pipeline.targets_.transform(known[rows["train"]])
            decomposer.fit(pipeline.inputs(train), scaled, emulator)
            decomposer.emulator = pipeline.emulator
            pipeline.decomposers[label] = decomposer
        progress.report("decomposers", done + 1, len(decomposers), label)


def _seed_everything(seed: int) -> None:
    """Seed the global generators too, for components that use them in spite of their settings."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _failure(error: Exception, stage: str, folder: Path, final: Path) -> XregError:
    """Return what the user is told; what is no request's fault keeps its log beside."""
    if isinstance(error, XregError) and not isinstance(error, RunError):
        return error
    if isinstance(error, OSError):
        raise error
    log.error("the run failed", exc_info=error)
    kept = final.with_name(f"{final.name}.failed.log")
    shutil.copyfile(folder / "run.log", kept)
    if isinstance(error, RunError):
        return error
    text = str(error).partition("\n")[0]
    return RunError(
        f"the run failed in stage '{stage}' with {type(error).__name__}"
        f"{f': {text}' if text else ''}; its log is {kept}."
    )


@contextmanager
def _logged(path: Path) -> Iterator[None]:
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


def _free_name(name: str, started: datetime) -> Path:
    """Return a folder in ``runs/`` that neither exists nor is being made by another run."""
    stem = f"{started.astimezone():%Y-%m-%d}-{name}"
    number = 1
    while True:
        final = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
        lock = final.parent / f".{final.name}.tmp" / "lock"
        if not final.exists() and not _held(lock):
            return final
        number += 1


def _held(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # it vanished with its run
        return False


def _call_hooks(name: str, run: Run) -> list[Any]:
    """Call a hook of every plugin; one that raises is logged and hurts nobody else."""
    found = []
    for implementation in getattr(host().manager.hook, name).get_hookimpls():
        try:
            found.append(implementation.function(*([run] if implementation.argnames else [])))
        except Exception:  # a plugin may fail in any way
            log.exception("hook %s of plugin %s failed", name, implementation.plugin_name)
    return found


def _extra_sections(run: Run) -> list[ReportSection]:
    sections: list[ReportSection] = []
    for answer in _call_hooks("xreg_report_sections", run):
        for section in answer or ():
            if isinstance(section, ReportSection):
                sections.append(section)
            else:
                log.error("hook xreg_report_sections returned %r, no ReportSection", section)
    return sections


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
