"""Analyses of a run or an evaluation: chosen before any training, done after it, and stored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.core.analysis.needs import require
from xreg.core.config import Config
from xreg.core.errors import NotApplicableError
from xreg.core.files import write_csv
from xreg.core.hooks import AnalysisSpec
from xreg.core.interfaces.analysis import Analysed
from xreg.registry.plugins import host
from xreg.workbench.arrays import write_arrays
from xreg.workbench.recipes.sections import ComponentSection

if TYPE_CHECKING:
    from xreg.core.analysis.context import AnalysisContext, AnalysisData
    from xreg.core.model.model import Model
    from xreg.core.model.pipeline import Pipeline

__all__ = ["PlannedAnalysis", "choose", "run_analyses", "save"]

log = logging.getLogger("xreg.run")


@dataclass(frozen=True)
class PlannedAnalysis:
    """An analysis to be done, with its settings.

    Attributes
    ----------
    label
        What its results are called.
    named
        Whether it was asked for: then it is an error if it does not apply.
    """

    label: str
    spec: AnalysisSpec
    config: Config
    named: bool


def choose(
    asked: Mapping[str, ComponentSection] | None, model: Pipeline | Model, data: AnalysisData
) -> list[PlannedAnalysis]:
    """Return what is to be done: what is asked for, else what applies by default.

    Parameters
    ----------
    asked
        The analyses by label; None for the default.
    model, data
        What will be looked at; the model need not be fitted yet.

    Raises
    ------
    NotApplicableError
        If something is asked for that model or data do not allow.
    UnknownNameError, DataError
        If settings name a label or an energy window that the data do not have.
    """
    if asked is not None:
        chosen = [
            PlannedAnalysis(label, _spec(one.name), _config(one.name, one.settings, data), True)
            for label, one in asked.items()
        ]
        for one in chosen:
            require(one.spec, model, data, one.config)
        return chosen
    return list(_default(model, data))


def _spec(name: str) -> AnalysisSpec:
    spec = host().get("analysis", name).spec
    assert isinstance(spec, AnalysisSpec)  # the host has seen to it
    return spec


def _default(model: Pipeline | Model, data: AnalysisData) -> Iterator[PlannedAnalysis]:
    for installed in host().of_kind("analysis"):
        spec = installed.spec
        if isinstance(spec, AnalysisSpec) and spec.default and not spec.missing():
            try:
                require(spec, model, data)
            except NotApplicableError:
                continue
            yield PlannedAnalysis(spec.name, spec, _config(spec.name, {}, data), False)


def _config(name: str, settings: Mapping[str, Any], data: AnalysisData) -> Config:
    """Return the settings of an analysis, validated; a seed left open is the recipe's."""
    config = host().get("analysis", name).spec.config
    own = {"seed": data.seed} if "seed" in config.model_fields else {}
    return config.parse({**own, **settings}, f"analysis {name}")


def run_analyses(
    chosen: Sequence[PlannedAnalysis],
    context: AnalysisContext,
    stages: Callable[[str], AbstractContextManager[None]],
    remarks: list[str] | None = None,
) -> list[Analysed]:
    """Do the analyses, each as a stage of its own; a default one that does not apply is logged.

    Parameters
    ----------
    chosen
        What to do.
    context
        The fitted model and its data.
    stages
        Opens a stage of the given name.
    remarks
        Takes a sentence for each analysis that was asked for and turns out not to apply: a model
        that took hours to train is not lost for it.

    Raises
    ------
    NotApplicableError
        If that happens and no ``remarks`` are given.
    """
    done = []
    for one in chosen:
        with stages(f"analysis {one.label}"):
            try:
                analysis = host().load("analysis", one.spec.name)(one.config)
                findings = analysis.analyse(context)
            except NotApplicableError as error:
                if not one.named:
                    log.info("left out: %s", error)
                elif remarks is None:
                    raise
                else:
                    remarks.append(f"Analysis '{one.spec.name}' was left out: {error}")
                    log.warning("%s", remarks[-1])
            else:
                done.append(
                    Analysed(one.label, one.spec.name, one.spec.summary, one.config, findings)
                )
    return done


def save(done: Sequence[Analysed], folder: Path) -> None:
    """Write tables (CSV) and arrays (Zarr) into ``<folder>/<label>/``."""
    for analysed in done:
        findings = analysed.findings
        home = folder / analysed.label
        if findings.tables or findings.arrays:
            home.mkdir(parents=True)
        for table in findings.tables:
            write_csv(home / f"{table.name}.csv", [table.columns, *table.rows])
        if findings.arrays:
            write_arrays(home / "arrays.zarr", dict(findings.arrays), units=findings.units)
