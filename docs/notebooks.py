"""Tutorials that are notebooks: MkDocs runs them, so that what a page shows is what xreg does.

A notebook ``tutorials/NAME.ipynb`` becomes the page ``tutorials/NAME.md``. It is run in an empty
folder, with this repository as its registry; its outputs are not committed.
"""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 300
_done: dict[bytes, tuple[str, dict[str, bytes]]] = {}


def on_files(files: Any, config: Any) -> Any:
    """Replace each notebook by the page that running it makes; MkDocs calls this."""
    from mkdocs.structure.files import File

    for source in [file for file in files if file.src_uri.endswith(".ipynb")]:
        page = source.src_uri.removesuffix(".ipynb")
        text, pictures = rendered(Path(source.abs_src_path))
        files.append(File.generated(config, f"{page}.md", content=text))
        for name, content in pictures.items():
            files.append(
                File.generated(config, f"{page.rpartition('/')[0]}/{name}", content=content)
            )
    return files


def executed(path: Path) -> Any:
    """Return a notebook with the outputs of all its cells.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "config.yaml"
        settings.write_text(f"registries:\n  xreg: {ROOT}\n", encoding="utf-8")
        working = Path(folder) / "work"
        working.mkdir()
        environment = {**os.environ, "XREG_CONFIG": str(settings)}
        environment.pop("MPLBACKEND", None)  # the kernel's own shows pictures below cells
        client = NotebookClient(
            notebook, timeout=SECONDS, resources={"metadata": {"path": str(working)}}
        )
        client.execute(env=environment)
    return notebook


def rendered(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return the Markdown of an executed notebook, and its pictures by name."""
    content = path.read_bytes()
    if content not in _done:
        pictures: dict[str, bytes] = {}
        parts = []
        for cell in executed(path).cells:
            parts.append(cell.source if cell.cell_type == "markdown" else _code(cell.source))
            for output in cell.get("outputs", ()):
                parts.append(_output(output, f"{path.stem}-{len(pictures)}.png", pictures))
        _done[content] = ("\n\n".join(parts) + "\n", pictures)
    return _done[content]


def _code(source: str, language: str = "python") -> str:
    return f"```{language}\n{source.rstrip()}\n```"


def _output(output: Any, name: str, pictures: dict[str, bytes]) -> str:
    """Return an output in Markdown; a picture is noted under a name."""
    if output.output_type == "stream":
        return _code(output.text, "text")
    data = output.get("data", {})
    if "image/png" in data:
        pictures[name] = base64.b64decode(data["image/png"])
        return f"![Output of the cell above]({name})"
    if "text/html" in data:
        return f'<div class="output">{data["text/html"]}</div>' if data["text/html"] else ""
    return _code(data.get("text/plain", ""), "text")
