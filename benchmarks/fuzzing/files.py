"""Good files of each family, and the mutations of them."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from fuzzing.mutations import mutate_bytes, mutate_json, mutate_text
from xreg.core import storage


@cache
def arrays() -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    return {
        "spectra": rng.random((6, 20)),
        "energy": np.linspace(520, 540, 20),
        "numbers": np.tile([8, 1, 1], 6),
        "positions": np.tile([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]], (6, 1)),
        "offsets": np.arange(0, 19, 3),
        "absorber": np.zeros(6, int),
        "ids": np.array([f"s{i}" for i in range(6)]),
        "label_bond": rng.random(6),
    }


def make_npz(rng: random.Random, folder: Path) -> None:
    known = dict(arrays())
    packed = rng.random() < 0.5
    match rng.randrange(5):
        case 0:  # other arrays under these names
            name = rng.choice(list(known))
            known[name] = rng.choice(
                [known[name][:-1], known["spectra"].astype("f4"), known[name].T, np.array(3), np.empty(0),
                 known[name].astype("U5"), np.full(6, np.nan), np.zeros((6, 0)), -1 - known["absorber"],
                 known["numbers"] + 10**9, np.zeros(6, "c16"), np.zeros(6, bool), np.zeros((2,) * 9)]
            )  # fmt: skip
        case 1:
            del known[rng.choice(list(known))]
    out = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(out, **known)
    data = out.getvalue()
    match rng.randrange(4):
        case 0:  # another claim in a header, or a member that unpacks to more than is there
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, values in known.items():
                    archive.writestr(f"{name}.npy", _npy(values, rng))
                if rng.random() < 0.3:
                    archive.writestr("label_big.npy", b"\x00" * rng.choice((10**6, 2 * 10**8)))
            data = out.getvalue()
        case 1 | 2:
            data = mutate_bytes(data, rng)
    (folder / "x.npz").write_bytes(data)


def _npy(values: np.ndarray[Any, Any], rng: random.Random) -> bytes:
    shape = rng.choice(
        [values.shape, values.shape, (10**12,), (-1,), (2**62, 4), (), (3, 0), (1,) * 70]
    )
    kind = rng.choice([values.dtype.str, values.dtype.str, "|O", "<f8", "<U999999999", "|V8", "<M8[s]",
                       "<c16", "|S0", "<f16", ">i4", "[('a', '<f8')]", "(((("])  # fmt: skip
    head = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape!r}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + values.tobytes()


EXTXYZ = "".join(
    f'3\nProperties=species:S:1:pos:R:3 xas="1 2 3 4 5" xas_energy="520 521 522 523 524" '
    f'step={i} pbc="F F F"\nO 0 0 {i}\nH 0.96 0 {i}\nH -0.24 0.93 {i}\n'
    for i in range(4)
).encode()


def make_extxyz(rng: random.Random, folder: Path) -> None:
    (folder / "x.extxyz").write_bytes(mutate_text(EXTXYZ, rng))


TABLES = [
    b"# energy mu i0\n" + b"".join(b"%.1f %.4f %.1f\n" % (8979 + i, i / 40, 1e5) for i in range(40)),
    b"energy;mu\n" + b"".join(b"%d;%d,5\n" % (520 + i, i) for i in range(30)),
    b"# XDI/1.0 x/1\n# Column.1: energy eV\n# Column.2: xmu\n# Element.symbol: Cu\n# Element.edge: K\n"
    b"#---\n" + b"".join(b"%.1f %.4f\n" % (8979 + i, i / 40) for i in range(40)),
]  # fmt: skip


def make_spectra(rng: random.Random, folder: Path) -> None:
    (folder / "x.txt").write_bytes(mutate_text(rng.choice(TABLES), rng))


def spectrum(path: Path) -> None:
    """Read a text spectrum as ``xreg fit`` does."""
    from xreg.core.measured.spectrum import read_measured

    read_measured(path)


RECIPES: dict[str, dict[str, Any]] = {
    "run": {
        "dataset": {"name": "h2o", "version": "1.0.0"},
        "target": {"channel": "xes", "window": [520, 530], "points": 20},
        "split": {"fractions": [0.8, 0.1, 0.1], "seed": 1},
        "descriptor": {"name": "soap", "cutoff": 4.0, "n_max": 4, "l_max": 3},
        "features": {"variance": 0.0, "correlation": 0.99},
        "emulator": {"name": "mlp", "width": 16, "epochs": 2},
        "decomposers": {"p": {"name": "pca", "rank": 2}, "eca": None},
        "analyses": {"misfit": None},
        "each": {"a": {"emulator.width": 8}, "b": {"target.channel": "xas"}},
        "seed": 3,
    },
    "generate": {
        "dataset": {"name": "x", "version": "1.0.0", "title": "t"},
        "samples": {"space": {"Dq": {"unit": "eV", "low": 0, "high": 1}}, "count": 4, "seed": 1},
        "generator": {"name": "multiplet", "ion": "Ni2+", "points": 11},
        "split": {"fractions": [0.8, 0.1, 0.1]},
        "precision": {"xas": 23},
        "processing": {
            "xas_n": {
                "source": "xas",
                "steps": [{"name": "coarsen", "first": 852.0, "last": 870.0, "channels": 5}],
            }
        },
        "bad": "set-aside",
    },
    "search": {
        "dataset": "h2o@1.0.0",
        "target": {"channel": "xes"},
        "families": {"soap": None, "c": {"descriptor": {"name": "coulomb"}}},
        "emulator": {"name": "mlp", "width": {"int": [8, 64]}, "epochs": 3},
        "folds": {"count": 3},
        "budget": 10,
    },
    "process": {
        "dataset": {"name": "x", "version": "1.0.1"},
        "processing": {
            "n": {
                "source": "raw",
                "steps": [{"name": "coarsen", "first": 852.0, "last": 870.0, "channels": 5}],
            }
        },
    },
    "evaluate": {
        "model": "runs/a",
        "dataset": {"name": "h2o", "version": "1.0.0", "frames": ":9", "where": {"set": ["a"]}},
        "split": {"parts": "set"},
        "analyses": {"misfit": {}, "again": {"name": "misfit"}},
        "each": [{"name": "a", "part": "test"}, {"name": "b", "split": "oh"}],
    },
    "fit": {
        "model": "runs/a",
        "spectrum": "a.txt",
        "generator": {"name": "multiplet", "ion": "Ni2+"},
        "fix": {"T": 300},
        "ranges": {"Dq": [0.1, 0.2]},
        "window": [850, 870],
    },
}
RECIPES["run-1"] = RECIPES["run"] | {
    "format": 1,
    "decomposers": [{"name": "pca", "label": "p", "rank": 2}, "eca"],
    "analyses": ["misfit", {"name": "misfit"}],
    "bad_samples": "refuse",
}
RECIPES["generate-1"] = RECIPES["generate"] | {
    "format": 1,
    "generator": {"name": "multiplet", "settings": {"ion": "Ni2+", "points": 11}},
    "each": {"a": {"generator.settings.ion": "Co2+"}},
    "on_failure": "refuse",
}
RECIPES["search-1"] = RECIPES["search"] | {
    "format": 1,
    "families": ["soap", {"descriptor": {"name": "coulomb"}, "label": "c"}],
}


def make_recipes(rng: random.Random, folder: Path) -> None:
    kind = rng.choice(list(RECIPES))
    content = mutate_json(RECIPES[kind], rng) if rng.random() < 0.7 else RECIPES[kind]
    try:
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode()
    except (yaml.YAMLError, UnicodeError):
        text = json.dumps(content).encode()
    if content is RECIPES[kind] or rng.random() < 0.2:
        text = mutate_text(text, rng)
    match rng.randrange(60):
        case 0:
            text = b"a: &a [x, x]\n" + b"".join(
                b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c]\n" % (c + 1, c + 1, *([c] * 6))
                for c in range(97, 110)
            )
        case 1:
            text = b"dataset: " + b"[" * 20_000
    (folder / f"{kind}.yaml").write_bytes(text)


CATALOGUE: dict[str, Any] = {
    "outs": [{"md5": "0123456789abcdef0123456789abcdef.dir", "size": 10, "nfiles": 2, "hash": "md5",
              "path": "datasets"}],
    "meta": {"datasets": {"x": {"1.0.0": {
        "title": "t", "description": "", "licence": "CC0-1.0", "citation": "c", "provenance": {},
        "samples": 6, "kind": "structures", "contents": "H, O", "labels": {"bond": "Å"},
        "channels": {"xas": {"points": 20, "low": 1.0, "high": 2.0, "unit": "eV"}},
        "splits": {"default": {"train": 3, "validation": 1, "test": 2}}, "files": 2, "size": 10,
        "hash": "0123456789abcdef0123456789abcdef.dir"}}}},
}  # fmt: skip


def make_catalogue(rng: random.Random, folder: Path) -> None:
    content = mutate_json(CATALOGUE, rng) if rng.random() < 0.8 else CATALOGUE
    try:
        text = yaml.safe_dump(content, allow_unicode=True).encode()
    except (yaml.YAMLError, UnicodeError):
        text = json.dumps(content).encode()
    if content is CATALOGUE or rng.random() < 0.2:
        text = mutate_text(text, rng)
    (folder / "datasets.dvc").write_bytes(text)


RESULTS: dict[str, Any] = {
    "benchmark": "abc", "xreg": "0.1.0", "emulator": "mlp",
    "rules": {"dataset": {"name": "x", "version": "1.0.0"}, "target": {"channel": "xas", "moments": {}},
              "folds": {"count": 3, "repeats": 1, "group": None}, "budget": 60.0, "seeds": 3, "seed": 0,
              "split": {"name": None, "fractions": [0.8, 0.1, 0.1]}, "features": {}},
    "families": [
        {"label": label, "plugin": "soap of xreg 0.1.0", "score": 0.9, "fold_spread": 0.01,
         "seed_spread": 0.01, "test": 0.8, "candidates": 10, "seconds": 60.0, "failed": 0,
         "descriptor": {"name": "soap"}, "emulator": {"name": "mlp"}, "decomposer": None}
        for label in ("soap", "mbdf")],
}  # fmt: skip


def make_results(rng: random.Random, folder: Path) -> None:
    content = mutate_json(RESULTS, rng)
    if rng.random() < 0.5 and isinstance(content, dict):
        content["digest"] = storage.digest(storage.canonical_json(content))
    text = json.dumps(content).encode()
    (folder / "results.json").write_bytes(mutate_text(text, rng) if rng.random() < 0.3 else text)
