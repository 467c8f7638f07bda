"""A pytest plugin that records what the suites found, for ``xreg plugins check``.

``pytest -p xreg.core.testing.record`` writes a JSON list to the file that ``$XREG_RECORD`` names.
"""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import Any

import pytest

from xreg.core.testing.base import ComponentSuite

__all__ = ["VARIABLE"]

VARIABLE = "XREG_RECORD"

_found: dict[str, dict[str, Any]] = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: pytest.CallInfo[None]) -> Any:
    """Note the outcome of a check, in the order in which they run."""
    outcome = yield
    report = outcome.get_result()
    if report.passed and report.when != "call":
        return
    told = call.excinfo.value if call.excinfo else ""
    suite = item.cls if inspect.isclass(item.cls) and issubclass(item.cls, ComponentSuite) else None
    component = getattr(suite, "component", None)
    _found[item.nodeid] = {
        "test": item.nodeid,
        "file": str(item.path),
        "kind": getattr(component, "kind", ""),
        "name": getattr(component, "name", ""),
        "check": item.function.__name__.removeprefix("test_") if suite else "",
        "expected": (inspect.getdoc(item.function) or "").partition("\n")[0],
        "outcome": report.outcome,
        "error": type(told).__name__ if told else "",
        "message": str(told).strip(),
    }


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: Any) -> Any:
    """Note a file of tests that cannot be read."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        _found[report.nodeid] = {
            "test": report.nodeid,
            "file": str(collector.path),
            "kind": "",
            "name": "",
            "check": "",
            "expected": "The file can be imported.",
            "outcome": "failed",
            "error": "",
            "message": str(report.longrepr).strip().splitlines()[-1],
        }


def pytest_sessionfinish() -> None:
    """Write what was found."""
    if place := os.environ.get(VARIABLE):
        Path(place).write_text(json.dumps(list(_found.values())), encoding="utf-8")
