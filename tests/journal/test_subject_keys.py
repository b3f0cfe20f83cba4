"""Subjects' keys: one key a persona, whoever makes it first; a change of state is seen by all."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from domain.identifiers import Identifier, parse_identifier
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


def named(*texts: str) -> dict[bytes, Identifier]:
    """Ids of personas with the identifiers that name them."""
    identifiers = [parse_identifier(text) for text in texts]
    return {NAMES.persona_id(one): one for one in identifiers}


def only(personas: dict[bytes, Identifier]) -> bytes:
    """The id of the only persona."""
    (persona_id,) = personas
    return persona_id


def plain(keys: SubjectKeys, connection: psycopg.Connection, persona_id: bytes) -> bytes:
    """The key of a persona that was provided for."""
    keys.provide(connection, {}, [persona_id])
    return keys.key(persona_id)[1]


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
        keys = [plain(first, one, only(ana)), plain(second, two, only(ana))]
    assert keys[0] == keys[1]
    assert 32 == len(keys[0])


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
                five = dict((some[turn:] + some[:turn])[at : at + 5])
                mine.provide(connection, five, five)

    workers = [threading.Thread(target=work, args=(one, at)) for at, one in enumerate(keys)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = {tuple(one.key(persona_id) for persona_id in personas) for one in keys}
    assert 1 == len(found)
    assert PERSONAS == len(set(found.pop()))


def test_every_persona_has_a_key_of_its_own_and_keeps_it(
    connection: psycopg.Connection, log_id: int
) -> None:
    personas = named("crm:1", "crm:2", "card:1")
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, personas)
    made = [keys.key(persona_id) for persona_id in personas]
    assert 3 == len(set(made))
    again = SubjectKeys(log_id, SECRET)
    again.provide(connection, personas, personas)
    assert made == [again.key(persona_id) for persona_id in personas]


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
    assert mine.key(only(named("crm:1"))) != other.key(only(named("crm:1")))


def test_whoever_lacks_the_tenants_secret_opens_no_key(
    connection: psycopg.Connection, log_id: int
) -> None:
    ana = named("crm:1")
    SubjectKeys(log_id, SECRET).provide(connection, ana)
    thief = SubjectKeys(log_id, TenantSecret(bytes(32)))
    thief.provide(connection, ana, ana)
    for _ in range(2):
        with pytest.raises(SealBrokenError):
            thief.key(only(ana))
    with pytest.raises(SealBrokenError):
        identifiers_of(connection, log_id, TenantSecret(bytes(32)), [only(ana)])


def test_a_wrapped_key_opens_for_its_own_persona_alone(
    connection: psycopg.Connection, log_id: int
) -> None:
    personas = named("crm:1", "crm:2")
    SubjectKeys(log_id, SECRET).provide(connection, personas)
    one, other = personas
    connection.execute(
        "UPDATE subject.subject_key SET wrapped = (SELECT wrapped FROM subject.subject_key"
        " WHERE persona_id = %s) WHERE persona_id = %s",
        (Uuid(one), Uuid(other)),
    )
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, personas, personas)
    assert keys.key(one)
    with pytest.raises(SealBrokenError):
        keys.key(other)


def test_identifiers_are_kept_and_opened_with_the_key(
    connection: psycopg.Connection, log_id: int
) -> None:
    personas = named("crm:1", "email:Ana@Example.test", "crm:ñandú")
    SubjectKeys(log_id, SECRET).provide(connection, personas)
    unknown = only(named("crm:99"))
    opened = identifiers_of(connection, log_id, SECRET, [*personas, unknown])
    assert personas == opened
    assert {} == identifiers_of(connection, log_id, SECRET, [])


def test_a_block_is_counted_and_seen_by_whoever_looks_anew(
    connection: psycopg.Connection, log_id: int
) -> None:
    ana = named("crm:1")
    keys = SubjectKeys(log_id, SECRET)
    keys.provide(connection, ana)
    assert (set(), 0) == (keys.inactive, keys.erasures)
    assert set_blocked(connection, log_id, only(ana), blocked=True)
    assert set() == keys.inactive
    keys.forget()
    keys.provide(connection, ana)
    assert (set(ana), 1) == (keys.inactive, keys.erasures)
    assert set_blocked(connection, log_id, only(ana), blocked=False)
    keys.forget()
    keys.provide(connection, ana)
    assert (set(), 2) == (keys.inactive, keys.erasures)


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
    assert set(ana) == keys.inactive
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
    for sealing in ((), ana):
        keys.provide(connection, ana, sealing)
        assert set() == keys.inactive
    assert (2, b"k" * 32) == keys.key(only(ana))


@pytest.mark.parametrize("sealing", [False, True])
def test_known_new_returned_blocked_and_erased_subjects_are_told_apart_in_one_batch(
    connection: psycopg.Connection, log_id: int, sealing: bool
) -> None:
    """However many are usual, each that is not is found; what is asked for gets its key."""
    personas = named(*(f"crm:{number}" for number in range(1, 8)))
    known, blocked, erased, returned, gone_again, new, *others = personas
    SubjectKeys(log_id, SECRET).provide(connection, {
        one: name for one, name in personas.items() if one != new
    })  # fmt: skip
    set_blocked(connection, log_id, blocked, blocked=True)
    for one, states in ((erased, ()), (returned, ("active",)), (gone_again, ("erased",))):
        connection.execute(
            "UPDATE subject.subject_key SET state = 'erased', wrapped = NULL WHERE persona_id = %s",
            (Uuid(one),),
        )
        for state in states:
            connection.execute(
                "INSERT INTO subject.subject_key (log_id, persona_id, generation, state, namespace,"
                " wrapped) VALUES (%s, %s, 2, %s, 'crm', %s)",
                (log_id, Uuid(one), state, SECRET.wrap(b"k" * 32 + b"x", one)),
            )
    keys = SubjectKeys(log_id, SECRET)
    active = [known, returned, new, *others]
    keys.provide(connection, personas, personas if sealing else ())
    assert {blocked, erased, gone_again} == keys.inactive
    assert set(personas) == keys.provided
    keys.provide(connection, {}, active)
    assert [1, 2, 1, 1] == [keys.key(one)[0] for one in active]
    assert b"k" * 32 == keys.key(returned)[1]


def test_a_cache_that_is_full_is_dropped_between_batches_and_never_within_one(
    connection: psycopg.Connection, log_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.subject_keys._CACHE_MAX", 3)
    keys = SubjectKeys(log_id, SECRET)
    keys.make_room(2)
    keys.provide(connection, named("crm:1", "crm:2"))
    first = plain(keys, connection, only(named("crm:1")))
    keys.make_room(1)
    keys.provide(connection, named("crm:3", "crm:4"))
    assert set(named("crm:1", "crm:2", "crm:3", "crm:4")) == keys.provided
    keys.make_room(1)
    assert set() == keys.provided
    keys.provide(connection, named("crm:1"))
    assert first == plain(keys, connection, only(named("crm:1")))
