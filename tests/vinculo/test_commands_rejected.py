"""Commands about rejected messages: list, show, mend, send again."""

import json
import re
from pathlib import Path

import psycopg

from tests.vinculo.commands import Run, number, simulated


def _rejected(tenant: Run, code: str) -> list[str]:
    listed = tenant("rejected", "list", "--code", code).stdout
    return re.findall(r"^([0-9a-f-]{36})  ", listed, re.MULTILINE)


def test_rejected_messages_are_listed_shown_as_they_came_and_the_reading_is_noted(
    tenant: Run, database_url: str
) -> None:
    events = simulated()
    tenant("ingest", "-", given=events)
    receipts = _rejected(tenant, "unknown_type")
    shown = tenant("rejected", "show", receipts[0], "--reader", "ana").stdout_bytes
    assert shown.strip() in events.splitlines()
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select reader from journal.rejected_reading").fetchall()
    assert [("ana",)] == found


def test_a_rejected_message_is_mended_and_sent_again(tenant: Run, tmp_path: Path) -> None:
    tenant("ingest", "-", given=simulated())
    receipt = _rejected(tenant, "bad_data")[0]
    event = json.loads(tenant("rejected", "show", receipt).stdout)
    event["data"].pop("colour", None)
    if "currency" in event["data"]:
        event["data"]["currency"] = "EUR"
    mended = tmp_path / "mended.json"
    mended.write_text(json.dumps(event))
    resent = tenant("rejected", "resend", receipt, "--file", str(mended)).stdout
    assert "stored at position" in resent
    assert receipt not in _rejected(tenant, "bad_data")
    assert "reconciles: " in tenant("accounts").stdout


def test_what_is_sent_again_from_here_is_booked_as_such(
    tenant: Run, database_url: str, tmp_path: Path
) -> None:
    tenant("ingest", "-", given=simulated())
    receipt = _rejected(tenant, "unknown_type")[0]
    mended = tmp_path / "mended.json"
    mended.write_bytes(tenant("rejected", "show", receipt).stdout_bytes)
    with psycopg.connect(database_url) as owner:  # as if it had come over HTTP
        owner.execute("update journal.rejected_message set channel = 'http', topic = ''")
    tenant("rejected", "resend", receipt, "--file", str(mended), code=1)
    tenant("rejected", "resend", receipt, code=1)
    booked = "select count(*) from journal.intake_account where channel <> 'file'"
    assert 0 == number(database_url, booked)


def test_where_no_rejected_message_is_found_the_codes_that_there_are_are_named(
    tenant: Run,
) -> None:
    assert "no rejected messages; there are none" in tenant("rejected", "list").stdout
    tenant("ingest", "-", given=simulated())
    said = tenant("rejected", "list", "--code", "no_such_code").stdout
    assert "no rejected messages with the code no_such_code" in said
    assert re.search(r"there are some with: .*bad_data.*unknown_type", said)


def test_what_is_still_broken_is_rejected_again_and_ends_with_one(tenant: Run) -> None:
    tenant("ingest", "-", given=simulated())
    receipt = _rejected(tenant, "unknown_type")[0]
    assert "rejected again" in tenant("rejected", "resend", receipt, code=1).stderr


def test_a_receipt_that_does_not_exist_is_said(tenant: Run) -> None:
    nobody = "00000000-0000-8000-8000-000000000000"
    assert "expected a rejected message" in tenant("rejected", "show", nobody, code=1).stderr
