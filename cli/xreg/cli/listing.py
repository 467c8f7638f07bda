"""What ``xreg plugins list`` prints."""

from __future__ import annotations

from xreg.cli.output import cell, echo
from xreg.registry.plugins import host


def print_plugins() -> None:
    """Print every installed component; broken plugins and conflicts on standard error."""
    plugins = host()
    rows = [
        (
            i.spec.kind,
            i.spec.name,
            f"{i.distribution} {i.version}",
            i.spec.summary,
            i.spec.missing(),
        )
        for i in plugins
    ]
    widths = [max((len(row[c]) for row in rows), default=0) for c in range(3)]
    for kind, name, origin, summary, missing in rows:
        needs = "".join(f"  [needs {r.name}: {r.remedy}]" for r in missing)
        echo(f"{kind:<{widths[0]}}  {name:<{widths[1]}}  {origin:<{widths[2]}}  {summary}{needs}")
    for broken in plugins.broken:
        echo(f"broken: {broken.name} ({broken.distribution}): {cell(broken.error)}", err=True)
    for conflict in plugins.conflicts():
        echo(f"conflict: {conflict}", err=True)
