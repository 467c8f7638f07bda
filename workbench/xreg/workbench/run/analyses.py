"""Analyses of a run or an evaluation: chosen before any training, done after it, and stored."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.analysis.needs import require
from xreg.core.config import Config
from xreg.core.errors import NotApplicableError, PluginError, XregError
from xreg.core.files import write_csv
from xreg.core.hooks import AnalysisSpec
from xreg.core.interfaces.analysis import Analysed, Findings
from xreg.registry.plugins import host
from xreg.workbench.arrays import write_arrays
from xreg.workbench.recipes.sections import ComponentSection

if TYPE_CHECKING:
    from xreg.core.analysis.context import AnalysisContext, AnalysisData
    from xreg.core.model.model import Model
    from xreg.core.model.pipeline import Pipeline

__all__ = ["PlannedAnalysis", "choose", "guarded", "run_analyses", "save"]

log = logging.getLogger("xreg.run")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class PlannedAnalysis:
    """An analysis to be done, with its settings.

    Attributes
    ----------
    label
        What its results are called.
    named
        Whether it was asked for: then it is told if it does not apply.
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
    remarks: list[str],
    *,
    strict: bool = False,
) -> list[Analysed]:
    """Do the analyses, each as a stage of its own.

    One that fails costs its own findings and no more: a model that took hours to train is not lost
    for it.

    Parameters
    ----------
    chosen
        What to do.
    context
        The fitted model and its data.
    stages
        Opens a stage of the given name.
    remarks
        Takes a sentence for each analysis that fails, or that was asked for and turns out not to
        apply.
    strict
        Whether what was asked for and cannot be done is an error, as where nothing was trained.

    Raises
    ------
    XregError
        If ``strict``, whatever an analysis says in words.
    """
    done = []
    for one in chosen:
        what = f"Analysis '{one.label}'"
        with (
            stages(f"analysis {one.label}"),
            guarded(what, one.spec.name, remarks, named=one.named, strict=strict),
        ):
            analysis = host().load("analysis", one.spec.name)(one.config)
            findings = _checked(analysis.analyse(context))
            done.append(Analysed(one.label, one.spec.name, one.spec.summary, one.config, findings))
    return done


@contextmanager
def guarded(
    what: str, name: str, remarks: list[str], *, named: bool = True, strict: bool = False
) -> Iterator[None]:
    """Turn what an analysis raises in the block into a remark.

    Parameters
    ----------
    what
        What is lost then, in words.
    name
        Name of the analysis.
    remarks
        Takes the sentence.
    named
        Whether it was asked for; else one that does not apply is no more than logged.
    strict
        Whether what it says in words is raised.
    """
    try:
        yield
    except Exception as error:  # a plugin may fail in any way
        if isinstance(error, NotApplicableError) and not named:
            log.info("left out: %s", error)
            return
        if isinstance(error, XregError) and not isinstance(error, PluginError):
            if strict:
                raise
            remarks.append(f"{what} was left out: {error}")
            log.warning("%s", remarks[-1])
            return
        text = str(error).partition("\n")[0].rstrip(".")
        remarks.append(
            f"{what} was left out, as plugin {host().get('analysis', name)} failed with "
            f"{type(error).__name__}{f': {text}' if text else ''}; run.log has the traceback."
        )
        log.exception("%s", remarks[-1])


def _checked(findings: Any) -> Findings:
    """Return the findings of an analysis if they can be written down."""
    if not isinstance(findings, Findings):
        raise PluginError(f"it returned {type(findings).__name__}, no Findings")
    names = [*(t.name for t in findings.tables), *(d.name for d in findings.drawings)]
    if bad := next((name for name in names if not NAME.fullmatch(name)), None):
        raise PluginError(f"'{bad}' is no name of a table or figure (letters, digits, dashes)")
    if bad := next((k for k, a in findings.arrays.items() if np.asarray(a).dtype.hasobject), None):
        raise PluginError(f"its array '{bad}' holds objects, not numbers or texts")
    json.dumps(findings.plain(), allow_nan=False)
    return findings


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
