"""``vinculo keys``: who may use the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg

from vinculo.commands.running import composition, fail, output

SCOPES = (
    "publish", "read", "read_personal", "redeem", "publish_rules", "approve", "audit", "operate",
    "partner",
)  # fmt: skip
"""As ``api.keys.SCOPES``, which is not imported before a command runs; a test compares them."""


@click.group("keys")
def command() -> None:
    """Create, list and revoke API keys. A key names the person or system that holds it."""


@contextmanager
def _owner() -> Iterator[tuple[psycopg.Connection, str]]:
    """Open a connection with the owner's rights, and name the tenant."""
    with composition() as made, psycopg.connect(made.conninfo, autocommit=True) as connection:
        made.logs  # noqa: B018 - fails here, with a sentence, where there is no tenant
        yield connection, made.settings.tenant


@command.command("create")
@click.option("--holder", required=True, help="The person or system that will hold it.")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True,
    help="What it allows; give it several times for several scopes.",
)  # fmt: skip
def create(holder: str, scopes: tuple[str, ...]) -> None:
    """Create a key. The token is shown once, on the standard output, and kept nowhere."""
    from api.keys import create_key

    with _owner() as (connection, tenant):
        key = create_key(connection, tenant, holder, scopes)
    click.echo(f"key {key.key_id} of {holder}; keep the token, it is not shown again:", err=True)
    click.echo(key.token)


@command.command("list")
def list_command() -> None:
    """List all keys, revoked ones too, the newest first."""
    from rich.table import Table
    from rich.text import Text

    from api.keys import list_keys

    with _owner() as (connection, tenant):
        keys = list_keys(connection, tenant)
    table = Table("key", "holder", "scopes", "created", "revoked", show_edge=False)
    for key in keys:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        created = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(key.key_id, Text(key.holder), " ".join(key.scopes), created, revoked)
    output().print(table)


@command.command("revoke")
@click.argument("key")
def revoke(key: str) -> None:
    """Revoke a KEY by its id; running processes notice within seconds."""
    from api.keys import revoke_key

    with _owner() as (connection, tenant):
        done = revoke_key(connection, tenant, key)
    if not done:
        raise fail(
            f"expected a key {key!r} that is not revoked, found none; see 'vinculo keys list'"
        )
    output().print(f"key {key} is revoked")
