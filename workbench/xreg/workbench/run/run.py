"""A run: from a recipe to a folder that holds the whole result."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from xreg.core.analysis.context import AnalysisContext
from xreg.core.files import require_free
from xreg.core.model.preprocessing import ScaledColumns
from xreg.core.run import ReportSection, Run
from xreg.registry.plugins import host
from xreg.workbench.recipes.lockbox import counted_look
from xreg.workbench.recipes.splits import split_group
from xreg.workbench.result_folder import logged, result_folder, write_json
from xreg.workbench.run import analyses, provenance
from xreg.workbench.run.crate import write_crate
from xreg.workbench.run.features import Execution
from xreg.workbench.run.preparation import Prepared, Stages, prepare
from xreg.workbench.run.recipe import Recipe, Resolved, resolve
from xreg.workbench.run.training import seed_everything, train

if TYPE_CHECKING:
    from xreg.workbench.report.report_data import ReportData

__all__ = ["execute", "train"]

log = logging.getLogger("xreg.run")
METHOD = ("target", "descriptor", "features", "emulator", "decomposers")
"""What makes a method, of the keys of a recipe."""
NO_TRUST = (
    "The model has no error model: too few validation spectra to learn which predictions go wrong "
    "(30 are needed, or 20 to 300 for training and validation together); predictions say only "
    "whether a sample lies outside of training."
)


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
    if out is not None:
        require_free(Path(out))
    stages = Stages()
    started = datetime.now(UTC)
    with stages("dataset"):
        resolved = resolve(recipe)
    name = resolved.recipe.name
    place = (lambda: _free_name(name, started)) if out is None else Path(out)
    with result_folder(place, "run", stage=lambda: stages.current) as growing:
        run = Run(name, growing.path, resolved.recipe.plain())
        _carry_out(run, resolved, stages, started, execution or Execution())
    run.folder = growing.final
    with logged(run.folder / "run.log"):
        _call_hooks("xreg_run_finished", run)
    return run.folder


def _carry_out(
    run: Run, resolved: Resolved, stages: Stages, started: datetime, execution: Execution
) -> None:
    from xreg.workbench.report.draw import draw_all
    from xreg.workbench.report.page import render
    from xreg.workbench.run import results, saving

    seed_everything(resolved.recipe.seed)
    _call_hooks("xreg_run_started", run)
    ready = prepare(resolved, execution, stages)
    results.check_colours(ready)
    data = results.data_of(ready)
    chosen = analyses.choose(resolved.recipe.analyses, resolved.pipeline, data)
    model = train(ready, stages)
    context = AnalysisContext.of(model, data)
    plain = resolved.recipe.plain()
    method = {key: plain[key] for key in METHOD}
    looks = counted_look(resolved.recipe.split, resolved.dataset, "run", run.name, method)
    if looks is not None:
        ready.looks = looks.plain()
        ready.remarks.insert(0, looks.in_words())
        log.warning("%s", ready.remarks[0])
    with stages("predictions and trust"):
        calibration = resolved.recipe.calibration
        results.judge(context, resolved.recipe.split.group, calibration.folds, calibration.group)
        if model.trust is None and ready.target.energy is not None:
            ready.remarks.append(NO_TRUST)
            log.warning("%s", NO_TRUST)
    report_data = _judged(run.name, ready, context, chosen, stages, execution)
    run.recipe = results.final_recipe(ready, report_data)
    run.metrics = dict(report_data.metrics)
    folder = run.folder
    with stages("saving"):
        model.save(folder / "model")
        saving.save_splits(ready, folder)
        if isinstance(scaling := model.inputs.scaling, ScaledColumns):
            write_json(folder / "features.json", scaling.kept.table(ready.features))
        saving.save_arrays(context, report_data, folder)
        analyses.save(report_data.analyses, folder / "analyses")
    with stages("figures"):
        guard = partial(analyses.guarded, remarks=ready.remarks)
        pictures = draw_all(report_data, folder / "figures", guard)
    features = len(model.feature_labels)
    with stages("report"):
        run.seconds = stages.total
        summary = provenance.summary(run, ready, features, stages.seconds, started)
        extra = _extra_sections(run)
        report_data = results.with_provenance(report_data, run.recipe, summary)
        explored = _explore(folder, resolved, summary)
        page = render(report_data, pictures, extra, explorer=explored)
        (folder / "report.html").write_text(page, encoding="utf-8")
    run.seconds = stages.total
    _write_facts(run, provenance.summary(run, ready, features, stages.seconds, started))


def _judged(
    name: str,
    ready: Prepared,
    context: AnalysisContext,
    chosen: Sequence[analyses.PlannedAnalysis],
    stages: Stages,
    execution: Execution,
) -> ReportData:
    """Score the model, do the analyses, and the same for every further split of the recipe."""
    from xreg.workbench.run import results
    from xreg.workbench.run.scoring import score_remarks
    from xreg.workbench.run.splits import KEY, JudgedSplit, other_splits, over_splits, which_model

    resolved = ready.resolved
    with stages("evaluation"):
        report = resolved.recipe.report
        group = split_group(resolved.dataset, resolved.recipe.split.group)
        report_data = results.evaluate(context, name, report.labels, ready.colours, group)
        for remark in score_remarks(report_data.metrics):
            log.warning("%s", remark)
            ready.remarks.append(remark)
    done = analyses.run_analyses(chosen, context, stages, ready.remarks)
    report_data = results.with_analyses(report_data, done)
    if len(resolved.splits) > 1:
        first = next(iter(resolved.splits))
        judged = [JudgedSplit.of(first, context, report_data.metrics, done, group)]
        judged += other_splits(resolved, chosen, group, stages, execution, ready.remarks)
        found = over_splits(judged, context.judged, resolved.recipe.seed)
        metrics = {**report_data.metrics, KEY: found}
        ready.remarks.insert(0, which_model(judged, found))
        report_data = replace(report_data, metrics=metrics)
    return report_data


def _write_facts(run: Run, summary: dict[str, Any]) -> None:
    """Write the files that say what was done and what came out."""
    folder = run.folder
    (folder / "recipe.yaml").write_text(Recipe.parse(run.recipe, "recipe").to_yaml())
    write_json(folder / "metrics.json", run.metrics)
    write_json(folder / "summary.json", summary)
    write_crate(folder, summary)


def _explore(folder: Path, resolved: Resolved, summary: dict[str, Any]) -> bool:
    """Write the explorer, where the recipe asks for one, and return whether it does."""
    if not resolved.recipe.report.explorer:
        return False
    from xreg.workbench.explorer.explore import EXPLORER
    from xreg.workbench.explorer.page import write_explorer
    from xreg.workbench.explorer.result import view_of_result

    write_explorer(view_of_result(folder, resolved.dataset, summary), folder / EXPLORER)
    return True


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
