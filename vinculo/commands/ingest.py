"""``vinculo ingest``."""

from __future__ import annotations

from pathlib import Path

import click

from vinculo.commands.running import composition, output


@click.command("ingest")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def command(file: Path) -> None:
    """Take in a FILE of JSON lines: one CloudEvent in structured mode a line.

    gzip is recognised; - reads the standard input. What cannot be read is kept and listed by
    'vinculo rejected list'; taking in the same file again does no harm.

    Exit code 0: the whole file was read, and every message stored or kept with its reason, even if
    some or all were rejected. 1: it stopped on the way; what was written stays.
    """
    from vinculo.commands.progress import print_summary, progress_bar
    from vinculo.ingesting import Ingesting, lines_of

    path = None if str(file) == "-" else file
    if path is not None and not path.exists():
        raise click.BadParameter(f"expected a file, found none at {path}", param_hint="FILE")
    total = None if path is None or not path.is_file() else path.stat().st_size
    with composition() as made, progress_bar(f"{file} (bytes)", total) as advance:
        ingesting = Ingesting(made.intake(), made.connect, made.settings.intake_batch_messages_max)
        summary = ingesting.run(lines_of(path, advance))
    print_summary(output(), summary)
