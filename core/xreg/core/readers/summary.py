"""What an import, a generation or a prediction read and made, so that a wrong guess is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.edges import edges_of
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Samples, Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.readers.energies import judge_energies, looks_like_kev
from xreg.core.text import counted

__all__ = ["ChannelSummary", "PassedOver", "Summary", "summarise"]

ROWS = 1024
REFERENCE_ROWS = 2000
NAMED = 5  # ids or files that a line names
FEWEST = 8  # spectra from which on a median means something
# Median absolute deviations of a normal distribution are 0.67 standard deviations.
NORMAL = 1.4826
FAR = 8.0
# What spectra that are all nearly alike may differ by: logarithm of the norm, 1 - cosine.
LEAST_NORM, LEAST_SHAPE = 0.1, 0.01


@dataclass(frozen=True)
class PassedOver:
    """A file or frame that was not read, because it is none of what was asked for.

    What was meant as a sample and cannot become one is bad instead, and is set aside or refused.

    Attributes
    ----------
    path
        The file, and the frame where it is one of several (``a.xyz, frame 3``).
    reason
        Why it was passed over (``no spectrum: README``).
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class ChannelSummary:
    """What the spectra of one channel look like.

    Attributes
    ----------
    energy
        First and last energy in eV; None for target features.
    edges
        For each absorbing element its edge in the range, or the nearest one (``Fe K edge 7112``).
    doubts
        Why the energies can hardly be those of an absorber, a sentence each.
    intensity, unit
        Smallest and largest intensity; None where no value is finite.
    zero, constant, negative, not_finite
        Ids of the samples whose spectrum is zero throughout, the same but not zero throughout,
        negative somewhere, or not finite.
    outliers
        What is unusual about a sample, by its id: norm or shape far from the median of all.
    """

    energy: tuple[float, float] | None
    edges: tuple[str, ...]
    doubts: tuple[str, ...]
    intensity: tuple[float, float] | None
    unit: str
    zero: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()
    outliers: Mapping[str, str] = field(default_factory=dict)

    def lines(self, name: str) -> Iterator[str]:
        """Yield the channel in words."""
        if self.energy is not None:
            yield "; ".join([f"{name}: {_span(self.energy)} eV", *self.edges])
        if self.intensity is not None:
            yield f"{name}: intensities {_span(self.intensity)} {self.unit}".rstrip()
        for ids, what in (
            (self.not_finite, "not finite"),
            (self.zero, "zero throughout"),
            (self.constant, "constant"),
            (self.negative, "negative somewhere"),
        ):
            if ids:
                found = counted(len(ids), "spectrum", "spectra")
                yield f"{name}: {found} {what}: {_some(ids)}"
        if self.outliers:
            texts = [f"{one} ({why})" for one, why in self.outliers.items()]
            yield f"{name}: {counted(len(texts), 'outlier')}: {_some(texts)}"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values; of samples their number."""
        counted_ids = ("zero", "constant", "negative", "not_finite", "outliers")
        return {
            "energy": self.energy and list(self.energy),
            "edges": list(self.edges),
            "intensity": self.intensity and list(self.intensity),
            "unit": self.unit,
            **{key: len(getattr(self, key)) for key in counted_ids},
        }


@dataclass(frozen=True)
class Summary:
    """What was read and made.

    Attributes
    ----------
    samples
        How many samples there are.
    absorbers
        How many samples have an absorber of each element; empty where none is known.
    channels
        The spectra.
    set_aside
        Reason for each sample or file that is bad and was set aside.
    passed_over
        Files and frames that were not read.
    """

    samples: int
    absorbers: Mapping[str, int]
    channels: Mapping[str, ChannelSummary]
    set_aside: Mapping[str, str] = field(default_factory=dict)
    passed_over: Sequence[PassedOver] = ()

    def lines(self) -> list[str]:
        """Return it in words, a line each."""
        found = []
        if self.absorbers:
            counts = (f"{symbol} {count}" for symbol, count in self.absorbers.items())
            found.append(f"absorbers: {', '.join(counts)}")
        for name, channel in self.channels.items():
            found += channel.lines(name)
        if self.set_aside:
            reasons = [f"{name}: {reason}" for name, reason in self.set_aside.items()]
            found.append(f"set aside: {len(reasons)}, {_some(reasons, '; ')}")
        if self.passed_over:
            texts = [str(one) for one in self.passed_over]
            found.append(f"passed over: {len(texts)}, {_some(texts, '; ')}")
        return found

    def doubts(self) -> list[str]:
        """Return what is probably wrong, a sentence each."""
        return [
            f"{name}: {doubt}{'' if doubt.endswith('?') else '.'}"
            for name, channel in self.channels.items()
            for doubt in channel.doubts
        ]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values: numbers, and as text what a user saw."""
        return {
            "samples": self.samples,
            "absorbers": dict(self.absorbers),
            "channels": {name: channel.plain() for name, channel in self.channels.items()},
            "set_aside": len(self.set_aside),
            "passed_over": len(self.passed_over),
            "text": self.lines(),
            "doubts": self.doubts(),
        }


