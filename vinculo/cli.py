"""The command line: one command a module of ``vinculo.commands``, loaded when it is run.

Exit codes: 0 fine; 1 a difference was found or something failed; 2 the command was misused.
"""

from __future__ import annotations

from importlib import import_module

import click

from vinculo import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Start everything here, with a simulated business."),
    "migrate": ("migrate", "Bring the database's schema to the present."),
    "serve": ("serve", "Answer over HTTP."),
    "work": ("work", "Run a worker until it is stopped."),
    "ingest": ("ingest", "Take in a file of JSON lines."),
    "import": ("import_data", "Turn public data into touchpoints."),
    "simulate": ("simulate", "Write the messages of a simulated business."),
    "accounts": ("accounts", "Show what became of every message received."),
    "rejected": ("rejected", "List, show and resend rejected messages."),
    "status": ("status", "Show how far each projection is behind."),
    "estimate": ("estimate", "Publish, approve and list what points are worth."),
    "close": ("close", "Close a month of points."),
    "liability": ("liability", "Show open points by month of expiry, and what they cost."),
    "statement": ("statement", "Show what happened to the points of an account."),
    "rebuild": ("rebuild", "Fold the customer view anew and switch to it."),
    "verify": ("verify", "Compare the customer view with the journal."),
    "keys": ("keys", "Create, list and revoke API keys."),
    "programme": ("programme", "Check, draft, approve and show loyalty programmes."),
    "whatif": ("whatif", "Replay a programme's whole history under other rules."),
    "schemas": ("schemas", "Write or check the files of schemas/."),
    "settings": ("settings", "Show the settings in force."),
}
"""By name: the module, and the sentence that ``--help`` shows without loading it."""

_FAILED = 1


class LazyGroup(click.Group):
    """A group that imports a command when it is run, so that ``--help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return a command, None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"vinculo.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what may go wrong is said in one line, the rest is raised."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own business
        except Exception as error:
            from vinculo.commands.running import explained

            message = explained(error)
            if message is None:
                raise
            click.echo(f"error: {message}", err=True)
            raise click.exceptions.Exit(_FAILED) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 fine; 1 a difference or a failure; 2 misused.",
)
@click.version_option(__version__, prog_name="vinculo")
def cli() -> None:
    """Vínculo: an event-sourced relationship engine.

    Settings come from the environment; 'vinculo settings' lists them. Without DATABASE_URL a
    PostgreSQL of its own runs in the folder .vinculo.
    """


def main() -> None:
    """Run the command line."""
    cli()
