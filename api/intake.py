"""Intake for operators: its accounts, and rejected messages: listed, read, mended, sent again."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import Meta

from api.answers import Answer, json_answer
from api.calls import Call
from api.cursors import read_cursor, write_cursor
from api.parameters import Parameter, flag, instant, one_of, short_text, uuid
from api.problems import Problem
from api.touchpoints import one_answered, read_messages
from domain.errors import VinculoError
from journal.intake.inquiries import Account, AccountQuestion, find_rejected, list_accounts
from journal.intake.message import Message
from journal.rejected import RejectedMessage, list_rejected, read_rejected
from journal.sealing import SealBrokenError
from projections.customer.shown import moment, uuid_text

_log = structlog.get_logger(__name__)
_CHANNELS = ("kafka", "http", "file")
_Base64 = Annotated[str, Meta(extra_json_schema={"contentEncoding": "base64"})]


class AccountShown(msgspec.Struct, frozen=True):
    """What became of the messages of one source in one hour; received is the sum of the others."""

    hour: datetime
    channel: str
    topic: str
    source: str
    received: int
    stored: int
    duplicate: int
    rejected: int
    suppressed: int


class AccountPage(msgspec.Struct, frozen=True):
    """A page of accounts, the newest hour first, and the cursor of the next one."""

    accounts: tuple[AccountShown, ...]
    next: str | None


class RejectedShown(msgspec.Struct, frozen=True):
    """A rejected message, without what it holds.

    Args:
        receipt: by which it is read and sent again.
        received_at: when it came.
        channel: kafka, http or file.
        topic: Kafka topic or file name, empty for HTTP.
        partition: Kafka partition.
        offset: Kafka offset or line of the file.
        source: who sent it, ``unknown`` where that could not be read.
        code: why, for machines.
        detail: why: expected, found, what to do.
        mends: the receipt that it was to replace.
        mended_by: the receipt or the entry that replaced it; null while it is open.

    """

    receipt: str
    received_at: datetime
    channel: str
    topic: str
    partition: int | None
    offset: int | None
    source: str
    code: str
    detail: str
    mends: str | None
    mended_by: str | None


class RejectedPage(msgspec.Struct, frozen=True):
    """A page of rejected messages, the newest first, and the cursor of the next one."""

    rejected: tuple[RejectedShown, ...]
    next: str | None


class RejectedContent(msgspec.Struct, frozen=True):
    """A rejected message with what it holds. It may be personal; the reading was logged.

    Args:
        message: as it is listed.
        attributes: CloudEvents attributes, if it came in binary mode.
        payload: as it came.
        text: the same as text, if it is UTF-8.

    """

    message: RejectedShown
    attributes: dict[str, str] | None
    payload: _Base64
    text: str | None


CHANNEL = Parameter(
    name="channel",
    meaning="Only messages that came by this channel.",
    schema={"type": "string", "enum": list(_CHANNELS)},
    read=one_of(_CHANNELS),
)
SOURCE = Parameter(
    name="source",
    meaning="Only messages of this source.",
    schema={"type": "string"},
    read=short_text,
)
SINCE = Parameter(
    name="since",
    meaning="Only hours that begin then or later.",
    schema={"type": "string", "format": "date-time"},
    read=instant,
)
UNTIL = Parameter(
    name="until",
    meaning="Only hours that begin before.",
    schema={"type": "string", "format": "date-time"},
    read=instant,
)
CODE = Parameter(
    name="code",
    meaning="Only messages that were rejected for this reason.",
    schema={"type": "string"},
    read=short_text,
)
OPEN = Parameter(
    name="open",
    meaning="Whether to leave out what was mended; true unless told otherwise.",
    schema={"type": "boolean", "default": True},
    read=flag,
)
BEFORE = Parameter(
    name="before",
    meaning="Receipt of the last one seen, to read on behind it.",
    schema={"type": "string", "format": "uuid"},
    read=uuid,
)


async def tell_accounts(call: Call) -> Answer:
    """Tell what became of all messages received."""
    services = call.services
    asked = call.parameters()
    limit = asked.get("limit", services.settings.limits.page_default)
    cursor = asked.get("cursor")
    question = AccountQuestion(
        channel=asked.get("channel"),
        source=asked.get("source"),
        since=asked.get("since"),
        until=asked.get("until"),
        after=None if cursor is None else read_cursor(cursor, asked, tuple[int, str, str, str]),
        limit=limit + 1,
    )
    accounts = await services.desk.run(list_accounts, services.logs.facts, question)
    page, following = accounts[:limit], None
    if len(accounts) > limit:
        last = page[-1]
        following = write_cursor((last.hour, last.channel, last.topic, last.source), asked)
    return json_answer(AccountPage(tuple(_account(one) for one in page), following))


async def tell_rejected(call: Call) -> Answer:
    """List rejected messages."""
    services = call.services
    asked = call.parameters()
    limit = asked.get("limit", services.settings.limits.page_default)
    found = await services.desk.run(
        list_rejected,
        services.logs.facts,
        source=asked.get("source"),
        code=asked.get("code"),
        open_only=asked.get("open", True),
        before=asked.get("before"),
        limit=limit + 1,
    )
    page = found[:limit]
    following = uuid_text(page[-1].receipt_id) if len(found) > limit else None
    return json_answer(RejectedPage(tuple(_rejected(one) for one in page), following))


async def open_rejected(call: Call) -> Answer:
    """Show what a rejected message holds; that is logged."""
    receipt_id = call.uuid("receipt")
    listed = await _listed(call, receipt_id)
    message = await _kept(call, receipt_id)
    document = RejectedContent(
        _rejected(listed),
        None if message.attributes is None else dict(message.attributes),
        b64encode(message.payload).decode(),
        _text(message.payload),
    )
    return json_answer(document)


async def resend_rejected(call: Call) -> Answer:
    """Send a rejected message again, mended or as it was."""
    receipt_id = call.uuid("receipt")
    await _listed(call, receipt_id)
    if call.header(b"content-type") is None:
        await call.body(0)
        kept = await _kept(call, receipt_id)
        # Without its topic: an operator vouches for it now, whoever may publish there.
        message = Message(kept.payload, kept.attributes, mends=receipt_id)
    else:
        messages, many = await read_messages(call, receipt_id)
        if many:
            raise Problem(
                400, "one_only", expected="one event in place of one", found="a batch",
                do="send a single event, or none to send the message as it was",
            )  # fmt: skip
        message = messages[0]
    outcomes = await call.services.take_in([message])
    _log.info(
        "rejected.resent",
        holder=call.holder_name,
        receipt=uuid_text(receipt_id),
        outcome=outcomes[0].kind,
    )
    return one_answered(outcomes[0])


async def _listed(call: Call, receipt_id: bytes) -> RejectedMessage:
    services = call.services
    found = await services.desk.run(find_rejected, services.logs.facts, receipt_id)
    if found is None:
        raise Problem(
            404, "unknown_receipt", expected="the receipt of a rejected message",
            found="one that was never given", do="list them by GET /v1/intake/rejected?open=false",
        )  # fmt: skip
    return found


async def _kept(call: Call, receipt_id: bytes) -> Message:
    """Return what a rejected message holds; the reading is logged, in the database too."""
    services = call.services
    _log.info("rejected.read", holder=call.holder_name, receipt=uuid_text(receipt_id))
    try:
        _, message = await services.desk.run(
            read_rejected, services.logs.facts, services.secret, receipt_id, call.holder_name
        )
    except SealBrokenError:
        raise
    except VinculoError as error:
        raise Problem(
            410, "forgotten", expected="a message that is still kept", found="one whose time is "
            "over", do="send the mended event as the body of a resend",
        ) from error  # fmt: skip
    return message


def _account(account: Account) -> AccountShown:
    return AccountShown(
        moment(account.hour),
        account.channel,
        account.topic,
        account.source,
        account.received,
        account.stored,
        account.duplicate,
        account.rejected,
        account.suppressed,
    )


def _rejected(message: RejectedMessage) -> RejectedShown:
    plain: dict[str, Any] = msgspec.structs.asdict(message)
    receipt_id = plain.pop("receipt_id")
    for name in ("mends", "mended_by"):
        plain[name] = None if plain[name] is None else uuid_text(plain[name])
    plain["received_at"] = moment(message.received_at)
    return RejectedShown(receipt=uuid_text(receipt_id), **plain)


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None