def summarise(
    samples: Samples,
    spectra: Spectra,
    *,
    set_aside: Mapping[str, str] | None = None,
    passed_over: Iterable[PassedOver] = (),
) -> Summary:
    """Look at all samples and spectra, block by block, so that lazy ones stay lazy."""
    absorbers, elements = _elements(samples)
    return Summary(
        len(samples),
        absorbers,
        {
            name: _channel(channel, samples.ids, list(absorbers), elements)
            for name, channel in spectra.items()
        },
        dict(set_aside or {}),
        tuple(passed_over),
    )


def _elements(samples: Samples) -> tuple[dict[str, int], set[str]]:
    """Return how often each element absorbs, most frequent first, and all elements."""
    absorbers: Counter[int] = Counter()
    elements: set[int] = set()
    if isinstance(samples, Structures):
        offsets, absorber = np.asarray(samples.offsets), np.asarray(samples.absorber)
        for start in range(0, len(samples), ROWS):
            stop = min(start + ROWS, len(samples))
            numbers = np.asarray(samples.numbers[offsets[start] : offsets[stop]])
            sites = offsets[start:stop] - offsets[start] + absorber[start:stop]
            absorbers.update(numbers[sites].tolist())
            elements.update(np.unique(numbers).tolist())
    elif (known := samples.absorbers()) is not None:
        absorbers.update(known[known > 0].tolist())
        elements.update(absorbers)
    ordered = sorted(absorbers.items(), key=lambda entry: (-entry[1], entry[0]))
    return {SYMBOLS[n]: count for n, count in ordered}, {SYMBOLS[n] for n in elements}


