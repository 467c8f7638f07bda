"""One small registry with two datasets, one of them a stranger's, its site, and one browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from xreg.core import storage
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.files import folder_hash
from xreg.registry.catalogue import Catalogue
from xreg.registry.publishing import describe
from xreg.registry.stores.writer import write_store
from xreg.registry.versions.entries import DatasetEntry, ModelEntry

#: What a stranger may write anywhere; each would set ``window.pwned`` or leave its place.
EVIL = (
    "</script><script>window.pwned=1</script>",
    '<img src=x onerror="window.pwned=2">',
    "javascript:window.pwned=3",
    "\x1b[31mred\x1b[0m \u202egnp.exe",
    '"><svg onload=window.pwned=4>',
    "{{ 7*191 }}{% raw %}",
    "'-window.pwned-'",
)


def publish(root: Path, dataset: Dataset) -> None:
    """Enter a dataset into a registry whose data stand beside it; no DVC is needed for reading."""
    (root / ".dvc").mkdir(parents=True, exist_ok=True)
    about = dataset.metadata
    store = write_store(dataset, root / "datasets" / about.name / f"{about.version}.zarr")
    Catalogue(root, DatasetEntry).add(describe(store))


def parameters(n: int = 40) -> Dataset:
    """Return a dataset of parameters whose texts are a stranger's."""
    rng = np.random.default_rng(3)
    values = rng.random((n, 2))
    energy = np.linspace(850.0, 880.0, 40)
    spectra = np.exp(-((energy - 855 - 10 * values[:, :1]) ** 2)) + values[:, 1:]
    ids = [EVIL[0] + str(i) if i % 2 else f"row {EVIL[1]} {i}" for i in range(n)]
    return Dataset(
        samples=Parameters(ids, values, ("Dq", "width"), ("eV", "eV")),
        spectra=Spectra(
            {
                "xas": Channel(spectra, energy, (), EVIL[1]),
                "moments": Channel(rng.normal(size=(n, 2)), None, (EVIL[0], EVIL[4]), "eV"),
            }
        ),
        metadata=Metadata(
            name="stranger",
            version="1.0.0",
            title=EVIL[0],
            description=" ".join(EVIL),
            licence=EVIL[4],
            citation=EVIL[2],
            provenance={"generator": EVIL[0], "notes": list(EVIL)},
        ),
        labels={"kind": np.array([EVIL[i % len(EVIL)] for i in range(n)])},
    )


def publish_models(root: Path) -> None:
    """Enter two versions of one model, the second withdrawn, and one of a stranger."""
    emulator = root / "models" / "water-xes" / "1.0.0" / "model" / "emulator"
    emulator.mkdir(parents=True)
    epochs = np.arange(50.0)
    losses = np.exp(-epochs / 20)[:, None] * [1.0, 1.1, 2.0, np.nan]
    storage.write(emulator, {"name": "mlp"}, {"history_": np.column_stack([epochs, losses])})
    fields: dict[str, Any] = {
        "name": "water-xes",
        "version": "1.0.0",
        "title": "Emission of water from its geometry",
        "authors": ["Curie, Marie (0000-0002-1825-0097)", "{Water Group}"],
        "licence": "CC-BY-4.0",
        "intended_use": "Isolated molecules.",
        "limits": "No hydrogen bonds.",
        "published": "2026-02-03",
        "hash": folder_hash(emulator.parents[1]),
        "size": 123456,
        "files": 2,
        "channel": "xes",
        "predicts": {"points": 61, "low": 520.0, "high": 532.0, "unit": "arb. u."},
        "domain": {"kind": "structures", "elements": ["H", "O"], "absorbers": ["O"]},
        "data": {"name": "water", "version": "1.0.0", "parts": {"train": 24, "test": 3}},
        "scores": {"test": {"r2": {"mean": 0.98, "spread": 0.005, "runs": 3}}},
        "calibration": "Spread scaled so that 68 % of errors lie within it.",
        "components": [
            {
                "kind": "emulator",
                "name": "mlp",
                "distribution": "xreg",
                "version": "0.1.0",
                "settings": {"width": 64},
            }
        ],
        "provenance": {"recipe": {"emulator": {"name": "mlp"}}},
    }
    newer = {
        "version": "1.1.0",
        "hash": f"{1:032x}.dir",
        "withdrawn": {"reason": "Wrong units.", "date": "2026-03-04"},
        "scores": {"test": {"r2": {"mean": 0.99}}},
    }
    foreign = {
        "name": "foreign",
        "version": "1.0.0",
        "hash": f"{2:032x}.dir",
        **dict.fromkeys(("title", "description", "licence", "limits", "channel"), EVIL[0]),
        "authors": [{"group": EVIL[1]}],
        "keywords": list(EVIL),
        "scores": {EVIL[0]: {EVIL[1]: {"mean": 0.5}}},
        "data": {"name": "../../index", "version": EVIL[2]},
        "domain": {
            "kind": EVIL[1],
            "parameters": {EVIL[4]: {"unit": EVIL[0], "low": 0.0, "high": 1.0}},
        },
        "components": [{**fields["components"][0], "name": EVIL[1], "settings": {EVIL[0]: EVIL}}],
        "provenance": {EVIL[0]: list(EVIL)},
    }
    catalogue = Catalogue(root, ModelEntry)
    for changed in ({}, newer, foreign):
        catalogue.add(ModelEntry(**{**fields, **changed}))


