"""Subjects' keys: one key a persona, whoever makes it first; a change of state is seen by all."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from domain.identifiers import Identifier, Persona, parse_identifier
from journal.connecting import Uuid, connect
from journal.personas import PersonaNames
from journal.sealing import SealBrokenError, TenantSecret
from journal.subject_keys import SubjectKeys, identifiers_of, set_blocked
from journal.tenants import create_tenant
from tests.engine import SECRET

NAMES = PersonaNames(SECRET.secret)
WORKERS = 4
PERSONAS = 50


@pytest.fixture
def log_id(database_url: str) -> int:
    """The facts log of a tenant."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        return create_tenant(owner, "acme").facts


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection of the application."""
    with connect(database_url, name="tests") as made:
        yield made


def named(*texts: str) -> dict[Persona, Identifier]:
    """Personas with the identifiers that name them."""
    identifiers = [parse_identifier(text) for text in texts]
    return {NAMES.name(one): one for one in identifiers}


def only(personas: dict[Persona, Identifier]) -> bytes:
    """The id of the only persona."""
    (persona,) = personas
    return persona.persona_id


def test_two_processes_that_meet_a_new_persona_end_with_the_same_key(
    database_url: str, log_id: int
) -> None:
    """The second one waits for the first one's transaction, and takes the key that it made."""
    ana = named("crm:1")
    first, second = SubjectKeys(log_id, SECRET), SubjectKeys(log_id, SECRET)
    with (
        connect(database_url, name="one") as one,
        connect(database_url, name="two") as two,
        connect(database_url, name="watch") as watch,
    ):
        late = threading.Thread(target=second.provide, args=(two, ana))
        with one.transaction():
            first.provide(one, ana)
            late.start()
            while not _waits(watch, two):
                assert late.is_alive()
        late.join()
    assert first.plain(only(ana)) == second.plain(only(ana))
    assert 32 == len(first.plain(only(ana)))


def _waits(watch: psycopg.Connection, waiting: psycopg.Connection) -> bool:
    found = watch.execute(
        "SELECT cardinality(pg_blocking_pids(%s)) > 0", (waiting.info.backend_pid,)
    ).fetchone()
    return bool(found and found[0])


def test_many_processes_at_once_agree_on_every_key(database_url: str, log_id: int) -> None:
    personas = named(*(f"crm:{number}" for number in range(1, PERSONAS + 1)))
    keys = [SubjectKeys(log_id, SECRET) for _ in range(WORKERS)]
    start = threading.Barrier(WORKERS)

    def work(mine: SubjectKeys, turn: int) -> None:
        some = list(personas.items())
        with connect(database_url, name="worker") as connection:
            start.wait()
            for at in range(0, PERSONAS, 5):
                mine.provide(connection, dict((some[turn:] + some[:turn])[at : at + 5]))

    workers = [threading.Thread(target=work, args=(one, at)) for at, one in enumerate(keys)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    plain = {tuple(one.plain(persona.persona_id) for persona in personas) for one in keys}
    assert 1 == len(plain)
    assert PERSONAS == len(set(plain.pop()))


def test_every_persona_has_a_key_of_its_own_and_keeps_it(
    connection: psycopg.Connection, log_id: int
) -> None:
    personas = named("crm:1", "crm:2", "card:1")
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, personas)
    made = [keys.plain(persona.persona_id) for persona in personas]
    assert 3 == len(set(made))
    again = SubjectKeys(log_id, SECRET)
    again.provide(connection, personas)
    assert made == [again.plain(persona.persona_id) for persona in personas]


def test_what_is_known_needs_no_query(connection: psycopg.Connection, log_id: int) -> None:
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, named("crm:1"))
    key = keys.key(only(named("crm:1")))
    with psycopg.connect(connection.info.dsn, password="", autocommit=True) as closed:
        closed.close()
        keys.provide(closed, named("crm:1"))
        with pytest.raises(psycopg.OperationalError):
            keys.provide(closed, named("crm:2"))
    assert key is keys.key(only(named("crm:1")))


def test_keys_of_two_tenants_have_nothing_in_common(
    database_url: str, connection: psycopg.Connection, log_id: int
) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        other_log = create_tenant(owner, "umbrella").facts
    mine, other = SubjectKeys(log_id, SECRET), SubjectKeys(other_log, SECRET)
    mine.provide(connection, named("crm:1"))
    other.provide(connection, named("crm:1"))
    assert mine.plain(only(named("crm:1"))) != other.plain(only(named("crm:1")))


def test_whoever_lacks_the_tenants_secret_opens_no_key(
    connection: psycopg.Connection, log_id: int
) -> None:
    ana = named("crm:1")
    SubjectKeys(log_id, SECRET).provide(connection, ana)
    thief = SubjectKeys(log_id, TenantSecret(bytes(32)))
    thief.provide(connection, ana)
    with pytest.raises(SealBrokenError):
        thief.plain(only(ana))
    with pytest.raises(SealBrokenError):
        identifiers_of(connection, log_id, TenantSecret(bytes(32)), [only(ana)])


