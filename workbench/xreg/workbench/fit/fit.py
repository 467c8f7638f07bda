"""A measured spectrum fitted with a trained model and an exact generator: ``xreg fit``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.errors import ConfigError, DataError, XregError
from xreg.core.measured.spectrum import Measured, read_measured
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import PLAIN
from xreg.registry.consent import component_code, require_consent
from xreg.registry.datasets import find, open_dataset
from xreg.registry.models import SavedModel, find_model, load_model
from xreg.registry.plugins import host
from xreg.registry.registries import Registry, configured
from xreg.workbench.fit.problem import Background, Problem, narrowed
from xreg.workbench.fit.recipe import NO_GENERATOR, FitSettings
from xreg.workbench.fit.sticks import origin
from xreg.workbench.measured.ranges import kev_hint

if TYPE_CHECKING:
    from xreg.core.interfaces import SpectrumGenerator
    from xreg.core.model.model import Model
    from xreg.workbench.fit.profile import Interval
    from xreg.workbench.fit.refine import Fit
    from xreg.workbench.fit.search import Starts

__all__ = ["Fitted", "covered", "engine_of", "fit_spectrum", "problem_of", "used"]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit with everything that its report tells.

    Attributes
    ----------
    fit, starts
        What was found, and where the searches ended.
    intervals
        Intervals of each unknown by name, which hold 68 % together; empty where none were asked
        for.
    channel
        The channel that was fitted.
    generator
        The exact engine; None where the network itself was refined with.
    facts
        Where spectrum, model and engine come from, and how long it took, as JSON values.
    """

    fit: Fit
    starts: Starts
    intervals: dict[str, list[Interval]]
    channel: str
    generator: SpectrumGenerator | None
    facts: dict[str, Any]


