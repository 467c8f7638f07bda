"""How often a command climbs: calls from a lower layer of the code to a higher one.

    python benchmarks/layers.py run --dataset h2o@1.0.0 --descriptor internal --emulator ridge

Counts the places, module to module, at which a function of a lower layer calls one of a higher
layer, itself and not by way of the standard library. That a model calls the components it is made
of, and a driver the functions it was handed, is what interfaces are for; those calls are listed
apart: the callee is a method that an interface declares, or a hook.
"""

from __future__ import annotations

import collections
import sys
from types import FrameType
from typing import Any

LAYERS = {"core": 1, "plugins": 2, "registry": 2, "workbench": 3, "cli": 4}


def layer_of(module: str) -> int:
    parts = module.split(".")
    return LAYERS.get(parts[1], 0) if parts[0] == "xreg" and len(parts) > 1 else 0


def declared(frame: FrameType) -> bool:
    """Whether a call is answered by a component: a method on an instance of an interface."""
    from xreg.core.interfaces.component import Component

    return isinstance(frame.f_locals.get("self"), Component)


def main(arguments: list[str]) -> int:
    climbs: collections.Counter[tuple[str, str]] = collections.Counter()
    answered: collections.Counter[tuple[str, str]] = collections.Counter()

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_back is None:
            return
        here = frame.f_globals.get("__name__", "")
        there = frame.f_back.f_globals.get("__name__", "")
        low, high = layer_of(there), layer_of(here)
        if 0 < low < high:
            (answered if declared(frame) else climbs)[(there, here)] += 1

    from xreg.cli.main import main as command

    sys.setprofile(look)
    try:
        command(arguments)
    except SystemExit as end:
        if end.code:
            return int(end.code)
    finally:
        sys.setprofile(None)
    for title, found in (("climbs", climbs), ("answered by components", answered)):
        print(f"{title}: {len(found)} places")
        for (low, high), times in sorted(found.items()):
            print(f"  {low} -> {high}  ({times} times)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
