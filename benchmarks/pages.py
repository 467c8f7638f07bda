"""How long `xreg pages build` takes for a large registry, and how large and fast its pages are.

    python benchmarks/pages.py [--datasets 1000] [--models 1000] [--rows 10000]

Makes such a registry in a temporary folder (every dataset version is a store of its own on disk),
builds its pages twice, and times the first view in Chromium where that is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.files import folder_hash
from xreg.registry.publishing import describe
from xreg.registry.stores.writer import write_store

VERSIONS = 4
LARGEST = 1_000_000


def dataset(seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    n, energy = 20, np.linspace(850.0, 880.0, 200)
    values = rng.random((n, 2))
    spectra = np.exp(-((energy - 855 - 10 * values[:, :1]) ** 2))
    ids = np.array([f"sample-{i}" for i in range(n)])
    return Dataset(
        Parameters(ids, values, ("Dq", "width"), ("eV", "eV")),
        Spectra({"xas": Channel(spectra, energy)}),
        Metadata(name="made", version="1.0.0", title="Absorption of an ion", licence="CC0-1.0"),
        {"temperature": rng.random(n)},
        {"temperature": "K"},
    )


def write_datasets(root: Path, count: int) -> None:
    """Write stores, and their catalogue in one go."""
    known: dict[str, dict[str, Any]] = {}
    bases = []
    for seed in range(20):
        base = write_store(dataset(seed), root / f"base-{seed}.zarr")
        bases.append((base, describe(base)))
    for number in range(count):
        name, version = f"dataset-{number // VERSIONS:04d}", f"1.{number % VERSIONS}.0"
        base, entry = bases[number % len(bases)]
        store = root / "datasets" / name / f"{version}.zarr"
        shutil.copytree(base, store)
        top = store / "zarr.json"
        body = json.loads(top.read_text())
        body["attributes"] |= {"name": name, "version": version}
        top.write_text(json.dumps(body))
        fields = entry.model_dump(mode="json", exclude={"name", "version"}, exclude_defaults=True)
        known.setdefault(name, {})[version] = {**fields, "hash": folder_hash(store)}
    for base, _ in bases:
        shutil.rmtree(base)
    write_record(root / "datasets.dvc", "datasets", known)


def write_record(path: Path, section: str, known: dict[str, Any]) -> None:
    outs = [{"md5": f"{0:032x}.dir", "path": section}]
    path.write_text(yaml.dump({"outs": outs, "meta": {section: known}}, Dumper=yaml.CSafeDumper))


def write_models(root: Path, count: int) -> None:
    """Write a catalogue of models; the models themselves are nowhere."""
    known: dict[str, dict[str, Any]] = {}
    for number in range(count):
        name, version = f"model-{number // VERSIONS:04d}", f"1.{number % VERSIONS}.0"
        fields: dict[str, Any] = {
            "title": f"Absorption of ion {number} from its parameters",
            "licence": "CC-BY-4.0",
            "authors": [{"family": "Nobody", "given": "N."}],
            "intended_use": "Fits of measured spectra.",
            "limits": "Octahedral fields alone.",
            "hash": f"{number:032x}.dir",
            "size": 600_000,
            "files": 12,
            "channel": "xas",
            "predicts": {"points": 200, "low": 850.0, "high": 880.0},
            "domain": {
                "kind": "parameters",
                "parameters": {"Dq": {"unit": "eV", "low": 0, "high": 1}},
            },
            "data": {"name": f"dataset-{number // VERSIONS:04d}", "version": "1.0.0"},
            "scores": {
                part: {"r2": {"mean": 0.9 + number / 1e5, "spread": 0.01, "runs": 3}}
                for part in ("train", "validation", "test")
            },
            "components": [
                {
                    "kind": "emulator",
                    "name": "mlp",
                    "distribution": "xreg",
                    "version": "0.1.0",
                    "settings": {"width": 64, "depth": 3},
                }
            ],
            "provenance": {"recipe": {"emulator": {"name": "mlp", "width": 64}}},
        }
        known.setdefault(name, {})[version] = fields
    write_record(root / "models.dvc", "models", known)


def write_results(folder: Path, rows: int) -> list[Path]:
    """Write searches: one benchmark has half of all rows."""
    rng = random.Random(0)
    shares = [rows // 2, *[rows // 40] * 20]
    found = []
    for number, share in enumerate(shares):
        content = {
            "format": 2,
            "benchmark": f"{number:016x}",
            "rules": {
                "dataset": {"name": f"dataset-{number:04d}", "version": "1.0.0"},
                "target": {"channel": "xas", "moments": {}},
                "folds": {"count": 5, "repeats": 1, "group": None},
                "split": {"name": "default", "fractions": None, "counts": None, "parts": None},
                "budget": 300.0,
                "seeds": 3,
            },
            "families": [
                {
                    "label": f"soap-{i}",
                    "plugin": f"xreg-plugin-{i % 50} 1.0.{i % 7}",
                    "score": rng.random(),
                    "fold_spread": rng.random() / 100,
                    "seed_spread": rng.random() / 100,
                    "test": rng.random(),
                    "candidates": 30,
                    "seconds": 300.0,
                    "emulator": {"name": rng.choice(["mlp", "gp", "ridge"])},
                }
                for i in range(share)
            ],
        }
        path = folder / f"results-{number}.json"
        path.write_text(json.dumps(content))
        found.append(path)
    return found


def build(root: Path, site: Path, results: list[Path]) -> tuple[float, float, str]:
    """Run the command as a user does; return seconds, those of the processor, and what it says."""
    command = [sys.executable, "-m", "xreg.cli.main", "pages", "build", str(root), "-o", str(site)]
    command += [word for path in results for word in ("--search", str(path))]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, processor, done.stdout.splitlines()[0]


def first_views(site: Path) -> dict[str, float]:
    """Return milliseconds to the first view of some pages; nothing without a browser."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        return {}
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory() as profile:
        for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
                     "disable-background-networking", "disable-component-update", "disable-sync",
                     "disable-dev-shm-usage",
                     f"user-data-dir={profile}"):  # fmt: skip
            options.add_argument(f"--{flag}")
        browser = webdriver.Chrome(options=options, service=Service(driver))
        found = {}
        for page in ("index.html", "datasets/index.html", "models/index.html",
                     "plugins/index.html", "leaderboards/0000000000000000.html"):  # fmt: skip
            browser.get((site / page).as_uri())
            time.sleep(0.5)
            found[page] = browser.execute_script(
                "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
            )
        browser.quit()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        os.environ["XREG_CACHE"] = f"{room}/cache"
        os.environ["XREG_CONFIG"] = f"{room}/config.yaml"
        root, site = Path(room) / "registry", Path(room) / "site"
        (root / ".dvc").mkdir(parents=True)
        started = time.perf_counter()
        write_datasets(root, asked.datasets)
        write_models(root, asked.models)
        results = write_results(Path(room), asked.rows)
        print(f"registry made in {time.perf_counter() - started:.0f} s")
        for what in ("first build", "second build, nothing changed"):
            seconds, processor, said = build(root, site, results)
            told = said.partition(": ")[2]
            print(f"{what}: {seconds:.1f} s, {processor:.1f} s of the processor ({told})")
        sizes = sorted(
            ((p.stat().st_size, p) for p in site.rglob("*.*") if p.is_file()), reverse=True
        )
        for size, path in sizes[:6]:
            print(f"  {size / 1e3:.0f} kB  {path.relative_to(site)}")
        if any(size > LARGEST for size, path in sizes if path.suffix == ".html"):
            sys.exit("a page is larger than 1 MB")
        for page, milliseconds in first_views(site).items():
            print(f"first view of {page}: {milliseconds:.0f} ms")


if __name__ == "__main__":
    main()