def fit_spectrum(
    reference: str | Path,
    spectrum: Path,
    settings: FitSettings,
    registry: str | Path | None = None,
    *,
    columns: SpectrumColumns = PLAIN,
    allow_code: bool = False,
) -> Fitted:
    """Find the parameters with which a model reproduces a measured spectrum.

    Parameters
    ----------
    reference
        The model: folder or name of a run, or ``name@version``.
    spectrum
        The measured spectrum, see :func:`read_measured`.
    settings
        How it is fitted.
    registry
        Where to look for the model and its dataset.
    columns
        What the user says of the columns of the spectrum.
    allow_code
        Whether the user agrees to code that came with the model or its dataset.

    Raises
    ------
    ConsentError
        If model or dataset bring code that the user has not agreed to.
    DataError
        If the spectrum is bad or does not cover what is fitted, or the model is none of
        parameters.
    ConfigError, UnknownNameError
        If a setting does not fit to the model.
    """
    from xreg.workbench.fit.engine import engine
    from xreg.workbench.fit.minima import distinct
    from xreg.workbench.fit.misfit import Misfit
    from xreg.workbench.fit.network import network
    from xreg.workbench.fit.profile import with_intervals
    from xreg.workbench.fit.refine import refine
    from xreg.workbench.fit.search import search

    began = time.perf_counter()
    measured, notes = read_measured(spectrum, columns)
    entry = find_model(reference, registry)
    model = load_model(entry.folder, allow_code=allow_code)
    simulator = network(model)
    generator = engine_of(entry, settings, registry, allow_code)
    problem = problem_of(model, measured, settings, spectrum)
    rough = Misfit(problem, simulator)
    starts = search(
        rough, starts=settings.starts, iterations=settings.iterations, seed=settings.seed
    )
    searched = time.perf_counter()
    exact = rough
    if generator is not None:
        domain = model.domain
        computed = engine(generator, model.target.channel, domain.parameters, domain.units)
        exact = Misfit(covered(problem, computed.energy), computed)
    fit = refine(exact, [starts.x[i] for i in distinct(list(starts.x), settings.refined)])
    refined = time.perf_counter()
    intervals: dict[str, list[Interval]] = {}
    if settings.intervals:
        fit, found = with_intervals(exact, fit)
        intervals = dict(zip(problem.labels, found, strict=True))
    facts = {
        "spectrum": {
            "file": spectrum.name,
            "sha256": measured.sha256,
            "points": len(problem.measured),
            "columns": columns.model_dump(exclude_defaults=True),
            "notes": notes,
            "window": [float(problem.measured.energy[0]), float(problem.measured.energy[-1])],
        },
        **used(entry, model, generator),
        "settings": settings.model_dump(mode="json", include=set(FitSettings.model_fields)),
        "seconds": {
            "search": round(searched - began, 2),
            "refinement": round(refined - searched, 2),
            "intervals": round(time.perf_counter() - refined, 2),
        },
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Fitted(fit, starts, intervals, model.target.channel, generator, facts)


def used(entry: SavedModel, model: Model, generator: SpectrumGenerator | None) -> dict[str, Any]:
    """Return what is written down of a fit's model, and of the engine that refined it."""
    return {
        "model": {
            "reference": entry.reference,
            "dataset": entry.summary.get("dataset"),
            "changes": model.changes(),
        },
        "engine": None
        if generator is None
        else {
            "name": generator.name,
            "version": generator.version(),
            "settings": generator.config.model_dump(mode="json"),
        },
    }


def problem_of(model: Model, measured: Measured, settings: FitSettings, spectrum: Path) -> Problem:
    """Return what is to be fitted: a measured spectrum within what a model has energies for.

    Raises
    ------
    XregError
        If the spectrum does not cover the window, or a setting does not fit to the model.
    """
    domain, energy = model.domain, model.target.grid
    if not domain.ranges:
        raise DataError("the model does not know the ranges of its parameters; train it again.")
    # The shifted model must have an energy for every point.
    first, last = energy[0] + settings.shift[1], energy[-1] + settings.shift[0]
    low, high = settings.window or (first, last)
    if low < first or high > last:
        raise ConfigError(
            f"the window {low:g} … {high:g} eV leaves what the model has for every shift, "
            f"{first:g} … {last:g} eV."
        )
    background = Background(settings.background, settings.edges, settings.edge_width)
    ranges = narrowed(domain.parameters, domain.ranges, settings.fix, settings.ranges)
    try:
        part = measured.within(low, high)
    except DataError as error:
        hint = kev_hint(measured.energy, low, high)
        raise DataError(f"spectrum '{spectrum}': {error}{hint}") from None
    return Problem(part, domain.parameters, domain.units, ranges, settings.shift, background)


def covered(problem: Problem, energy: np.ndarray[Any, Any]) -> Problem:
    """Return the problem, if an engine has energies for all of it."""
    first, last = energy[0] + problem.shift[1], energy[-1] + problem.shift[0]
    points = problem.measured.energy
    if points[0] < first - 1e-9 or points[-1] > last + 1e-9:
        raise ConfigError(
            f"the engine computes {energy[0]:g} … {energy[-1]:g} eV, less than what is fitted; "
            "change its settings or the window."
        )
    return problem


def engine_of(
    entry: SavedModel, settings: FitSettings, registry: str | Path | None, allow_code: bool
) -> SpectrumGenerator | None:
    """Return the generator for the refinement, by name from the host."""
    asked = settings.generator
    if asked.name == NO_GENERATOR:
        return None
    known: Mapping[str, Any] = {}
    if not asked.name or not asked.settings:
        known = _origin(entry, registry, needed=not asked.name)
    name = asked.name or known["name"]
    theirs = known.get("settings", {}) if name == known.get("name") else {}
    merged = {**theirs, **asked.settings}
    require_consent(
        component_code("generator", name, merged),
        f"the dataset of model '{entry.reference}'",
        allow=allow_code,
        read="xreg data show and the dataset's name",
        own=asked.settings,
    )
    return host().build("generator", name, merged)


def _origin(entry: SavedModel, registry: str | Path | None, needed: bool) -> Mapping[str, Any]:
    """Return name and settings of the generator that made a model's dataset."""
    data = entry.summary.get("dataset") or {}
    try:
        if not data:
            raise DataError("no run tells its dataset")
        registry = registry or _known(data.get("registry"))
        if data.get("path"):
            name, provenance = data["path"], open_dataset(data["path"]).metadata.provenance
        else:  # the registry's list tells it; nothing is pulled
            name = f"{data['name']}@{data['version']}"
            provenance = find(name, registry=registry).entry.provenance
        return origin(provenance, name)
    except XregError as error:
        if not needed:
            return {}
        raise ConfigError(
            f"which exact engine made the data of model '{entry.reference}' cannot be found out "
            f"({str(error).rstrip('.')}); name it with --generator NAME and --set "
            f"generator.KEY=VALUE, or --generator {NO_GENERATOR} to do without."
        ) from None


def _known(place: Any) -> str | None:
    """Return the registry that a model names, where asking it is no stranger's wish alone."""
    if not place:
        return None
    if Registry("", str(place)).remote and place not in {r.location for r in configured()}:
        raise DataError(
            f"the model names the registry {place}, which is none of yours: give it by --registry "
            "if you trust it"
        )
    return str(place)
