"""Good stores, models and journals, and the mutations of them."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.files import arrays
from fuzzing.measured import WRITERS
from fuzzing.mutations import mutate_bytes, mutate_json, mutate_text
from fuzzing.truth import prepare_measured
from xreg.core import storage


@cache
def base(family: str) -> Path:
    """Return a folder with a good store, model or journal, made once."""
    folder = Path(tempfile.mkdtemp(prefix="xreg-fuzz-base-"))
    {"stores": _store, "models": _models, "journals": _journal}[family](folder)
    return folder


def prepare(families: Sequence[str]) -> None:
    """Make what the workers share."""
    for family in {"stores", "models", "journals"} & set(families):
        base(family)
    for family in WRITERS.keys() & set(families):
        prepare_measured(family)


def _store(folder: Path) -> None:
    from xreg.core.data.dataset import Dataset, Metadata
    from xreg.core.data.samples import Parameters, Structures
    from xreg.core.data.spectra import Channel, Spectra
    from xreg.core.data.splits import make_split
    from xreg.registry.stores.writer import write_store

    known = arrays()
    water = Structures(
        known["ids"], known["numbers"], known["positions"], known["offsets"], known["absorber"]
    )
    table = Parameters(
        known["ids"], np.random.default_rng(0).random((6, 2)), ("a", "b"), ("eV", "")
    )
    for name, samples in (("structures", water), ("parameters", table)):
        channels = {
            "xas": Channel(known["spectra"], known["energy"]),
            "moments": Channel(known["spectra"][:, :2], None, ("mean", "width"), "eV"),
        }
        dataset = Dataset(
            samples, Spectra(channels), Metadata(name="x", version="1.0.0", title="t"),
            {"bond": known["label_bond"], "kind": known["ids"]}, {"bond": "Å"},
            {"default": make_split(known["ids"], (0.5, 0.25, 0.25), seed=0)},
        )  # fmt: skip
        write_store(dataset, folder / f"{name}.zarr")


def make_store(rng: random.Random, folder: Path) -> None:
    shutil.copytree(rng.choice(sorted(base("stores").glob("*.zarr"))), folder / "x.zarr")
    heads = sorted((folder / "x.zarr").rglob("zarr.json"))
    files = sorted(p for p in (folder / "x.zarr").rglob("*") if p.is_file() and p not in heads)
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.75:
            head = rng.choice(heads)
            try:
                head.write_text(json.dumps(mutate_json(json.loads(head.read_text()), rng)))
            except ValueError:
                continue
        else:
            file = rng.choice(files)
            file.write_bytes(mutate_bytes(file.read_bytes(), rng))


def _models(folder: Path) -> None:
    from xreg.core.data.samples import Parameters
    from xreg.core.model.domain import Target
    from xreg.core.model.pipeline import Pipeline
    from xreg.registry.plugins import host

    rng = np.random.default_rng(0)
    values = rng.random((60, 3))
    samples = Parameters([f"s{i}" for i in range(60)], values, ("a", "b", "c"), ("eV", "", "K"))
    energy = np.linspace(0, 9, 12)
    spectra = np.sin(values @ rng.random((3, 12)))
    few = {"epochs": 2, "width": 8}
    for emulator, settings, decomposers in (
        ("ridge", {}, ("pca", "pls")),
        ("mlp", few, ("eca",)),
        ("cnn", {"epochs": 2}, ()),
        ("mlp", {**few, "ensemble": 2} if _has("mlp", "ensemble") else few, ("nnca",)),
    ):
        cheap = {"epochs": 2}
        pipeline = Pipeline(
            host().build("emulator", emulator, settings),
            host().build("descriptor", "polynomial", {"degree": 2}),
            {n: host().build("decomposer", n, cheap if _has(n, "epochs", "decomposer") else {})
             for n in decomposers},
        )  # fmt: skip
        run = folder / f"{len(list(folder.iterdir()))}-{emulator}"
        pipeline.fit(samples, spectra, Target("xas", energy)).save(run / "model")
        data = {"name": "x", "version": "1.0.0", "hash": "h", "path": None, "registry": None}
        (run / "summary.json").write_text(json.dumps({"name": "r", "dataset": data}))
        scores = {"test": {"r2": 0.9, "samples": 6}, "decomposers": {"pca": {"test": [0.5, 0.6]}}}
        (run / "metrics.json").write_text(json.dumps(scores))


def _has(name: str, setting: str, kind: str = "emulator") -> bool:
    from xreg.registry.plugins import host

    return setting in host().get(kind, name).spec.config.model_fields  # type: ignore[arg-type]


def make_model(rng: random.Random, folder: Path) -> None:
    run = folder / "run"
    shutil.copytree(rng.choice(sorted(base("models").iterdir())), run)
    if rng.random() < 0.15:
        told = run / rng.choice(("summary.json", "metrics.json"))
        told.write_text(json.dumps(mutate_json(json.loads(told.read_text()), rng)))
        return
    parts = sorted(path.parent for path in (run / "model").rglob(storage.META))
    part = rng.choice(parts)
    if rng.random() < 0.35:
        _change_arrays(part, rng)
    else:
        _sign(part, lambda body: mutate_json(body, rng))
    for place in parts:  # the model's own file tells the hash of each part
        if place != run / "model" and (run / "model" / storage.META).exists():
            name = str(place.relative_to(run / "model"))
            told = storage.digest((place / storage.META).read_bytes())
            if part != run / "model":
                _sign(run / "model", lambda b, n=name, t=told: b | {"parts": b["parts"] | {n: t}})


def _sign(part: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    body = json.loads((part / storage.META).read_text())
    body.pop("digest")
    body = change(body)
    if isinstance(body, dict):
        body["digest"] = storage.digest(storage.canonical_json(body))
    (part / storage.META).write_text(json.dumps(body))


def _change_arrays(part: Path, rng: random.Random) -> None:
    from safetensors.numpy import load, save

    blob = (part / storage.ARRAYS).read_bytes()
    known = load(blob)
    if known and rng.random() < 0.75:
        name = rng.choice(sorted(known))
        old = known[name]
        new = rng.choice(
            [old[:-1] if old.ndim and len(old) else old, old.ravel(), old[None], np.empty(0),
             np.zeros_like(old), np.full(old.shape, np.nan), old.astype(np.float32), -old.astype(float),
             np.array(7), old.astype(np.int64) + 10**6, np.zeros((3, 5, 2)), None]
        )  # fmt: skip
        if new is None:
            del known[name]
        else:
            known[name] = np.ascontiguousarray(new)
        blob = save(known)
    else:
        blob = mutate_bytes(blob, rng)
    (part / storage.ARRAYS).write_bytes(blob)
    _sign(part, lambda body: body | {"arrays": storage.digest(blob)})


def _journal(folder: Path) -> None:
    from xreg.workbench.search.journal import CheckedJournal

    journal = CheckedJournal(folder / "study.journal")
    journal.append_logs([{"op_code": i, "worker_id": "w", "value": [i, None]} for i in range(12)])


def make_journal(rng: random.Random, folder: Path) -> None:
    data = (base("journals") / "study.journal").read_bytes()
    (folder / "study.journal").write_bytes(mutate_text(data, rng))
