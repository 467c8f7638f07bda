"""What all tests share: no test touches the user's cache or configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XREG_CACHE", str(home / "cache"))
        patch.setenv("XREG_CONFIG", str(home / "config.yaml"))
        patch.setenv("MPLBACKEND", "agg")
        patch.delenv("XREG_DEBUG", raising=False)
        yield
