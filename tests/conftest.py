"""What all tests share: places of their own, a toy dataset, a registry that has it."""

from __future__ import annotations

import os

# One thread a process, as numerical libraries read when they are imported: several test processes
# share the cores, and small networks are faster so.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import make_split
from xreg_tests.warm import fork_workers, install

# Timings are no tests: a busy machine must not fail one. Nor must chance: the examples are the same
# in every run. To look for others: pytest --hypothesis-profile explore
settings.register_profile("explore", deadline=None)
settings.register_profile("xreg", deadline=None, derandomize=True)
settings.load_profile("xreg")


@pytest.fixture(autouse=True, scope="session")
def own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XREG_CACHE", str(home / "cache"))
        patch.setenv("XREG_CONFIG", str(home / "config.yaml"))
        patch.setenv("XREG_PLUGINS", str(home / "plugins"))
        patch.setenv("XREG_LOOKS", str(home / "lockbox"))
        patch.setenv("MPLBACKEND", "agg")
        patch.delenv("XREG_DEBUG", raising=False)
        yield


ABOUT = {"authors": ["Carberry, Josiah (0000-0002-1825-0097)", "{The toy makers}"]}
"""What a publication must say beside what a toy says itself."""


def toy(n: int = 50, seed: int = 0, version: str = "1.0.0", name: str = "toy") -> Dataset:
    """Return a small dataset with everything that a store can hold; a longer one goes on."""
    rng = np.random.default_rng(seed)
    intensity = rng.random((1000, 30))[:n].astype(np.float32)
    moments = rng.normal(size=(1000, 2))[:n]
    positions = rng.normal(size=(1000, 9))[:n].reshape(-1, 3)
    ids = [f"trajectory-{i % 3}/step-{i:04d}é" for i in range(n)]
    samples = Structures(
        ids, np.tile([8, 1, 1], n), positions, 3 * np.arange(n + 1), np.zeros(n, int)
    )
    return Dataset(
        samples=samples,
        spectra=Spectra(
            {
                "xes": Channel(intensity, np.linspace(520.0, 530.0, 30)),
                "moments": Channel(moments, None, ("mean", "width"), "eV"),
            }
        ),
        metadata=Metadata(
            name=name,
            version=version,
            title="A toy",
            licence="CC0-1.0",
            citation="Nobody (2026)",
            provenance={"generator": {"name": "noise", "seed": seed}, "failed": []},
        ),
        labels={
            "temperature": np.linspace(300.0, 400.0, n),
            "trajectory": np.array([f"t{i % 3}" for i in range(n)]),
            "converged": np.arange(n) % 5 > 0,
        },
        label_units={"temperature": "K"},
        splits={"default": make_split(samples.ids, seed=1)},
    )


@pytest.fixture(scope="session")
def toy_dataset() -> Callable[..., Dataset]:
    """:func:`toy`, for tests that want a dataset of their own."""
    return toy


@pytest.fixture(scope="session")
def about() -> dict[str, list[str]]:
    """:data:`ABOUT`, for tests that publish."""
    return ABOUT


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry made with real git and DVC; read it, and change only copies of it."""
    from xreg.registry.publishing import publish
    from xreg.registry.stores.writer import write_store

    folder = tmp_path_factory.mktemp("published")
    root = folder / "registry"
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc" / "config").write_text(
        '[core]\n    remote = bundled\n[remote "bundled"]\n    url = ../dvc-remote\n'
    )
    (root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    run_git(root, "init", "--quiet")
    short, long = folder / "short.zarr", folder / "long.zarr"
    write_store(toy(50), short, shard_rows=20, precision={"xes": 11})
    write_store(toy(70, version="1.1.0"), long, like=short)
    for store in (short, long):
        publish(store, root, ABOUT)
    run_git(root, "add", "--all")
    run_git(root, "commit", "--quiet", "-m", "data")
    return root


MODEL_ABOUT = ABOUT | {
    "title": "A toy that predicts noise",
    "licence": "CC-BY-4.0",
    "intended_use": "Tests.",
    "limits": "It knows one molecule.",
}
"""What the publication of a model must say."""


@pytest.fixture(scope="session")
def model_about() -> dict[str, object]:
    """:data:`MODEL_ABOUT`, for tests that publish."""
    return MODEL_ABOUT


@pytest.fixture(scope="session")
def toy_runs(published: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of one recipe with two seeds of the split."""
    from xreg.workbench.run.recipe import load_recipe
    from xreg.workbench.run.run import execute

    folder = tmp_path_factory.mktemp("runs")
    content = {
        "dataset": {"name": "toy@1.1.0", "registry": str(published)},
        "target": {"channel": "xes"},
        "descriptor": "internal",
        "emulator": "ridge",
        "analyses": {},
    }
    return [
        execute(
            load_recipe(None, {**content, "split": {"fractions": [0.6, 0.2, 0.2], "seed": seed}}),
            folder / f"run-{seed}",
        )
        for seed in (0, 1)
    ]


@pytest.fixture(scope="session")
def models_published(
    published: Path, toy_runs: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A registry with datasets and the model ``noise@1.0.0``; read it, change only copies of it."""
    from xreg.registry.publishing import publish_model

    root = tmp_path_factory.mktemp("models") / "registry"
    run_git(root.parent, "clone", "--quiet", published.as_uri(), str(root))
    publish_model(toy_runs[0], "noise@1.0.0", root, MODEL_ABOUT, repeats=toy_runs[1:])
    run_git(root, "add", "--all")
    run_git(root, "commit", "--quiet", "-m", "model")
    return root


@pytest.fixture
def models_registry(models_published: Path, tmp_path: Path) -> Path:
    """A copy of that registry as git has it."""
    root = tmp_path / "models-registry"
    run_git(tmp_path, "clone", "--quiet", models_published.as_uri(), str(root))
    return root


@pytest.fixture
def registry(published: Path, tmp_path: Path) -> Path:
    """A copy of the published registry as git has it: no DVC cache, no data but the remote's."""
    root = tmp_path / "registry"
    run_git(tmp_path, "clone", "--quiet", published.as_uri(), str(root))
    return root


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an ``xreg`` that need not import what takes long."""
    folder = tmp_path_factory.mktemp("warm")
    with install(folder):
        yield folder


@pytest.fixture(scope="module")
def warm_workers() -> Iterator[None]:
    """Worker processes that need not import what takes long."""
    with fork_workers():
        yield


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a configuration of the test's own, and a working folder outside any registry."""
    monkeypatch.setenv("XREG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XREG_CONFIG", str(tmp_path / "config.yaml"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, nearly full; needs the right to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs more rights than this test run has")
    (folder / "ballast").write_bytes(bytes(900_000))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def run_git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


@pytest.fixture(scope="session")
def git() -> Callable[..., None]:
    """Run git in a folder, with a name and address that need no configuration."""
    return run_git
