"""Settings of components: pydantic models that validation, help, schema and docs come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from xreg.core.errors import ConfigError

if TYPE_CHECKING:
    from xreg.core.settings_in_words import SettingRow

__all__ = ["Config", "Distinct", "Exact", "Rising", "Window", "setting"]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if not ends[0] < ends[1]:
        raise ValueError("must rise")
    return ends


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names one twice")
    return values


Rising = AfterValidator(_rising)
"""Mark of two numbers of which the second is the larger: ``Annotated[tuple[T, T], Rising]``."""
Window = Annotated[tuple[float, float], Rising]
"""Lowest and highest value of a range."""
Distinct = AfterValidator(_distinct)
"""Mark of a list that holds nothing twice: ``Annotated[tuple[T, ...], Distinct]``."""


def setting(
    default: Any = ...,
    *,
    unit: str = "",
    description: str,
    file: bool = False,
    code: bool = False,
    machine: bool = False,
    **bounds: Any,
) -> Any:
    """Declare one setting of a :class:`Config`.

    Parameters
    ----------
    default
        Default value; leave it out for a required setting.
    unit
        Unit of the value (``"Å"``, ``"eV"``); empty for a pure number or a choice.
    description
        What the setting does, in one sentence.
    file
        Whether it may name a file. In a recipe a relative name is meant from the recipe's folder.
    code
        Whether its value is handed to another program as it is (a script, a line of input). Such
        a value, and a file, is taken from a stranger only with the user's consent
        (:mod:`xreg.core.code`).
    machine
        Whether it says what computes here and nothing of what comes out. Such a setting is not
        saved with a model and is no part of what a candidate of a search is known by.
    **bounds
        ``ge``, ``gt``, ``le``, ``lt``, ``min_length`` … as pydantic's ``Field`` takes them.
    """
    extra: dict[str, Any] = {"unit": unit} if unit else {"format": "path"} if file else {}
    if code:
        extra["code"] = True
    if machine:
        extra["machine"] = True
    return Field(default, description=description, json_schema_extra=extra or None, **bounds)


def _number(given: Any) -> Any:
    """Refuse what pydantic would turn into a number: ``true`` is no 1, ``'3'`` no 3."""
    if isinstance(given, str):
        try:
            float(given)
        except ValueError:  # pydantic takes it for no number either, and says so
            return given
    elif not isinstance(given, bool):
        return given
    raise PydanticCustomError("kind", "must be a number")


def _truth(given: Any) -> Any:
    """Refuse what pydantic would turn into true or false: 1 is no ``true``."""
    if not isinstance(given, bool):
        raise PydanticCustomError("kind", "must be true or false")
    return given


#: What is asked before a value of a type is read.
FIRST = {"int": _number, "float": _number, "bool": _truth}
#: Parts of a schema that hold no fields. Keys are texts in JSON, whatever they were.
APART = {"default", "keys_schema", "metadata", "serialization"}


def _ask_first(schema: Any) -> Any:
    """Put the questions before all numbers and truth values of a schema, in place."""
    if isinstance(schema, list):
        schema[:] = [_ask_first(part) for part in schema]
    if not isinstance(schema, dict) or schema.get("type") == "model":  # which asks for itself
        return schema
    kind = schema.get("type")
    if kind == "literal" and {type(value) for value in schema["expected"]} == {int}:
        kind = "int"
    if kind in FIRST:
        return core_schema.no_info_before_validator_function(FIRST[kind], schema)
    for key in schema.keys() - APART:
        schema[key] = _ask_first(schema[key])
    return schema


class Exact(BaseModel):
    """Base of what is read from files: a value keeps its kind, which pydantic would change."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Have every number and truth value of a field ask what it is given first.

        A check of whole models would have to stand around the checks that a model has of its own.
        """
        made = handler(source)
        model: Any = handler.resolve_ref_schema(made)
        while model["type"] != "model":  # the checks of a model stand around it
            model = model["schema"]
        model["schema"] = _ask_first(model["schema"])
        return made


class Config(Exact):
    """Base of every component's settings: closed (no unknown keys), immutable, validated.

    Attributes
    ----------
    removed
        Settings that earlier versions had, each with the value at which it changed nothing. A model
        saved with that value still loads; one saved with another is told so.
    renamed
        What earlier versions called a setting, and what it is called now. Both are taken, since
        recipes and models of theirs have the old name.
    """

    removed: ClassVar[Mapping[str, Any]] = {}
    renamed: ClassVar[Mapping[str, str]] = {}

    # Deferred: listing plugins imports their settings but validates none.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, settings: Any) -> Any:
        """Take old names for new ones, and null for the empty text where that is the default.

        An empty value is null in YAML.
        """
        if not isinstance(settings, Mapping):
            return settings
        old = {k: new for k, new in cls.renamed.items() if k in settings and new not in settings}
        settings = {old.get(k, k): v for k, v in settings.items()}
        texts = {
            name
            for name, field in cls.model_fields.items()
            if field.annotation is str and field.default == ""
        }
        return {k: "" if v is None and k in texts else v for k, v in settings.items()}

    @classmethod
    def parse(cls, settings: Mapping[str, Any], where: str) -> Self:
        """Validate settings from outside.

        Parameters
        ----------
        settings
            Names and values.
        where
            What they belong to, for the message (``"descriptor soap"``).

        Raises
        ------
        ConfigError
            One sentence that names every bad key and, for a misspelt one, the likely meant one.
        """
        try:
            return cls.model_validate(dict(settings))
        except ValidationError as error:
            from xreg.core.settings_in_words import explain

            raise ConfigError(f"{where}: {explain(error, cls)}.") from None
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
            raise ConfigError(f"{where}: a name or text in it is no valid Unicode.") from None

    @classmethod
    def anchored(cls, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return settings in which relative names of files begin with a folder."""

        def place(name: str, value: Any) -> Any:
            field = cls.model_fields.get(name)
            extra = field.json_schema_extra if field else None
            names_file = isinstance(extra, dict) and extra.get("format") == "path"
            if not (names_file and isinstance(value, str) and value) or "\n" in value:
                return value
            return str(folder / value)

        return {name: place(name, value) for name, value in settings.items()}

    @classmethod
    def of_machine(cls) -> set[str]:
        """Return the names of settings that say what computes here (see :func:`setting`)."""
        return {
            name
            for name, field in cls.model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("machine")
        }

    @classmethod
    def table(cls) -> list[SettingRow]:
        """Return every setting in words, in the order of declaration; nested ones with dots."""
        from xreg.core.settings_in_words import table

        return table(cls)
