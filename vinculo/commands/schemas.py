"""``vinculo schemas``."""

from __future__ import annotations

from pathlib import Path

import click

from vinculo.commands.running import fail, output


@click.command("schemas")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if files differ.")
@click.option("--release", "to_release", is_flag=True, help="Promise what is not released yet.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="In place of schemas/."
)
def command(*, check: bool, to_release: bool, folder: Path | None) -> None:
    """Write the files of schemas/ from the types: schemas, samples, AsyncAPI, OpenAPI.

    A released schema never changes: its SHA-256 stands in schemas/released.json.
    """
    from vinculo.schemas.files import FOLDER, differences, release, write

    place = folder or FOLDER
    console = output()
    if check:
        if differing := differences(place):
            raise fail(
                f"expected {place.name}/ as the types say, found differences in "
                f"{', '.join(differing[:10])}{' …' if len(differing) > 10 else ''}; "  # noqa: PLR2004 - shown
                "run 'vinculo schemas'"
            )
        console.print(f"{place.name}/ is what the types say")
        return
    for name in write(place):
        console.print(f"wrote {name}")
    if to_release:
        for name in release(place):
            console.print(f"released {name}")
