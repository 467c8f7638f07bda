"""What ``xreg plugins list`` prints."""

from __future__ import annotations

from xreg.cli.output import cell, echo, echo_table
from xreg.registry.plugins import host


def print_plugins() -> None:
    """Print every installed component; broken plugins and conflicts on standard error."""
    plugins = host()
    rows = []
    for one in plugins:
        needs = "".join(f"  [needs {r.name}: {r.remedy}]" for r in one.spec.missing())
        origin = f"{one.distribution} {one.version}"
        rows.append((one.spec.kind, one.spec.name, origin, one.spec.summary + needs))
    echo_table(rows)
    for broken in plugins.broken:
        echo(f"broken: {broken.name} ({broken.distribution}): {cell(broken.error)}", err=True)
    for conflict in plugins.conflicts():
        echo(f"conflict: {conflict}", err=True)