def _channel(
    channel: Channel, ids: NDArray[np.str_], absorbers: Sequence[str], elements: set[str]
) -> ChannelSummary:
    n = len(channel)
    chosen = np.unique(np.linspace(0, n - 1, min(n, REFERENCE_ROWS)).astype(np.intp))
    norms, shapes = np.full(n, np.nan), np.full(n, np.nan)
    lowest, highest = np.full(n, np.nan), np.full(n, np.nan)
    reference = _median(channel, chosen)
    for start in range(0, n, ROWS):
        block = np.asarray(channel.intensity[start : start + ROWS], dtype=np.float64)
        rows = start + np.flatnonzero(np.isfinite(block).all(axis=1))
        block = block[rows - start]
        lowest[rows], highest[rows] = block.min(axis=1), block.max(axis=1)
        norms[rows] = np.linalg.norm(block, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shapes[rows] = 1 - block @ reference / norms[rows]
    finite = np.isfinite(norms)
    zero = finite & (norms == 0)
    spectrum = channel.energy is not None
    flat = finite & (lowest == highest) & ~zero & (channel.intensity.shape[1] > 1)
    energy = None
    if channel.energy is not None:
        energy = (float(channel.energy[0]), float(channel.energy[-1]))
    return ChannelSummary(
        energy,
        tuple(_edge(energy, one) for one in absorbers) if energy else (),
        tuple(_doubts(energy, absorbers, elements)) if energy else (),
        (float(lowest[finite].min()), float(highest[finite].max())) if finite.any() else None,
        channel.unit,
        _ids(ids, zero & spectrum),
        _ids(ids, flat & spectrum),
        _ids(ids, finite & (lowest < 0) & spectrum),
        _ids(ids, ~finite),
        _outliers(ids, norms, shapes) if spectrum else {},
    )


def _median(channel: Channel, rows: NDArray[np.intp]) -> Array:
    """Return the (m,) median spectrum of some rows, of norm 1; zero where there is none."""
    blocks = []
    for start in np.unique(rows // ROWS).tolist():
        inside = rows[rows // ROWS == start] - start * ROWS
        block = channel.intensity[start * ROWS : (start + 1) * ROWS]
        blocks.append(np.asarray(block, dtype=np.float64)[inside])
    whole = np.concatenate(blocks) if blocks else np.zeros((0, channel.intensity.shape[1]))
    whole = whole[np.isfinite(whole).all(axis=1)]
    if not len(whole):
        return np.zeros(channel.intensity.shape[1])
    median = np.median(whole, axis=0)
    norm = np.linalg.norm(median)
    return np.asarray(median / norm if norm else median)


def _outliers(ids: NDArray[np.str_], norms: Array, shapes: Array) -> dict[str, str]:
    """Say what is unusual about spectra that are far from the median, the farthest first."""
    known = np.isfinite(norms) & (norms > 0)
    if known.sum() < FEWEST:
        return {}
    ratio = np.where(known, norms, 1.0) / np.median(norms[known])
    size = np.abs(np.log(ratio))
    far = np.where(known, size / max(_scale(np.log(ratio[known])), LEAST_NORM / FAR), 0.0)
    middle = np.median(shapes[known])
    scale = max(_scale(shapes[known]), LEAST_SHAPE / FAR)
    bent = np.where(known, (shapes - middle) / scale, 0.0)
    worst = np.maximum(far, bent)
    rows = np.flatnonzero(worst > FAR)
    rows = rows[np.argsort(-worst[rows], kind="stable")]
    return {
        str(ids[row]): f"norm {ratio[row]:.3g} times the median"
        if far[row] >= bent[row]
        else f"shape {bent[row]:.0f} deviations from the median"
        for row in rows.tolist()
    }


def _scale(values: Array) -> float:
    return float(NORMAL * np.median(np.abs(values - np.median(values))))


def _edge(energy: tuple[float, float], element: str) -> str:
    """Return the edge of an element in a range, or the nearest one."""
    known = edges_of(element)
    if not known:
        return f"{element}: no edge"

    def distance(name: str) -> float:
        value = known[name].energy
        return max(energy[0] - value, value - energy[1], 0.0)

    nearest = min(known, key=distance)
    inside = [name for name in known if distance(name) == 0] or [nearest]
    return ", ".join(f"{element} {name} edge {known[name].energy:g}" for name in inside)


def _doubts(
    energy: tuple[float, float], absorbers: Sequence[str], elements: set[str]
) -> Iterator[str]:
    """Yield why the energies are hardly those of an absorber, and whose they may be."""
    if not absorbers and (doubt := looks_like_kev(energy)):
        yield doubt
    for element in absorbers:
        if (doubt := judge_energies(energy, element)) is None:
            continue
        others = sorted(elements - set(absorbers), key=SYMBOLS.index)
        fitting = [o for o in others if edges_of(o) and judge_energies(energy, o) is None]
        hint = f"; they fit {_edge(energy, fitting[0])}" if fitting else ""
        yield doubt + hint


def _ids(ids: NDArray[np.str_], chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(ids[chosen].tolist())


def _span(values: tuple[float, float]) -> str:
    return f"{values[0]:.6g} … {values[1]:.6g}"


def _some(texts: Sequence[str], between: str = ", ") -> str:
    """Join the first few texts, and say how many more there are."""
    more = [f"and {len(texts) - NAMED} more"] if len(texts) > NAMED else []
    return between.join([*texts[:NAMED], *more])
