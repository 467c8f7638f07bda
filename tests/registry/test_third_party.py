"""The example distributions, really installed beside xreg as a third party's would be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.testing import waters
from xreg.registry.stores.writer import write_store

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("xreg-plugin-shell", "xreg-plugin-runlog", "xreg-plugin-forest")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install both distributions into a temporary folder, offline."""
    folder = tmp_path_factory.mktemp("third-party")
    for name in NAMES:  # copies, so that nothing can be found beside its source
        shutil.copytree(EXAMPLES / name, folder / "source" / name)
    command = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    sources = [str(folder / "source" / name) for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, "--target", str(folder / "site"), *sources],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def python(target: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(target, sys.executable, *words)


def run(target: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command where the distributions are installed."""
    return subprocess.run(
        words,
        cwd=target,
        env={**os.environ, "PYTHONPATH": str(target / "site")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_their_own_tests_pass(target: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", "source"]
    for name in NAMES:
        assert list((target / "source" / name / "tests").glob("test_*.py"))
    done = python(target, "-m", "pytest", *options, *(f"source/{name}/tests" for name in NAMES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_it_is_listed_and_explained(target: Path, warm: Path) -> None:
    listed = run(target, warm / "xreg", "plugins", "list")
    assert listed.returncode == 0
    row = next(line for line in listed.stdout.splitlines() if "xreg-plugin-shell" in line)
    assert row.split()[:4] == ["descriptor", "shell", "xreg-plugin-shell", "1.0.0"]
    assert "broken" not in listed.stderr
    shown = run(target, warm / "xreg", "plugins", "show", "shell")
    assert "Atoms beyond this do not count." in shown.stdout


def test_the_host_builds_it_and_calls_its_hooks(target: Path) -> None:
    """The registry finds the descriptor by name, and the run log hears of a run."""
    script = """
from pathlib import Path
from xreg.core.model.features import build_features
from xreg.core.run import Run
from xreg.core.testing import waters
from xreg.registry.plugins import host

shell = host().build("descriptor", "shell", {"inner": 1.5, "outer": 2.0, "degrees": [2]})
print(build_features(shell.fit(waters()), waters()).shape)
run = Run("demo", Path("runs/demo"), {"dataset": {"name": "h2o"}, "emulator": {"name": "mlp"}})
hook = host().manager.hook
hook.xreg_run_started(run=run)
run.metrics, run.seconds = {"test": {"r2": 0.5}}, 2.0
hook.xreg_run_finished(run=run)
print([section.title for part in hook.xreg_report_sections(run=run) for section in part])
"""
    done = python(target, "-W", "error", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["(8, 4)", "['Earlier runs on h2o']"]
    log = (target / "xreg-runs.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in log] == ["event", "started", "finished"]


def test_a_run_with_both(target: Path, warm: Path) -> None:
    """``xreg run`` takes the third party's descriptor, and its report shows the earlier run."""
    samples = waters(40)
    bonds = np.linalg.norm(np.diff(samples.positions.reshape(-1, 3, 3), axis=1), axis=2)
    energy = np.linspace(0.0, 4.0, 9)
    spectra = Spectra({"xes": Channel(np.exp(-((energy - 2 * bonds[:, :1]) ** 2)), energy)})
    metadata = Metadata(name="toy", version="1.0.0", licence="CC0-1.0")
    write_store(Dataset(samples, spectra, metadata), target / "1.0.0.zarr")
    shell = [
        "--descriptor",
        "shell",
        "--set",
        "descriptor.inner=1.5",
        "--set",
        "descriptor.outer=2",
    ]
    for out in ("one", "two"):
        words = ["--dataset", "1.0.0.zarr", *shell, "--emulator", "ridge", "-o", out]
        done = run(target, warm / "xreg", "run", *words)
        assert done.returncode == 0, done.stderr
    log = (target / "xreg-runs.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in log[-4:]] == 2 * ["started", "finished"]
    assert "Earlier runs on toy" in (target / "two" / "report.html").read_text()
    used = json.loads((target / "two" / "summary.json").read_text())
    assert "xreg-plugin-shell" in json.dumps(used)
