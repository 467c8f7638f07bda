"""What structure measured spectra tell, by the data of a model: ``xreg explain``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.edges import edges_of
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.dataset import Dataset
from xreg.core.data.splits import PARTS
from xreg.core.errors import ConfigError, DataError, UnknownNameError, XregError, did_you_mean
from xreg.core.measured.stack import Stack
from xreg.core.model.model import Model
from xreg.core.readers.npz import load_arrays
from xreg.registry.datasets import open_dataset
from xreg.registry.models import SavedModel, find_model, load_model
from xreg.workbench.explain.learn import (
    STRANGE,
    Answers,
    Explainer,
    between_groups,
    learn,
    mismatch_of,
)
from xreg.workbench.explain.quantities import Quantity, quantities
from xreg.workbench.explain.recipe import ExplainRecipe, ExplainSettings
from xreg.workbench.match.library import Comparison, Library, noise_share
from xreg.workbench.measured.ranges import kev_hint
from xreg.workbench.measured.stacks import read_stacks, require_alive, told

__all__ = ["Explained", "explain_spectra"]

NOISE_FROM = 200  # spectra of which the noise is looked at
FEWEST_GROUPS = 5


@dataclass(frozen=True, eq=False)
class Explained:
    """What is told of the n spectra of a stack.

    Attributes
    ----------
    stack
        The spectra.
    explainer
        What was learned for their energies.
    rows
        (g,) rows of the spectra that are not dead; what follows is of them.
    answers
        For each quantity.
    misfit
        (g,) what the nearest spectrum of the model's data leaves.
    strange
        (g,) that in units of what 95 % of these have with other groups.
    nearest
        (g,) ids of the nearest.
    shift
        (g,) their shift in eV.
    """

    stack: Stack
    explainer: Explainer
    rows: NDArray[np.intp]
    answers: list[Answers]
    misfit: Array
    strange: Array
    nearest: NDArray[np.str_]
    shift: Array

    @property
    def resembles(self) -> NDArray[np.bool_]:
        """(g,) whether the model's data hold anything like it."""
        return self.strange < STRANGE


