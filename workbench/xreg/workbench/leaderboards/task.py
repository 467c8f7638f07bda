"""Tasks: a dataset, a split, a metric and a budget, published so that methods can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xreg.core.data.dataset import NAME_PATTERN
from xreg.core.errors import ConfigError, DataError, UnknownNameError, XregError, did_you_mean
from xreg.core.files import readable, write_text
from xreg.core.paths import confined
from xreg.core.storage import canonical_json, digest, parse_json
from xreg.registry.registries import Registry, candidates
from xreg.workbench.recipes.overrides import read_yaml
from xreg.workbench.search.recipe import SearchRecipe, leave_out_defaults

__all__ = [
    "RULES",
    "Task",
    "conflicts",
    "find_task",
    "list_tasks",
    "note_task",
    "noted_task",
    "read_task",
    "require_anew",
    "require_no_rules",
    "require_same_task",
]

FOLDER = "tasks"
NOTE = "task.json"
MOST_BYTES = 64_000
RULES = ("dataset", "target", "split", "features", "folds", "budget", "seeds", "seed", "bad")
METRICS = {"r2": "covered variance R² of the test part, and in cross-validation"}
WORDS = ("title", "description", "metric")


@dataclass(frozen=True, eq=False)
class Task:
    """What methods are compared on.

    Attributes
    ----------
    name
        Name of its file.
    title, description
        What it is, how its data are had, and why it is of interest.
    metric
        A name in ``METRICS``.
    rules
        Dataset, target, split, folds, budget and seeds, as a search recipe has them.
    registry
        Where it was published.
    """

    name: str
    title: str
    description: str
    metric: str
    rules: dict[str, Any]
    registry: Registry | None = None

    @property
    def digest(self) -> str:
        """Hash of the rules: of what two results must share to be compared."""
        return digest(canonical_json([self.metric, self.rules]))[:16]

    def overrides(self) -> dict[str, Any]:
        """Return the rules as what is laid over a search recipe."""
        return deepcopy(self.rules)


def read_task(path: Path, registry: Registry | None = None) -> Task:
    """Read a task; nothing in it can run.

    Raises
    ------
    DataError
        If it is none; the message says what is wrong.
    """
    what = f"the task '{path.name}'"
    with readable(what):
        size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"{what} is of more than {MOST_BYTES} bytes.")
    try:
        body = read_yaml(path)
    except XregError as error:
        raise DataError(f"{what} is no YAML of names and values ({error}).") from None
    odd = sorted(map(str, set(body) - set(RULES) - set(WORDS)))
    if odd:
        raise DataError(f"{what} has the unknown key '{odd[0]}'; it may have {', '.join(RULES)}.")
    if not isinstance(body.get("title"), str) or "\n" in body["title"].strip():
        raise DataError(f"{what} needs a 'title' of one line.")
    if body.get("metric", "r2") not in METRICS:
        raise DataError(f"{what} has an unknown metric; there is {', '.join(METRICS)}.")
    if "dataset" not in body or "budget" not in body:
        raise DataError(f"{what} needs a 'dataset' and a 'budget'.")
    recipe = SearchRecipe.parse({k: body[k] for k in RULES if k in body}, what)
    plain = recipe.plain()
    leave_out_defaults(plain)
    if plain["dataset"]["path"] or plain["dataset"]["registry"]:
        raise DataError(
            f"{what} says where its dataset lies; let it give name, version and hash, and who "
            "takes part says where."
        )
    if not (plain["dataset"]["name"] and plain["dataset"]["version"]):
        raise DataError(f"{what} needs the exact version of its dataset, such as h2o@1.0.0.")
    return Task(
        path.stem,
        body["title"].strip(),
        str(body.get("description", "")).strip(),
        body.get("metric", "r2"),
        {key: plain[key] for key in RULES},
        registry,
    )


def list_tasks(registry: str | None = None) -> tuple[list[Task], list[str]]:
    """Return the tasks of the registries, by name, and a sentence for each damaged one."""
    found: dict[str, Task] = {}
    damaged = []
    for place in candidates(registry):
        try:
            root = place.root()
        except XregError as error:
            damaged.append(str(error))
            continue
        for path in sorted((root / FOLDER).glob("*.yaml")):
            try:
                confined(root, f"{FOLDER}/{path.name}", f"registry {place}")
                task = read_task(path, place)
            except XregError as error:
                damaged.append(str(error))
                continue
            found.setdefault(task.name, task)
    return [found[name] for name in sorted(found)], damaged


def find_task(name: str, registry: str | None = None) -> Task:
    """Return a published task by its name.

    Raises
    ------
    UnknownNameError
        If no registry has it.
    DataError
        If it is damaged.
    """
    import re

    if not re.fullmatch(NAME_PATTERN, name):
        raise ConfigError(f"'{name}' cannot be the name of a task; use a-z, 0-9 and '-'.")
    for place in candidates(registry):
        roots = [place.root()]
        if place.remote and not (roots[0] / FOLDER / f"{name}.yaml").is_file():
            roots = [place.root(fresh=True)]
        path = roots[0] / FOLDER / f"{name}.yaml"
        if path.is_file():
            confined(roots[0], f"{FOLDER}/{name}.yaml", f"registry {place}")
            return read_task(path, place)
    known, _ = list_tasks(registry)
    raise UnknownNameError(f"no task '{name}'{did_you_mean(name, [task.name for task in known])}.")


def conflicts(task: Task, rules: Mapping[str, Any]) -> list[str]:
    """Return where rules differ from those of a task; what the task leaves open may be anything."""
    return [
        f"{path} is {theirs!r}, not {ours!r}"
        for key in RULES
        if key in rules
        for path, ours, theirs in _apart(key, task.rules[key], rules[key])
    ]


def require_no_rules(task: Task, recipe: Path) -> None:
    """Refuse a recipe that states other rules than the task that it shall compete in.

    Raises
    ------
    ConfigError
        With the key and both values.
    """
    body = read_yaml(recipe)
    stated = {key: body[key] for key in RULES if key in body}
    plain = SearchRecipe.parse({**task.rules, **stated}, f"recipe '{recipe}'").plain()
    if found := conflicts(task, {key: plain[key] for key in stated}):
        raise ConfigError(
            f"recipe '{recipe}' is not for the task '{task.name}': {found[0]}; leave "
            f"{', '.join(stated)} to the task."
        )


def require_anew(recipe: SearchRecipe) -> None:
    """Refuse emulators that start from a trained model: it may have seen what a row is judged by.

    Raises
    ------
    ConfigError
        With the family.
    """
    families = {} if recipe.families == "all" else recipe.families
    starting = [label for label, one in families.items() if one.emulator and one.emulator.start]
    if starting or recipe.emulator.start:
        whose = f"family '{starting[0]}'" if starting else "the emulator"
        raise ConfigError(
            f"{whose} starts from a trained model, which may have seen what a task judges by; "
            "methods compete from nothing: leave 'start' out."
        )


def require_same_task(folder: Path, task: Task) -> None:
    """Raise a `ConfigError` if a search takes part in another task already."""
    if (folder / NOTE).is_file() and noted_task(folder) != (task.name, task.digest):
        raise ConfigError(
            f"'{folder}' is a search for the task '{noted_task(folder)[0]}', or for other rules of "
            "it; choose another folder."
        )


def note_task(folder: Path, task: Task) -> None:
    """Note in a search's folder which task it takes part in."""
    write_text(folder / NOTE, canonical_json({"name": task.name, "digest": task.digest}) + "\n")


def noted_task(folder: Path) -> tuple[str, str]:
    """Return name and digest of the task that a search takes part in.

    Raises
    ------
    DataError
        If it takes part in none.
    """
    path = folder / NOTE
    if not path.is_file():
        raise DataError(f"'{folder}' is no search for a task; give `xreg search` a --task.")
    body = parse_json(path.read_bytes(), f"'{path}'")
    return str(body.get("name", "")), str(body.get("digest", ""))


def _apart(path: str, ours: Any, theirs: Any) -> Sequence[tuple[str, Any, Any]]:
    if ours is None or ours == "" or path in ("dataset.path", "dataset.registry"):
        return []
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return [
            found
            for key in {**ours, **theirs}
            for found in _apart(f"{path}.{key}", ours.get(key), theirs.get(key))
        ]
    return [] if ours == theirs else [(path, ours, theirs)]