def publish_task(root: Path) -> None:
    """Publish a task whose texts are a stranger's, and a row in it."""
    from xreg.workbench.leaderboards.entry import Row, write_row
    from xreg.workbench.leaderboards.task import read_task

    path = root / "tasks" / "water.yaml"
    path.parent.mkdir()
    body = {
        "title": EVIL[0],
        "description": EVIL[1],
        "dataset": {"name": "water", "version": "1.0.0"},
        "target": {"channel": "xes"},
        "budget": 60,
    }
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    task = read_task(path)
    source = {"kind": "emulator", "name": "mlp", "plugin": "mlp", "distribution": EVIL[1],
              "version": "1.0", "code": "0" * 64}  # fmt: skip
    family = {"label": "mine", "descriptor": None, "emulator": {"name": EVIL[0]},
              "decomposer": None, "plugin": EVIL[4], "candidates": 3, "failed": 0, "done": True,
              "seconds": 60.0, "score": 0.75, "fold_spread": 0.1, "seed_spread": 0.05,
              "test": 0.7}  # fmt: skip
    row = Row(
        format=2, benchmark="0" * 16, xreg="0.1.0", rules=task.rules, emulator="mlp",
        families=[family], task="water", task_digest=task.digest, scores=[[0.7, 0.8]],
        sources=[source], machine={}, submitted="2026-05-06", signed_off_by=EVIL[0],
    )  # fmt: skip
    write_row(root / "leaderboards" / "water", row)
    (root / "leaderboards" / "water" / "damaged-1.json").write_text("{")


def results(folder: Path) -> Path:
    """Write the results of a search that a stranger ran."""
    family = {"plugin": EVIL[1], "candidates": 3, "seconds": 9.0, "fold_spread": 0.01}
    rules = {
        "dataset": {"name": "water", "version": "1.0.0"},
        "target": {"channel": "xes", "moments": {}},
        "folds": {"count": 5, "repeats": 1, "group": None},
        "split": {"name": "default", "fractions": None, "counts": None, "parts": None},
        "budget": 60.0,
        "seeds": 2,
    }
    content: dict[str, Any] = {
        "format": 2,
        "benchmark": "../../outside",
        "rules": rules,
        "families": [
            {**family, "label": EVIL[0], "score": 0.9, "emulator": {"name": EVIL[4]}},
            *(
                {**family, "label": f"family-{i}", "score": 0.5 + i / 1000, "emulator": {"name": m}}
                for i, m in enumerate(["mlp", "gp"] * 20)
            ),
        ],
    }
    path = folder / "results.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_registry(
    tmp_path_factory: pytest.TempPathFactory, made_water: Callable[..., Dataset]
) -> Path:
    """A registry with two versions of one dataset, and one dataset of a stranger."""
    root = tmp_path_factory.mktemp("pages") / "small"
    publish(root, made_water(30))
    longer = made_water(60)
    about = longer.metadata.model_copy(update={"version": "1.1.0", "licence": "CC-BY-4.0"})
    publish(root, replace(longer, metadata=about))
    publish(root, parameters())
    publish_models(root)
    publish_task(root)
    return root


@pytest.fixture(scope="session")
def site(small_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of that registry, explorers and a leaderboard included."""
    from xreg.workbench.pages.build import build_pages

    folder = tmp_path_factory.mktemp("site")
    built = build_pages([small_registry], folder / "site", results=[results(folder)], explore=True)
    return built.folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium without a window; where it is missing, what needs it is skipped."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium and chromedriver (Debian: apt-get install chromium-driver)")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--enable-unsafe-swiftshader", "--disable-dev-shm-usage", "--window-size=1280,1000",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(driver))
    made.implicitly_wait(0)
    yield made
    made.quit()
