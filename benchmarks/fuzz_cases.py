"""Good files of each family, and the mutations of them: what ``fuzz.py`` reads."""

from __future__ import annotations

import copy
import io
import json
import random
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from xreg.core import storage

ODD: list[Any] = [
    None, True, False, 0, 1, 2, -1, 7.5, -1e-300, 1e308, float("nan"), float("inf"), 10**12, 10**40,
    -(10**18), "", "x", "é\x00", "\x1b[2J", "../../x", "/etc/passwd", "nan", "1e999", "0x10",
    "x" * 5000, "\ud800", [], {}, [[]], [None], {"": None}, [1, "a", None], {"name": {"name": 1}},
    [[[[[[[[]]]]]]]], "os:system", "1.0.0", "a\nb", "${x}", "inf", [10**9] * 3, ["a"] * 300,
]  # fmt: skip
WORDS = [
    b"nan", b"inf", b"-1", b"1e400", b"1000000000000", b"0", b"", b"1.2-101", b"1D+03", b"1,5",
    b"\x00", b"\xff\xfe", b"#", b"\r", b"\n\n\n", b"[", b"{{{{{{", b"*a", b"&a [*a, *a]", b"!!x",
    b"\t", b"'", b'"', b":", b"-" * 3, b"9" * 400, b"e", b"Xx", b"3", b"=", b"\xe2\x80\xa8", b";",
]  # fmt: skip


# Mutations ----------------------------------------------------------------------------------------


def mutate_json(value: Any, rng: random.Random) -> Any:
    """Return JSON values with one to three places changed."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(value))
        if not places:
            return copy.deepcopy(rng.choice(ODD))
        holder, key = rng.choice(places)
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1:
                other, name = rng.choice(places)
                holder[key] = _get(other, name, holder[key])
            case 2 if isinstance(holder, dict):
                holder[rng.choice(["x", "", "name", "each", "__class__"])] = copy.deepcopy(
                    rng.choice(ODD)
                )
            case 3 if isinstance(holder[key], list) and holder[key]:
                holder[key] = holder[key] * rng.choice((0, 2, 50)) + [
                    copy.deepcopy(rng.choice(ODD))
                ]
            case 4 if isinstance(holder[key], int | float):
                holder[key] = rng.choice((holder[key] * 1000, -holder[key], holder[key] + 1, 0.5))
            case _:
                holder[key] = copy.deepcopy(rng.choice(ODD))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += _places(inner)
    return found


def _get(holder: Any, key: Any, default: Any) -> Any:
    try:
        return json.loads(json.dumps(holder[key]))
    except (LookupError, TypeError):
        return default


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with one to six places changed."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(6):
            case 0 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                del out[at : at + rng.choice((1, 4, 40, 4000))]
            case 2:
                out[at:at] = rng.choice(WORDS)
            case 3:
                end = at + rng.randrange(200)
                out[at:at] = out[at:end]
            case 4 if out:
                out[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 2**31, 2**32 - 1, 10**6)))
            case _:
                del out[rng.randrange(len(out) + 1) :]
    return bytes(out)


def mutate_text(data: bytes, rng: random.Random) -> bytes:
    """Return text with words, lines or bytes changed."""
    if rng.random() < 0.25:
        return mutate_bytes(data, rng)
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        match rng.randrange(5):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 2:
                lines.insert(at, b"")
            case _:
                words = lines[at].split(b" ")
                words[rng.randrange(len(words))] = rng.choice(WORDS)
                lines[at] = b" ".join(words)
    text = b"\n".join(lines)
    match rng.randrange(8):
        case 0:
            return text.replace(b"\n", b"\r\n")
        case 1:
            return text.decode("latin-1").encode("utf-16")
        case _:
            return text


# Good files ---------------------------------------------------------------------------------------


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
# What version 1 of the language wrote, read as that.
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


def _journal(folder: Path) -> None:
    from xreg.workbench.search.journal import CheckedJournal

    journal = CheckedJournal(folder / "study.journal")
    journal.append_logs([{"op_code": i, "worker_id": "w", "value": [i, None]} for i in range(12)])


def make_journal(rng: random.Random, folder: Path) -> None:
    data = (base("journals") / "study.journal").read_bytes()
    (folder / "study.journal").write_bytes(mutate_text(data, rng))


MAKERS: dict[str, Callable[[random.Random, Path], None]] = {
    "npz": make_npz,
    "extxyz": make_extxyz,
    "spectra": make_spectra,
    "recipes": make_recipes,
    "stores": make_store,
    "models": make_model,
    "catalogues": make_catalogue,
    "results": make_results,
    "journals": make_journal,
}


def write_case(family: str, rng: random.Random, folder: Path) -> None:
    """Write the files of one case, which the family and the state of ``rng`` decide."""
    np.random.seed(0)  # noqa: NPY002 - nothing here draws from it
    MAKERS[family](rng, folder)
