"""The one way from a recipe file and flags to recipes: read, expand, override, check."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from xreg.core.errors import ConfigError, PluginError, UnknownNameError, XregError, did_you_mean
from xreg.core.interfaces.kinds import KINDS, LABELLED
from xreg.registry.consent import component_code, require_consent
from xreg.registry.plugins import host
from xreg.workbench.recipes.formats import current
from xreg.workbench.recipes.overrides import apply_setting, read_yaml, variants
from xreg.workbench.recipes.sections import AnyRecipe, by_label

__all__ = ["complete", "load", "load_one", "slug"]

RecipeT = TypeVar("RecipeT", bound=AnyRecipe)
FILES = ("spectrum",)  # keys whose value is a file
PLACES = ("model",)  # and those whose value may be a folder, or else a name


def load_one(
    kind: type[RecipeT],
    source: str | Path | Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    only: str = "",
    *,
    allow_code: bool = False,
    otherwise: str = "",
) -> RecipeT:
    """Read the only recipe, or the one of a name; parameters and errors are those of :func:`load`.

    ``otherwise`` says what else may be done where there are several.
    """
    found = load(kind, source, overrides, settings, (only,) if only else (), allow_code=allow_code)
    if len(found) > 1:
        named = f" '{source}'" if isinstance(source, str | Path) else ""
        raise ConfigError(
            f"the recipe{named} describes several results: {', '.join(found)}; choose one by only="
            f"{otherwise}."
        )
    return next(iter(found.values()))


def load(
    kind: type[RecipeT],
    source: str | Path | Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    *,
    allow_code: bool = False,
) -> dict[str, RecipeT]:
    """Read a recipe, lay overrides over it, and check everything that needs no data.

    Parameters
    ----------
    kind
        What the recipe is for.
    source
        A YAML file, or a mapping of the same form that the user wrote in Python; none where the
        overrides say everything. Its section ``each``
        (:func:`xreg.workbench.recipes.overrides.variants`) makes several recipes of it; ``{each}``
        in a text of its section ``dataset`` becomes their name.
    overrides
        Values that replace top-level keys of the file (those that are not None). A component of
        the file's name keeps the file's settings, and so does a label without any.
    settings
        ``key=value`` texts, applied last: ``emulator.width=128``, ``decomposers.eca.rank=3``.
    only
        Names below ``each`` to keep; all without it.
    allow_code
        Whether the user agrees to code in the file's settings of components.

    Returns
    -------
    dict
        The recipes by name; the name is empty where there is no ``each``.

    Raises
    ------
    ConsentError
        If the file brings code that the user has not agreed to.
    ConfigError, UnknownNameError
        In one sentence, with the key that was probably meant or its spelling of today.
    """
    file = None if source is None or isinstance(source, Mapping) else Path(source)
    where = kind.word if file is None else f"{kind.word} '{file}'"
    written = read_yaml(file) if file else source if isinstance(source, Mapping) else {}
    whole = current(dict(written), kind.command, where) if written else {}
    found = {}
    for name, one in variants(whole, where, only).items():
        called = where + (f" ({name})" if name else "")
        if file is not None:
            _anchor(one, file.resolve().parent)
        for key, value in (overrides or {}).items():
            if value is not None:
                one[key] = _replaced(key, one.get(key), value)
        for text in settings:
            _require_key(kind, text)
            apply_setting(one, text)
        content = _require_sections(kind, current(one, kind.command, called), called)
        recipe = kind.parse(content, called)
        _require_consent(recipe, called, settings, allow_code or file is None)
        recipe = recipe.checked()
        if "name" in kind.model_fields:
            title = getattr(recipe, "name", "")
            title = title or (slug(file.stem) if file else recipe.default_name())
            title = f"{title}-{name}" if name else title
            recipe = recipe.model_copy(update={"name": title})
        found[name] = recipe
    return found


def complete(recipe: RecipeT) -> RecipeT:
    """Return a recipe with every component's settings validated and filled in.

    Components are not imported: their settings are all that is needed. A component with a ``seed``
    that the recipe leaves open takes the recipe's.
    """
    plain = recipe.plain()
    for kind, place, section in recipe.components():
        config = host().get(kind, section.name).spec.config
        settings = section.settings
        if "seed" in config.model_fields:
            settings.setdefault("seed", getattr(recipe, "seed", 0))
        filled = config.parse(settings, f"{kind} {section.name}").model_dump(mode="json")
        own = section.model_dump(mode="json", include=set(type(section).model_fields))
        key, dot, label = place.partition(".")  # a label may hold points, too
        home: Any = plain[key] if dot else plain
        home[int(label) if isinstance(home, list) else label if dot else key] = {**own, **filled}
    return type(recipe).parse(plain, recipe.word)


def slug(text: str) -> str:
    """Return a text as a name: letters, digits and dashes, beginning with one of the first two."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("._+-") or "run"