def explain_spectra(
    recipe: ExplainRecipe, *, allow_code: bool = False
) -> tuple[list[Explained], dict[str, Any]]:
    """Say what measured spectra tell, as a recipe says; and where that comes from.

    Parameters
    ----------
    recipe
        The model, the spectra, and what may differ.
    allow_code
        Whether the user agrees to code that came with the model.

    Raises
    ------
    XregError
        If a spectrum is bad, the model or its dataset cannot be had, is of another element or
        range, or has too few groups to judge anything.
    """
    began = time.perf_counter()
    entry = find_model(recipe.model, recipe.registry)
    model = load_model(entry.folder, allow_code=allow_code)
    if model.domain.kind == "parameters":
        raise ConfigError(
            f"'{entry.reference}' is a model of parameters, which its spectra tell exactly: "
            f"xreg fit {entry.reference} SPECTRUM."
        )
    if model.target.energy is None:
        raise DataError(
            f"the model predicts {', '.join(model.target.features)} and no spectrum; take a model "
            "of a channel with energies."
        )
    dataset, group, notes = _data(entry, model, recipe)
    channel = model.target.channel
    library = Library.of(dataset, channel, "", group)
    asked, left = quantities(dataset, model, (group,) if group else ())
    asked = _chosen(asked, recipe.quantities)
    count = len(np.unique(library.groups))
    if count < FEWEST_GROUPS:
        raise DataError(
            f"the model's data have {count} groups, too few to judge what spectra of others tell; "
            "name a label with more by --group."
        )
    stacks = read_stacks(recipe.spectra, recipe.columns, recipe.measured_channel, channel)
    require_alive(stacks)
    done = [_explained(stack, library, asked, recipe, model) for stack in stacks if len(stack.good)]
    facts = {
        "spectra": {
            "places": [Path(place).name for place in recipe.spectra],
            "remarks": told(stacks),
        },
        "model": {
            "reference": entry.reference,
            "dataset": f"{dataset.metadata.name} {dataset.metadata.version}",
            "channel": channel,
            "samples": len(dataset),
            "groups": count,
            "group": group,
            "changes": model.changes(),
        },
        "notes": [*notes, *left],
        "settings": recipe.model_dump(mode="json", include=set(ExplainSettings.model_fields)),
        "seconds": round(time.perf_counter() - began, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return done, facts


def _data(entry: SavedModel, model: Model, recipe: ExplainRecipe) -> tuple[Dataset, str, list[str]]:
    """Return the samples of the model's split, the label of its groups, and what is to be said."""
    known = entry.summary.get("dataset") or {}
    if not known:
        raise DataError(f"model '{entry.reference}' does not tell the dataset it was trained on.")
    where = known.get("path") or f"{known['name']}@{known['version']}"
    dataset = open_dataset(where, registry=None if known.get("path") else recipe.registry)
    parts = _parts(entry)
    ids = dataset.samples.ids.tolist()
    if parts:
        dataset = dataset.select([name in parts for name in ids])
    if model.target.channel not in dataset.spectra:
        raise DataError(f"dataset '{where}' has no channel '{model.target.channel}' any more.")
    if recipe.group:
        dataset.label(recipe.group)  # says which there are
        return dataset, recipe.group, []
    texts = [n for n, v in dataset.labels.items() if np.asarray(v).dtype.kind not in "bf"]
    part_of = np.array([parts.get(name, "") for name in dataset.samples.ids.tolist()])
    whole = [name for name in texts if _undivided(np.asarray(dataset.label(name)), part_of)]
    if whole:
        group = min(whole, key=lambda name: len(np.unique(dataset.label(name))))
        note = f"Samples of one {group} are a group: the model's split divides none of them."
        return dataset, group, [note]
    hint = f"; name one by --group if they share one of {', '.join(texts)}" if texts else ""
    note = (
        f"Each sample is taken for a group of its own{hint}: near-copies among them make intervals "
        "too narrow."
    )
    return dataset, "", [note]


def _parts(entry: SavedModel) -> dict[str, str]:
    """Return the part of each sample that the model was trained, chosen or judged with."""
    path = entry.folder.parent / "splits.npz"
    if not path.is_file():
        return {}
    arrays = load_arrays(path)
    return {str(name): part for part in PARTS if part in arrays for name in arrays[part].tolist()}


def _undivided(label: NDArray[Any], part_of: NDArray[np.str_]) -> bool:
    """Return whether samples that share a value stand in one part, and there are enough values."""
    values, member = np.unique(label, return_inverse=True)
    if not FEWEST_GROUPS <= len(values) < len(label) or len(np.unique(part_of)) < 2:
        return False
    pairs = {(int(m), str(p)) for m, p in zip(member, part_of, strict=True)}
    return len(pairs) == len(values)


def _chosen(asked: list[Quantity], names: Sequence[str]) -> list[Quantity]:
    known = {one.name: one for one in asked}
    for name in names:
        if name not in known:
            raise UnknownNameError(
                f"the model's data have no quantity '{name}'{did_you_mean(name, known)}."
            )
    if not asked:
        raise DataError("the model's data have no number beside their spectra that could be asked.")
    return [known[name] for name in names] if names else asked


def _explained(
    stack: Stack, library: Library, asked: list[Quantity], recipe: ExplainRecipe, model: Model
) -> Explained:
    """Learn for the energies of a stack, and answer for its spectra."""
    name = stack.names[0] if stack.names else "the stack"
    _require_element(stack, model, name)
    try:
        comparison = Comparison.between(
            library, stack.energy, recipe.window, shift=recipe.shift,
            broadening=recipe.broadening, scale=True, offset=True,
        )  # fmt: skip
    except XregError as error:
        raise type(error)(f"spectrum '{name}': {error}") from None
    rows = stack.good
    spectra = stack.intensity[rows]
    looked = rows[np.linspace(0, len(rows) - 1, min(len(rows), NOISE_FROM)).astype(int)]
    noise = float(np.median([
        noise_share(stack.measured(int(row)), comparison.inside) for row in looked
    ]))  # fmt: skip
    apart = between_groups(comparison, library.groups, noise, recipe.seed)
    explainer = learn(
        comparison, asked, library.groups, apart, noise=noise,
        mismatch=mismatch_of(comparison, spectra, apart), copies=recipe.copies, seed=recipe.seed,
    )  # fmt: skip
    answers, misfit, best, place = explainer.explain(spectra)
    shift = [comparison.settings_at(int(at))[0] for at in place]
    return Explained(
        stack, explainer, rows, answers, misfit, explainer.strangeness(misfit),
        library.ids[best], np.array(shift),
    )  # fmt: skip


def _require_element(stack: Stack, model: Model, name: str) -> None:
    """Refuse energies without the edge of the model's absorber, and say whose they may be."""
    grid = model.target.grid
    low, high = float(stack.energy[0]), float(stack.energy[-1])
    if high > grid[0] and low < grid[-1]:
        return
    absorbers = ", ".join(SYMBOLS[number] for number in model.domain.absorbers)
    near = [
        f"{symbol} {edge}"
        for symbol in SYMBOLS[1:]
        for edge, one in edges_of(symbol).items()
        if low < one.energy < high
    ]
    hint = f" It may be of {' or '.join(near[:4])}." if near else ""
    kev = kev_hint(stack.energy, float(grid[0]), float(grid[-1]))
    raise DataError(
        f"spectrum '{name}': its energies, {low:g} … {high:g} eV, are none of the model's, "
        f"{grid[0]:g} … {grid[-1]:g} eV ({absorbers}); take a model of that element and "
        f"edge.{kev or hint}"
    )
