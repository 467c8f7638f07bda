"""A publication and a pull that are interrupted in their middle, and then repeated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from xreg.core.files import folder_hash
from xreg.registry import models
from xreg.registry.dvc import Objects
from xreg.registry.publishing import publish_model


def after(count: int, do: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does the same so many times, and is then interrupted."""
    left = [count]

    def once(*arguments: Any) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return do(*arguments)

    return once


def interrupted_publication(root: Path, run: Path, about: Mapping[str, Any]) -> None:
    """Interrupt the push of a model: nothing is published; repeated, it is."""
    before = (root / "models.dvc").read_bytes() if (root / "models.dvc").is_file() else b""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "push", after(4, Objects.push))
        with pytest.raises(KeyboardInterrupt):
            publish_model(run, "noise@2.0.0", root, about)
    assert models.list_models(root, runs=root / "nowhere") == [] or before
    assert b"2.0.0" not in (root / "models.dvc").read_bytes()
    assert publish_model(run, "noise@2.0.0", root, about).entry.files > 4
    shutil.rmtree(root / ".dvc" / "cache")


def interrupted_pull(registry: str | Path, reference: str) -> Path:
    """Interrupt a pull of a model: nothing looks complete; repeated, it is, and what came stays."""
    fetched: list[str] = []
    fetch = Objects.fetch

    def count(self: Objects, md5: str, target: Path) -> None:
        fetched.append(md5)
        fetch(self, md5, target)

    entry = models.find(reference, registry).entry
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "fetch", after(4, count))
        with pytest.raises(KeyboardInterrupt):
            models.pull(reference, registry)
    place = models.find_model(reference, registry).place
    assert not place.exists()
    kept = set(fetched)
    fetched.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "fetch", count)
        folder = models.pull(reference, registry)
    assert folder_hash(folder) == entry.hash
    assert not kept & set(fetched)
    return folder
