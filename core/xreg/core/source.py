"""The code behind a component, as one hash: what was computed by other code is noticed.

A version says little of it: an editable plugin changes without one.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, all_suffixes
from pathlib import Path
from weakref import WeakKeyDictionary

from xreg.core.storage import digest

__all__ = ["libraries", "source_hash"]

PACKAGES = ("site-packages", "dist-packages")
COMPILED = {".pyc", ".pyo"}
FOR_PEOPLE = {".md", ".rst", ".typed"}
LEFT_OUT = {"__pycache__", "tests", "node_modules"}

IMPORT = re.compile(
    r"^\s*(?:from\s+(?P<base>[.\w]+)\s+import\s+(?P<names>\([^)]*\)|[^\n;#]*)"
    r"|import\s+(?P<plain>[^\n;#]+))",
    re.MULTILINE,
)
BY_NAME = re.compile(r"""import_module\(\s*["'](?P<name>[\w.]+)["']""")
TYPES_ONLY = re.compile(
    r"^(?P<margin>[ \t]*)if TYPE_CHECKING:\n(?:(?P=margin)[ \t]+.*\n|\s*\n)+", re.M
)

_known: WeakKeyDictionary[type, tuple[str, dict[str, str]]] = WeakKeyDictionary()


def source_hash(component: type) -> str:
    """Return a hash of the code that a component runs; empty where no source can be read.

    It covers every file, data files included, of the package that holds the class (below a
    namespace package, the folder in it; of a single module or one of ``xreg.core``, that file and
    the data files beside it that it names), every module of ``xreg.core`` that these import, and
    what else they import that belongs to no installed distribution, such as a helper beside an
    editable plugin. Text for people (``.md``, ``.rst``) does not count, a changed comment does.

    The hash of a class is found once, when it is first asked for: what runs is what was imported,
    whatever is done to the files later in the life of the process.

    Returns
    -------
    str
        64 hexadecimal digits, the same on every machine unless there are compiled files.
    """
    return _of(component)[0]


def libraries(component: type) -> dict[str, str]:
    """Return the version of each installed distribution that the code of a component imports.

    By import name; where the distribution has another one, size and age of the package instead.
    """
    return dict(_of(component)[1])


def _of(component: type) -> tuple[str, dict[str, str]]:
    if component not in _known:
        for cached in (_find, _version, _beside, _distributions):
            cached.cache_clear()  # modules may have come since
        parts, versions = _parts(component)
        text = "".join(f"{name}\0{content}\n" for name, content in sorted(parts.items()))
        _known[component] = digest(text) if parts else "", versions
    return _known[component]


def _parts(component: type) -> tuple[dict[str, str], dict[str, str]]:
    """Return the hash of each file, and the version of each distribution, by name."""
    parts: dict[str, str] = {}
    versions: dict[str, str] = {}
    waiting: list[tuple[str, Path]] = []
    name, root = _root(component.__module__)
    if root is None:
        try:  # typed into a notebook
            return {name: digest(inspect.getsource(component))}, {}
        except (OSError, TypeError):
            return {}, {}
    if root.is_dir():
        for path in _files(root):
            inner = path.relative_to(root).as_posix()
            parts[f"{name}/{inner}"] = _read(path)[0]
            if path.suffix == ".py":
                dotted = ".".join([name, *inner.removesuffix(".py").split("/")])
                waiting.append((dotted.removesuffix(".__init__"), path))
    else:
        waiting.append((name, root))
        parts[name] = _read(root)[0]
        parts |= {f"{name}: {p.name}": _read(p)[0] for p in _named_data(root)}
    seen = {dotted for dotted, _ in waiting} | {name}
    while waiting:
        dotted, path = waiting.pop()
        package = dotted if path.name == "__init__.py" else dotted.rpartition(".")[0]
        for full in _absolute(_read(path)[1], package):
            top = full.partition(".")[0]
            if full in seen or top in sys.stdlib_module_names:
                continue
            seen.add(full)
            if (installed := _version(top)) is not None:
                versions[top] = installed
                continue
            place = _find(full)
            if place is None:
                continue
            parts[full] = _read(place)[0]
            parts |= {f"{full}: {p.name}": _read(p)[0] for p in _named_data(place)}
            waiting.append((full, place))
    return parts, versions


def _root(module: str) -> tuple[str, Path | None]:
    """Return the package that holds a module, below namespaces, and its folder; or the file."""
    names = module.split(".")
    if names[:2] == ["xreg", "core"] and (own := _find(module)) is not None:
        return module, own  # the rest of the core is no part of it
    locations: list[str] | None = None
    folder: tuple[str, Path] | None = None
    for depth in range(1, len(names) + 1):
        name = ".".join(names[:depth])
        spec = _spec(name, locations)
        if spec is None:
            break
        if spec.submodule_search_locations is None:
            place = _file(spec)
            if place is None:
                break
            if depth > 2 and folder is not None and place.is_relative_to(folder[1]):
                return folder  # a folder of its own inside a namespace, without __init__.py
            return name, place
        if spec.origin is not None:
            place = _file(spec)
            packed = place is not None and not place.name.startswith("__init__.")
            if (own := _elsewhere(module, place)) is not None and not packed:
                return module, own
            return name, place if packed or place is None else place.parent
        locations = list(spec.submodule_search_locations)
        inside = [Path(p) for p in locations if depth < len(names) and _holds(p, names[depth])]
        folder = (name, inside[0]) if inside else None
    loaded = getattr(sys.modules.get(module), "__file__", None)
    return module, Path(loaded) if loaded and Path(loaded).is_file() else None


def _elsewhere(module: str, package: Path | None) -> Path | None:
    """Return the file of a loaded module that lies outside of its package's folder.

    The package is but a name, under which the user's folder of plugins is searched.
    """
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if not loaded or package is None or Path(loaded).is_relative_to(package.parent):
        return None
    return Path(loaded)


def _file(spec: ModuleSpec) -> Path | None:
    """Return the file of a module, the zip file that it lies in, or None for what is built in."""
    if spec.origin in (None, "built-in", "frozen"):
        return None
    place = Path(spec.origin or "")
    return next((path for path in (place, *place.parents) if path.is_file()), None)


def _holds(folder: str, name: str) -> bool:
    return any(Path(folder, f"{name}{ending}").exists() for ending in ("", *all_suffixes()))


def _spec(name: str, locations: list[str] | None) -> ModuleSpec | None:
    """Find a module without importing it or its parents; one that runs is the one that counts."""
    if found := getattr(sys.modules.get(name), "__spec__", None):
        return found
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            found = find(name, locations) if find else None
        except Exception:  # a finder of somebody else's may do anything
            found = None
        if found is not None:
            return found
    return None


@lru_cache(maxsize=4096)
def _find(full: str) -> Path | None:
    """Return the file of a module, or None for what is no module (a class, say)."""
    locations: list[str] | None = None
    spec: ModuleSpec | None = None
    names = full.split(".")
    for depth in range(1, len(names) + 1):
        spec = _spec(".".join(names[:depth]), locations)
        if spec is None:
            return None
        locations = list(spec.submodule_search_locations or ())
        if not locations and depth < len(names):
            return None
    return _file(spec) if spec else None


def _files(root: Path) -> Iterator[Path]:
    """Yield all files of a tree, compiled ones only where they have no source."""
    seen: set[str] = set()  # a link may lead upwards
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(f for f in folders if f not in LEFT_OUT and not f.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            compiled = path.suffix in COMPILED and f"{path.stem}.py" in names
            left_out = name.startswith(".") or compiled or path.suffix in FOR_PEOPLE
            if not left_out and path.is_file():
                yield path


def _named_data(module: Path) -> Iterator[Path]:
    """Yield the files beside a module that its text names, and those in folders that it names."""
    if module.suffix != ".py":
        return
    text = module.read_text(encoding="utf-8", errors="replace")
    for path in _beside(module.parent):
        if f'{path.name}"' not in text and f"{path.name}'" not in text:
            continue
        if path.is_dir():
            files = list(_files(path))
            if not any(file.suffix == ".py" for file in files):
                yield from files
        elif path.suffix != ".py" and path.suffix not in FOR_PEOPLE:
            yield path


@lru_cache(maxsize=256)
def _beside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not p.name.startswith((".", "__")))


def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    state = path.stat()
    return _read_as(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8192)
def _read_as(path: Path, changed: int, size: int) -> tuple[str, tuple[str, ...]]:
    """Return the hash of a file, and what it imports."""
    content = path.read_bytes().replace(b"\r\n", b"\n") if path.suffix == ".py" else None
    if content is None:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest(), ()
    return hashlib.sha256(content).hexdigest(), tuple(_imports(content.decode(errors="replace")))


def _imports(text: str) -> Iterator[str]:
    """Yield what a module imports, as it is written; whatever looks like it in a text, too."""
    text = TYPES_ONLY.sub("", text.replace("\\\n", " "))
    for match in IMPORT.finditer(text):
        if plain := match["plain"]:
            yield from (part.split()[0] for part in plain.split(",") if part.split())
            continue
        base = match["base"]
        yield base
        for name in match["names"].strip("()").split(","):
            # Comments inside of brackets hold no names that matter.
            words = name.partition("#")[0].split()
            if words and words[0].isidentifier():
                yield f"{base}{'' if base.endswith('.') else '.'}{words[0]}"
    for match in BY_NAME.finditer(text):
        yield match["name"]


def _absolute(wanted: Iterable[str], package: str) -> Iterator[str]:
    """Yield the full names of what a module of a package imports, with the packages on the way."""
    above = package.split(".")
    for written in wanted:
        bare = written.lstrip(".")
        up = len(written) - len(bare)
        if up > len(above):
            continue
        names = [*(above[: len(above) - up + 1] if up else ()), *(bare.split(".") if bare else ())]
        for depth in range(1, len(names) + 1):
            yield ".".join(names[:depth])


@lru_cache(maxsize=1024)
def _version(top: str) -> str | None:
    """Return the version of the installed distribution that a package is of; None if of none.

    Files outside of all site-packages, and single modules of whose name no distribution is, count
    as code of the component.
    """
    spec = _spec(top, None)
    if spec is None:
        return "missing"
    if spec.origin is None:
        return None  # a namespace package, of several distributions
    place = Path(spec.origin)
    package = place.name.startswith("__init__.")
    home = place.parent.parent if package else place.parent
    if home.name not in PACKAGES:
        return None
    known = _distributions(home).get(_normal(top))
    if known is None and package:  # its distribution has another name (yaml, of PyYAML)
        state = place.stat()
        return f"{state.st_size} {state.st_mtime_ns}"
    return known


@lru_cache(maxsize=64)
def _distributions(home: Path) -> dict[str, str]:
    names = (n.removesuffix(".dist-info") for n in os.listdir(home) if n.endswith(".dist-info"))
    split = (name.rpartition("-") for name in names)
    return {_normal(name): version for name, _, version in split}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