def _require_sections(kind: type[AnyRecipe], content: dict[str, Any], where: str) -> dict[str, Any]:
    """Refuse a recipe that lacks a section, unless a misspelt key says more."""
    fields = kind.model_fields
    missing = [key for key, field in fields.items() if field.is_required() and key not in content]
    if missing and not any(key not in fields for key in content):
        raise ConfigError(
            f"{where} names no {' and no '.join(missing)}; add it to the recipe or as a flag."
        )
    return content


def _require_key(kind: type[AnyRecipe], text: str) -> None:
    """Refuse a setting of ``--set`` that no section of the recipe has."""
    path, _, _ = text.partition("=")
    first = path.split(".")[0].strip()
    if kind.home and "=" in text and first not in kind.model_fields:
        raise UnknownNameError(
            f"--set {path.strip()}: there is no section '{first}'"
            f"{did_you_mean(first, kind.model_fields)}; a setting of {kind.home} is "
            f"{kind.home}.{path.strip()}."
        )


def _require_consent(
    recipe: AnyRecipe, where: str, settings: Sequence[str], allow_code: bool
) -> None:
    own = [text.partition("=")[0].strip() for text in settings]
    for kind, place, section in recipe.components():
        with suppress(UnknownNameError, PluginError):  # which building it tells
            require_consent(
                component_code(kind, section.name, section.settings),
                where,
                allow=allow_code,
                read="the file",
                own=[p.removeprefix(f"{place}.") for p in own if p.startswith(f"{place}.")],
                files=True,
            )


def _anchor(content: dict[str, Any], folder: Path) -> None:
    """Make stores and files that a recipe file names relative to that file's folder."""
    for key, value in content.items():
        if key == "dataset":
            content[key] = _anchored_store(value, folder)
        elif (key in FILES and isinstance(value, str)) or (
            key in PLACES and isinstance(value, str) and os.path.exists(folder / value)
        ):
            content[key] = str(folder / value)
        elif key in KINDS:
            content[key] = _anchored_start(_anchored(key, value, folder), folder)
        elif key in LABELLED and isinstance(value, Mapping):
            named = by_label(value)
            found = {label: _anchored(LABELLED[key], named[label], folder) for label in value}
            content[key] = {k: found[k] if found[k] != named[k] else value[k] for k in value}


def _anchored_store(section: Any, folder: Path) -> Any:
    if isinstance(section, Mapping):
        return {
            k: _anchored_store(v, folder) if k in ("path", "name") else v
            for k, v in section.items()
        }
    is_store = isinstance(section, str) and section.endswith(".zarr")
    return str(folder / section) if is_store else section


def _anchored(kind: str, section: Any, folder: Path) -> Any:
    if isinstance(section, list):
        return [_anchored(kind, one, folder) for one in section]
    if isinstance(section, Mapping):
        with suppress(XregError):  # a component that is not there is refused where it is built
            config = host().get(kind, str(section.get("name"))).spec.config
            return config.anchored(section, folder)
    return section


def _anchored_start(section: Any, folder: Path) -> Any:
    if not isinstance(section, Mapping) or not (start := section.get("start")):
        return section
    if isinstance(start, str):
        start = {"model": start}
    if isinstance(start, Mapping) and isinstance(model := start.get("model"), str):
        if os.path.exists(folder / model):
            start = {**start, "model": str(folder / model)}
        return {**section, "start": start}
    return section


def _replaced(key: str, old: Any, new: Any) -> Any:
    """Return the new value of a key; a component that keeps its name keeps its settings."""
    if key in LABELLED and isinstance(new, Mapping) and isinstance(old, Mapping):
        return {label: old.get(label) if one is None else one for label, one in new.items()}
    same = isinstance(old, Mapping) and isinstance(new, str) and old.get("name") == new
    return old if same else new
