"""Datasets and models into a registry: from a store or a run to the card and the files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xreg.core.atoms.elements import symbols
from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.errors import ConfigError, DataError
from xreg.core.files import files_below
from xreg.core.paths import check_paths
from xreg.core.text import with_unit
from xreg.registry import recording
from xreg.registry.cards import model as model_card
from xreg.registry.cards.about import about as joined
from xreg.registry.cards.about import require_about
from xreg.registry.finding import parse_reference
from xreg.registry.models import load_model
from xreg.registry.recording import Published, Verification
from xreg.registry.registries import ready_cache
from xreg.registry.stores.store import open_store
from xreg.registry.versions.contents import SAID_BY_STORE, contents_of
from xreg.registry.versions.entries import DatasetEntry, ModelEntry

__all__ = ["Published", "Verification", "describe", "publish", "publish_model", "stated", "verify"]


def publish(
    store: str | Path,
    registry: str | Path | None = None,
    about: Mapping[str, Any] | None = None,
    *,
    finish: bool = False,
) -> Published[DatasetEntry]:
    """Put a store into a registry under the name and version that it carries.

    The store is checked value by value; see :func:`xreg.registry.recording.record` for the rest.

    Parameters
    ----------
    store
        Folder of a store.
    registry
        Folder of the registry, or its configured name; the one around the working folder without
        it.
    about
        What its card says beside what the store says itself: ``authors`` above all.
    finish
        See :func:`xreg.registry.recording.record`.

    Raises
    ------
    DataError
        If the store is not as its schema says, or the version is published already.
    ConfigError
        If the registry is no folder, or authors or licence are not stated.
    """
    place = recording.own_folder(registry)
    entry = describe(Path(store), about)
    require_about(entry, entry.collection)
    return recording.record(Path(store), entry, place.location, finish=finish)


def publish_model(
    run: str | Path,
    reference: str,
    registry: str | Path | None = None,
    about: Mapping[str, Any] | None = None,
    *,
    repeats: Sequence[str | Path] = (),
    allow_code: bool = False,
    finish: bool = False,
) -> Published[ModelEntry]:
    """Put the model of a run into a registry.

    What is published: the model, the recipe, the scores, which sample was in which part, and the
    card; see :func:`xreg.registry.recording.record` for how.

    Parameters
    ----------
    run
        Folder of the run.
    reference
        ``name@version``.
    registry
        Folder of the registry, or its configured name; the one around the working folder without
        it.
    about
        What its card says beside what the run tells: title, authors, licence, ….
    repeats
        Folders of runs that differ in seeds alone, for means and spreads of the scores.
    allow_code
        Whether the user agrees to code in the settings of the model's components.
    finish
        See :func:`xreg.registry.recording.record`.

    Raises
    ------
    ConfigError
        If the registry is no folder, or something that a card must state is missing.
    DataError
        If the version is published already, or the run is incomplete.
    """
    place = recording.own_folder(registry)
    name, version = parse_reference(reference, noun="model")
    if version is None:
        raise ConfigError(f"say under which version '{name}' is published, as in {name}@1.0.0.")
    said = joined(about or {})
    require_about(said, ModelEntry.collection)
    if not finish:
        recording.require_new(ModelEntry, name, version, place)
    model = load_model(Path(run), allow_code=allow_code)
    with tempfile.TemporaryDirectory(dir=ready_cache(), prefix=".publish-") as temporary:
        folder = Path(temporary)
        model_card.lay_out(Path(run), folder)
        entry = model_card.describe(
            folder, Path(run), model, name, version, said, [Path(path) for path in repeats]
        )
        return recording.record(folder, entry, place.location, finish=finish)


def verify(
    name: str | None = None, registry: str | Path | None = None
) -> Iterator[Verification[DatasetEntry]]:
    """Compare every file of datasets with its hash; see :func:`xreg.registry.recording.verify`."""
    return recording.verify(DatasetEntry, name, registry)


def stated(store: str | Path) -> dict[str, str]:
    """Return what a store says of itself, as far as a card has it."""
    metadata = open_store(store, validate=False, content_hash="not needed").metadata
    return {name: getattr(metadata, name) for name in SAID_BY_STORE}


def describe(store: Path, about: Mapping[str, Any] | None = None) -> DatasetEntry:
    """Return what a catalogue says about a store, which is checked in full.

    Raises
    ------
    DataError
        If the store is damaged or breaks the schema.
    """
    dataset = open_store(store)
    if known := dataset.metadata.provenance.get("incomplete"):
        raise DataError(
            f"{store} holds {known['finished']} of {known['planned']} samples; repeat its "
            "`xreg data generate` to finish it, and publish what that leaves."
        )
    samples = dataset.samples
    contents = ""
    if isinstance(samples, Structures):
        contents = symbols(samples.species())
    elif isinstance(samples, Parameters):
        columns = zip(samples.names, samples.units, strict=True)
        contents = ", ".join(with_unit(name, unit) for name, unit in columns)
    elif isinstance(samples, Specimens):
        contents = symbols(set(samples.absorber.tolist()) - {0})
    files = files_below(store)
    check_paths(files, f"the store {store}")
    metadata = dataset.metadata
    said = joined(about or {}, {name: getattr(metadata, name) for name in SAID_BY_STORE})
    return DatasetEntry(
        **dict(said),
        name=metadata.name,
        version=metadata.version,
        hash=dataset.hash,
        size=sum((store / file).stat().st_size for file in files),
        files=len(files),
        contents=contents,
        **contents_of(dataset),
    )
