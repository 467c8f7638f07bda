"""The sandbox itself: it must notice what it is there for."""

from __future__ import annotations

import subprocess

import pytest


def test_a_file_outside_of_the_cache_is_noticed(sandbox):
    sandbox.freeze()
    (sandbox.cache / "datasets").mkdir(parents=True)
    sandbox.check()
    stray = sandbox.home / "stray"
    stray.touch()
    with pytest.raises(AssertionError):
        sandbox.check()
    stray.unlink()


def test_a_process_is_noticed(sandbox):
    sandbox.freeze()
    subprocess.run(["true"], check=True)
    sandbox.check("true")
    with pytest.raises(AssertionError):
        sandbox.check("git")
    sandbox.processes.clear()


def test_a_payload_is_noticed(sandbox):
    sandbox.freeze()
    sandbox.sentinel.touch()
    with pytest.raises(AssertionError, match="payload ran"):
        sandbox.check()
    sandbox.sentinel.unlink()
