"""Mean spectra of a dataset and their spread, kept by the hash of its content."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from xreg.core.data.dataset import Dataset
from xreg.core.errors import RunError, XregError
from xreg.core.text import counted
from xreg.registry.registries import cache_folder, ready_cache
from xreg.registry.stores.store import open_store
from xreg.registry.versions.entries import DatasetEntry
from xreg.workbench.pages.places import Place

__all__ = ["ChannelProfile", "Profile", "in_words", "profile"]

FORMAT = 1
MOST_POINTS = 300
BATCH = 2000
NOT_HERE = "Its data were not on the machine that built these pages, so no spectra are drawn."


class ChannelProfile(BaseModel):
    """Mean and standard deviation of a channel over its samples.

    Attributes
    ----------
    energy
        In eV; empty for target features.
    features
        Names of the target features.
    mean, spread
        At each energy, or of each feature; None where no sample has a value.
    left_out
        Number of samples with values that are not finite.
    """

    model_config = ConfigDict(extra="forbid")

    unit: str
    energy: list[float]
    features: list[str]
    mean: list[float | None]
    spread: list[float | None]
    left_out: int = 0


class Profile(BaseModel):
    """What a page draws of a dataset; ``missing`` says why it can draw nothing."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    channels: dict[str, ChannelProfile] = {}
    missing: str = ""


def profile(place: Place, entry: DatasetEntry, *, fetch: bool = False) -> Profile:
    """Return mean spectra of a published dataset, from the cache where they are known.

    With ``fetch`` it is pulled where it is not on this machine.
    """
    kept = cache_folder() / "pages" / f"{entry.hash.removesuffix('.dir')}.json"
    try:
        known = Profile.model_validate_json(kept.read_bytes())
        if known.format == FORMAT:
            return known
    except (OSError, ValidationError):
        pass
    try:
        folder = place.folder(entry, fetch=fetch)
        if folder is None:
            return Profile(missing=NOT_HERE)
        dataset = open_store(folder, validate=False, content_hash=entry.hash)
    except (XregError, OSError) as error:
        return Profile(missing=f"Its data cannot be read here: {error}")
    with np.errstate(over="ignore", invalid="ignore"):  # a stranger's numbers may be of any size
        made = Profile(channels={name: _channel(dataset, name) for name in dataset.spectra})
    # Not flushed to the disk: half a file is no JSON, and is made again.
    with suppress(OSError, RunError):  # nothing is lost but time where the cache is read-only
        kept = ready_cache("pages") / kept.name
        kept.write_text(made.model_dump_json(exclude_defaults=True), encoding="utf-8")
    return made


def _channel(dataset: Dataset, name: str) -> ChannelProfile:
    channel = dataset.spectra[name]
    n, width = channel.intensity.shape
    count, mean, squares = 0, np.zeros(width), np.zeros(width)
    for start in range(0, n, BATCH):
        block = np.asarray(channel.intensity[start : start + BATCH], dtype=np.float64)
        block = block[np.isfinite(block).all(axis=1)]
        if not len(block):
            continue
        # Means and squares of two sets joined (Chan, Golub and LeVeque 1983).
        own, total = block.mean(axis=0), count + len(block)
        gap = own - mean
        squares += ((block - own) ** 2).sum(axis=0) + gap**2 * count * len(block) / total
        mean += gap * len(block) / total
        count = total
    keep = slice(None, None, max(1, -(-width // MOST_POINTS)))
    if channel.energy is None:
        keep = slice(None)
    spread = np.sqrt(squares / max(count, 1))
    return ChannelProfile(
        unit=channel.unit,
        energy=[] if channel.energy is None else channel.energy[keep].round(6).tolist(),
        features=list(channel.features),
        mean=[None] * len(mean[keep]) if not count else _rounded(mean[keep], 5),
        spread=[None] * len(mean[keep]) if not count else _rounded(spread[keep], 5),
        left_out=n - count,
    )


def _rounded(values: NDArray[np.float64], digits: int) -> list[float | None]:
    return [float(f"{value:.{digits}g}") for value in values.tolist()]


def in_words(made: ChannelProfile, samples: int) -> str:
    """Return what a picture of a channel shows."""
    lost = (
        f"; {made.left_out:,} of them have values that are not finite and are left out"
        if made.left_out
        else ""
    )
    return f"Mean over {counted(samples, 'sample')}{lost}. The band is ± one standard deviation."
