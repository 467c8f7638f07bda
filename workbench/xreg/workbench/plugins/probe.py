"""Imports a declaration in a process of its own, and prints as JSON what it is.

``python -m xreg.workbench.plugins.probe MODULE``; run by ``xreg plugins check``.
"""

from __future__ import annotations

import importlib
import json
import sys
from time import perf_counter
from typing import Any

__all__ = ["main"]


def main(module: str) -> dict[str, Any]:
    """Import a module and return what it declares; the first import is this one."""
    before, start = set(sys.modules), perf_counter()
    try:
        loaded = importlib.import_module(module)
        seconds, came = perf_counter() - start, set(sys.modules) - before
        specs = list(loaded.xreg_components()) if hasattr(loaded, "xreg_components") else []
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may fail in any way
        return {"error": f"{type(error).__name__}: {error}"}
    return {
        "seconds": seconds,
        "imported": sorted({name.partition(".")[0] for name in came}),
        "api": getattr(loaded, "XREG_API", None),
        "components": [_component(spec) for spec in specs],
    }


def _component(spec: Any) -> dict[str, Any]:
    from xreg.core.settings_in_words import unbounded

    found: dict[str, Any] = {"kind": str(spec.kind), "name": str(spec.name)}
    try:
        rows = spec.config.table()
        found["summary"] = str(spec.summary)
        found["settings"] = [
            [row.name, row.kind, row.default, row.unit, row.description] for row in rows
        ]
        found["unbounded"] = unbounded(spec.config)
        found["missing"] = [f"{need.name}: {need.remedy}" for need in spec.missing()]
        if not found["missing"]:
            spec.load()
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
