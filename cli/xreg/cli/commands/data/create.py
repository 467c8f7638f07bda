"""``xreg data generate`` and ``xreg data import``: new datasets from a recipe or from files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo, note, warn
from xreg.core.errors import ConfigError


def generate(
    recipe: Annotated[Path, typer.Argument(help="A generation recipe (YAML).")],
    out: options.Out = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    bad: options.Bad = None,
    workers: options.Workers = None,
    executor: options.Executor = "process",
    scheduler: options.Scheduler = None,
    set_: options.Set = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Compute the spectra of a recipe; repeat the command to resume.

    Without --out the store is NAME-VERSION.zarr here. It grows in OUT.partial, and can be
    read there (open_dataset) while it does. Of a recipe with several datasets --out is the folder,
    and those that exist already are skipped.
    """
    from xreg.cli.progress import progress
    from xreg.cli.summary import print_summary
    from xreg.core.executor import executor_kind
    from xreg.core.files import require_parent_folder
    from xreg.core.text import counted
    from xreg.workbench.generate.generate import generate
    from xreg.workbench.generate.recipe import GenerationRecipe
    from xreg.workbench.recipes.load import load

    kind = executor_kind(executor)
    loaded = load(
        GenerationRecipe, recipe, {"bad": bad}, set_ or (), only or (), allow_code=allow_code
    )
    if options.shown(loaded, dry_run):
        return
    for parsed, store in options.places(loaded, out, Path(), lambda _, one: one.store_name):
        if store is not None:
            require_parent_folder(store)
            store.parent.mkdir(parents=True, exist_ok=True)
        with progress():
            made = generate(
                parsed,
                recipe.parent,
                store,
                workers=workers,
                executor=kind,
                scheduler=scheduler,
            )
        note(*made.notes)
        for sample, reason in made.failures.items():
            warn(f"set aside: {sample}: {reason}")
        print_summary(made.summary["text"], made.summary["doubts"])
        echo(f"{made.path}: {counted(made.samples, 'sample')}, {made.computed} computed now")


def import_(
    source: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE...", help="A folder or archive, or one or more files."),
    ],
    out: options.Out = None,
    layout: Annotated[
        str, typer.Option(help="Name of the importer (xreg plugins list); auto asks them all.")
    ] = "auto",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            help="Common grid [CHANNEL=]start:stop:step in eV, or common (what all spectra cover); "
            "interpolated linearly."
        ),
    ] = None,
    hold_ends: Annotated[
        float,
        typer.Option(help="How far beyond its range, in eV, a spectrum keeps its end values."),
    ] = 0.0,
    channel: options.Channels = None,
    spectra: Annotated[
        Path | None, typer.Option(help="Folder of the spectra, if it is not beside the other.")
    ] = None,
    energy: options.EnergyColumn = None,
    signal: options.SignalColumn = None,
    noise: options.NoiseColumn = None,
    unit: options.EnergyUnit = None,
    scan: options.Scan = None,
    absorber: options.Absorber = None,
    sites: options.Sites = "one",
    set_: options.Set = None,
    bad: options.Bad = None,
    name: options.Name = None,
    version: Annotated[str, typer.Option(help="Dataset version.")] = "1.0.0",
    title: options.Title = "",
    description: options.Description = "",
    licence: options.Licence = "",
    citation: options.Citation = "",
    split_by: Annotated[
        str | None,
        typer.Option(help="Label whose groups stay in one part of the split (material)."),
    ] = None,
    fractions: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            help="Shares of train, validation, test; without them the source's own split where it "
            "has one, else 0.8 0.1 0.1."
        ),
    ] = None,
    seed: options.Seed = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(help="CHANNEL=bits or positions=bits: mantissa bits to keep."),
    ] = None,
) -> None:
    """Make a dataset from files of other programs.

    feff: <material>/POSCAR and <material>/<site>_<element>/xmu.dat, a folder or tar archive.
    pairs: a folder of .xyz and one of text spectra, matched by file stem.
    extxyz: frames with spectra in their info or arrays. npz: named arrays.

    Every entry that is unmatched, duplicate, short, empty, not finite, not monotonic or on another
    element's site is listed with its reason. The store is NAME-VERSION.zarr here, if --out says
    nothing, and the channel xas, if --channel does. --set split.parts=folder takes the split of a
    folder with train and test in it.
    """
    from xreg.cli.progress import progress
    from xreg.cli.summary import print_summary
    from xreg.core.files import require_free
    from xreg.core.text import counted
    from xreg.registry.stores.writer import write_store
    from xreg.workbench.importing.collect import BadEntriesError
    from xreg.workbench.importing.imports import import_dataset
    from xreg.workbench.importing.options import ImportOptions
    from xreg.workbench.recipes.load import load_one

    if name is None and out is None:
        raise ConfigError("a dataset needs a name: give --name, or --out NAME.zarr.")
    name = name or Path(out or "").name.removesuffix(".zarr")
    store = out or Path(f"{name}-{version}.zarr")
    require_free(store)
    split = {"group": split_by, "fractions": fractions, "seed": seed}
    wanted = load_one(
        ImportOptions,
        None,
        {
            "dataset": {
                "name": name,
                "version": version,
                "title": title,
                "description": description,
                "licence": licence,
                "citation": citation,
            },
            "layout": layout,
            "channels": tuple(channel or ["xas"]),
            "grids": {key: value for key, _, value in (g.rpartition("=") for g in grid or [])},
            "hold_ends": hold_ends,
            "spectra": "" if spectra is None else str(spectra),
            "columns": options.spectrum_columns(energy, signal, noise, unit, scan),
            "absorber": int(absorber)
            if absorber and absorber.lstrip("-").isdecimal()
            else absorber,
            "sites": sites,
            "bad": bad,
            "split": {key: value for key, value in split.items() if value is not None},
        },
        set_ or (),
    )
    bits = {}
    for text in precision or []:
        key, _, value = text.partition("=")
        if not re.fullmatch("[0-9]{1,3}", value):
            raise ConfigError(f"--precision {text}: write CHANNEL=bits, such as xas=23.")
        bits[key] = int(value)
    try:
        with progress():
            dataset = import_dataset(source, wanted)
            write_store(dataset, store, precision=bits)
    except BadEntriesError as error:
        for entry in error.entries:
            echo(f"bad: {entry}", err=True)
        raise
    for entry in dataset.metadata.provenance["set_aside"]:
        warn(f"set aside: {entry['file']}: {entry['reason']}")
    for said in dataset.metadata.provenance["remarks"]:
        more = f" and {said['files'] - 1:,} more" if said["files"] > 1 else ""
        where = f"{said['first']}{more}"
        note(f"{where}: {said['remark']}")
    summary = dataset.metadata.provenance["summary"]
    print_summary(summary["text"], summary["doubts"])
    echo(f"{store}: {counted(len(dataset), 'sample')}")
