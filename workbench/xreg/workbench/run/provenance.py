"""Where a result comes from: data, distributions, seeds, times, machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from xreg.core.data.splits import PARTS
from xreg.core.executor import cores
from xreg.core.run import FORMAT
from xreg.core.source import source_hash
from xreg.registry.plugins import host
from xreg.workbench.run.origins import origin, packages, repositories

if TYPE_CHECKING:
    from xreg.core.run import Run
    from xreg.workbench.recipes.sections import StartSection
    from xreg.workbench.run.preparation import Prepared

__all__ = ["components", "machine", "peak_memory_mib", "stamp", "summary"]

LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "zarr", "ase", "dscribe")


def peak_memory_mib() -> float | None:
    """Return the most memory that this process has held, its workers apart, in MiB."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def machine() -> dict[str, Any]:
    """Return system, processor and versions of the libraries that numbers depend on."""
    found: dict[str, Any] = {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "python": platform.python_version(),
    }
    if threads := os.environ.get("OMP_NUM_THREADS"):
        found["OMP_NUM_THREADS"] = threads
    found["libraries"] = {name: _version(name) for name in LIBRARIES}
    return found


def summary(
    run: Run, ready: Prepared, features: int, seconds: Mapping[str, float], started: datetime
) -> dict[str, Any]:
    """Return what ``summary.json`` holds."""
    recipe = ready.resolved.recipe
    metadata = ready.resolved.dataset.metadata
    seeds = {"recipe": recipe.seed, "split": recipe.split.seed}
    steps = [step for step in recipe.components() if step[0] != "analysis"]
    for kind, place, section in steps:
        if "seed" in section.settings:
            label = place.partition(".")[2] or section.name
            seeds[f"{kind} {label}"] = section.settings["seed"]
    return {
        "format": FORMAT,
        "name": run.name,
        **stamp(started),
        "dataset": {
            "name": metadata.name,
            "version": metadata.version,
            "hash": recipe.dataset.hash,
            "path": recipe.dataset.path,
            "registry": recipe.dataset.registry,
            "origin": None
            if recipe.dataset.path
            else origin(metadata.name, metadata.version, recipe.dataset.registry),
            "channel": recipe.target.channel,
            "samples": len(ready.resolved.dataset),
        },
        **_start(recipe.emulator.start),
        "samples": {
            **{part: len(rows) for part, rows in ready.rows.items()},
            "features": features or None,
            "set_aside": ready.set_aside,
        },
        "scores": headline_scores(run.metrics),
        "lockbox": ready.looks,
        "remarks": ready.remarks,
        "components": components((kind, section.name) for kind, _, section in steps),
        "repositories": repositories(),
        "packages": packages(),
        "seeds": seeds,
        "seconds": {stage: round(value, 2) for stage, value in seconds.items()},
        "total_seconds": round(run.seconds, 2),
        "peak_memory_mib": peak_memory_mib(),
        "platform": machine(),
    }


def headline_scores(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return R² of each part: over several splits, mean and spread, and how many splits."""
    over = metrics.get("splits")
    if over is None:
        return {part: {"r2": metrics[part]["r2"]} for part in PARTS if part in metrics}
    found: dict[str, Any] = {"splits": over["names"], "r2_interval": over["r2_interval"]}
    for part in PARTS:
        if (r2 := over["scores"].get(f"{part}.r2")) is not None:
            found[part] = {"r2": r2["mean"], "r2_spread": r2["spread"]}
    return found


def _start(section: StartSection | None) -> dict[str, Any]:
    if section is None:
        return {}
    return {"start": {**section.model_dump(mode="json"), "published": section.published}}


def stamp(started: datetime) -> dict[str, Any]:
    """Return version of xreg, beginning and end."""
    return {
        "xreg": _version("xreg"),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def components(named: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return which distributions, versions and code (a hash) the components come from."""
    found = []
    for kind, name in named:
        installed = host().get(kind, name)
        found.append(
            {
                "kind": kind,
                "name": name,
                "plugin": installed.plugin,
                "distribution": installed.distribution,
                "version": installed.version,
                "code": source_hash(host().load(kind, name)),
            }
        )
    return found


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