def test_a_wrapped_key_opens_for_its_own_persona_alone(
    connection: psycopg.Connection, log_id: int
) -> None:
    personas = named("crm:1", "crm:2")
    SubjectKeys(log_id, SECRET).provide(connection, personas)
    one, other = (persona.persona_id for persona in personas)
    connection.execute(
        "UPDATE subject.subject_key SET wrapped = (SELECT wrapped FROM subject.subject_key"
        " WHERE persona_id = %s) WHERE persona_id = %s",
        (Uuid(one), Uuid(other)),
    )
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, personas)
    assert keys.plain(one)
    with pytest.raises(SealBrokenError):
        keys.plain(other)


def test_identifiers_are_kept_and_opened_with_the_key(
    connection: psycopg.Connection, log_id: int
) -> None:
    personas = named("crm:1", "email:Ana@Example.test", "crm:ñandú")
    SubjectKeys(log_id, SECRET).provide(connection, personas)
    unknown = only(named("crm:99"))
    ids = [persona.persona_id for persona in personas]
    opened = identifiers_of(connection, log_id, SECRET, [*ids, unknown])
    assert {one.persona_id: identifier for one, identifier in personas.items()} == opened
    assert {} == identifiers_of(connection, log_id, SECRET, [])


def test_a_block_is_counted_and_seen_by_whoever_looks_anew(
    connection: psycopg.Connection, log_id: int
) -> None:
    ana = named("crm:1")
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, ana)
    assert (True, 0) == (keys.key(only(ana)).active, keys.erasures)
    assert set_blocked(connection, log_id, only(ana), blocked=True)
    assert keys.key(only(ana)).active
    keys.forget()
    keys.provide(connection, ana)
    assert (False, 1) == (keys.key(only(ana)).active, keys.erasures)
    assert set_blocked(connection, log_id, only(ana), blocked=False)
    keys.forget()
    keys.provide(connection, ana)
    assert (True, 2) == (keys.key(only(ana)).active, keys.erasures)


def test_blocking_somebody_unknown_changes_nothing(
    connection: psycopg.Connection, log_id: int
) -> None:
    assert not set_blocked(connection, log_id, only(named("crm:9")), blocked=True)


def test_an_erased_subject_cannot_be_blocked_or_let_in_again(
    connection: psycopg.Connection, log_id: int
) -> None:
    ana = named("crm:1")
    SubjectKeys(log_id, SECRET).provide(connection, ana)
    connection.execute("UPDATE subject.subject_key SET state = 'erased', wrapped = NULL")
    for blocked in (True, False):
        assert not set_blocked(connection, log_id, only(ana), blocked=blocked)
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, ana)
    assert not keys.key(only(ana)).active
    assert {} == identifiers_of(connection, log_id, SECRET, [only(ana)])


def test_blocking_twice_changes_nothing_the_second_time(
    connection: psycopg.Connection, log_id: int
) -> None:
    ana = named("crm:1")
    SubjectKeys(log_id, SECRET).provide(connection, ana)
    assert set_blocked(connection, log_id, only(ana), blocked=True)
    assert not set_blocked(connection, log_id, only(ana), blocked=True)


def test_the_newest_generation_is_the_one_that_counts(
    connection: psycopg.Connection, log_id: int
) -> None:
    ana = named("crm:1")
    SubjectKeys(log_id, SECRET).provide(connection, ana)
    connection.execute("UPDATE subject.subject_key SET state = 'erased', wrapped = NULL")
    wrapped = SECRET.wrap(b"k" * 32 + b"1", only(ana))
    connection.execute(
        "INSERT INTO subject.subject_key (log_id, persona_id, generation, namespace, wrapped)"
        " VALUES (%s, %s, 2, 'crm', %s)",
        (log_id, Uuid(only(ana)), wrapped),
    )
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, ana)
    assert (2, True, b"k" * 32) == (
        keys.key(only(ana)).generation, keys.key(only(ana)).active, keys.plain(only(ana)),
    )  # fmt: skip


def test_a_cache_that_is_full_is_dropped_between_batches_and_never_within_one(
    connection: psycopg.Connection, log_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.subject_keys._CACHE_MAX", 3)
    keys = SubjectKeys(log_id, SECRET)
    keys.make_room(2)
    keys.provide(connection, named("crm:1", "crm:2"))
    first = keys.plain(only(named("crm:1")))
    keys.make_room(1)
    keys.provide(connection, named("crm:3", "crm:4"))
    assert all(one.persona_id in keys for one in named("crm:1", "crm:2", "crm:3", "crm:4"))
    keys.make_room(1)
    assert only(named("crm:1")) not in keys
    keys.provide(connection, named("crm:1"))
    assert first == keys.plain(only(named("crm:1")))
