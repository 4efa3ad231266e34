"""State in PostgreSQL: what a crash takes, who may make the tables, and calls that end on the server too when nobody waits for them."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from guardrails.errors import GuardrailsError
from guardrails.stores import PostgreSQL, Unreachable, bucket, day, opened, window
from tests.stores.servers import PASSWORD, Database, database, store_at

CONNECTIONS = "select count(*) from pg_stat_activity where application_name = 'guardrails-state'"
MAY_NOT = "locked_out"


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with database() as made:
        yield made


def test_a_crash_empties_counters_and_keeps_values() -> None:
    with database() as own:
        made = store_at(own.url)
        assert made.take((window("w", 1, 3_600),)) is None
        assert made.keep("g", "n", b"kept", version=0, ttl_s=3_600)
        own.kill()
        with pytest.raises(Unreachable, match="no connection"):
            made.load("g", "n")
        own.start()
        held = made.load("g", "n")
        assert held is not None
        assert held.chunks == (b"kept",)
        assert [made.take((window("w", 1, 3_600),)) is None for _ in range(2)] == [True, False]
        made.close()


def test_tables_are_made_by_one_of_many_and_are_there_again_when_they_are_gone(server: Database) -> None:
    server.run("drop table if exists guardrails_counters, guardrails_values, guardrails_chunks cascade")
    server.run("drop function if exists guardrails_take_v1, guardrails_keep_v1, guardrails_sweep_v1")
    stores = [store_at(server.url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        counted = list(pool.map(lambda one: one.take((window("first", 3, 3_600),)) is None, stores))
    assert sum(counted) == 3
    for store in stores:
        store.close()


def test_what_is_over_is_swept_and_the_rest_stays(server: Database) -> None:
    at = [1_000_000.0]
    made = PostgreSQL(server.url, clock=lambda: at[0], timeout_s=60)
    assert (
        made.take((window("short", 5, 10), window("long", 5, 1_000), bucket("slow", 0.001, 5), day("today", 5))) is None
    )
    assert made.keep("sweep", "short", b"x", version=0, ttl_s=10)
    assert made.keep("sweep", "long", b"x", version=0, ttl_s=1_000)
    at[0] += 11
    made.sweep()
    names = {name for (name,) in server.rows("select name from guardrails_counters")}
    assert {"window:long", "bucket:slow", "day:today"} <= names
    assert "window:short" not in names
    assert server.rows("select name from guardrails_values where grp = 'sweep'") == [("long",)]
    assert server.rows("select name from guardrails_chunks where grp = 'sweep'") == [("long",)], "its pieces too"
    made.close()


def test_any_name_is_counted_for_itself(server: Database) -> None:
    made = store_at(server.url)
    names = ["a'b", 'a"b', "a\\b", "a%b", "日本", "a\nb", "a\u200bb", "", "🦉", "x" * 2_000]
    assert [made.take((window(name, 1, 3_600),)) for name in names] == [None] * len(names)
    assert all(made.take((window(name, 1, 3_600),)) is not None for name in names)
    made.close()


def test_a_clock_that_is_set_back_brings_nothing_back(server: Database) -> None:
    at = [2_000_000.0]
    made = PostgreSQL(server.url, clock=lambda: at[0], timeout_s=60)
    asks = (bucket("back", 1, 2), window("back", 2, 60))
    assert [made.take(asks) for _ in range(2)] == [None, None]
    at[0] -= 1_000
    assert made.take(asks) is not None
    at[0] += 2
    assert made.take(asks[:1]) is None, "a token flows in from when the clock was set back"
    assert made.take(asks[1:]) is not None, "what was counted counts"
    made.close()


def test_a_call_that_nobody_waits_for_ends_on_the_server_and_counts_nothing(server: Database) -> None:
    import psycopg

    strict, patient, ask = PostgreSQL(server.url, timeout_s=0.5), store_at(server.url), window("given-up", 1, 3_600)
    patient.take((day("warm", None),))
    strict.check()
    with psycopg.connect(server.address) as other:
        other.execute("lock table guardrails_counters in access exclusive mode")
        with pytest.raises(Unreachable, match=r"TimeoutError|57014"):
            strict.take((ask,))
        while server.rows("select 1 from pg_locks where not granted"):
            time.sleep(0.05)  # the server has not given it up yet
    assert [patient.take((ask,)) is None for _ in range(2)] == [True, False]
    for store in (strict, patient):
        store.close()


def test_a_process_has_eight_connections_however_many_threads_ask(server: Database) -> None:
    made, (before,) = store_at(server.url), server.rows(CONNECTIONS)[0]
    with ThreadPoolExecutor(24) as pool:
        counted = list(pool.map(lambda _: made.take((window("threads", 40, 3_600),)) is None, range(60)))
    assert sum(counted) == 40
    assert server.rows(CONNECTIONS)[0][0] - before <= 8
    made.close()


def test_who_may_not_make_the_tables_is_told_and_may_use_them(server: Database) -> None:
    made = store_at(server.url)
    made.check()
    server.run("create schema narrow; create role narrow login; grant usage on schema narrow to narrow")
    address = server.address.replace("test@", "narrow@") + "&options=-csearch_path%3Dnarrow"
    with pytest.raises(GuardrailsError, match="USAGE and CREATE"):
        opened(address, "local")
    server.run(
        "grant select, insert, update, delete on guardrails_counters, guardrails_values, guardrails_chunks to narrow"
    )
    other = PostgreSQL(server.address.replace("test@", "narrow@"), timeout_s=60)
    other.check()
    assert [one.take((window("narrow", 2, 3_600),)) is None for one in (other, made, other)] == [True, True, False]
    assert other.keep("narrow", "n", b"x", version=0, ttl_s=60)
    other.sweep()
    for store in (made, other):
        store.close()


def test_who_is_not_let_in_is_told_at_the_start_and_no_message_holds_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with database() as own, caplog.at_level(logging.DEBUG):
        own.run(f"create role locked login password '{PASSWORD}'; grant create on schema public to locked")
        rules = own.folder / "data" / "pg_hba.conf"
        rules.write_text("local all locked scram-sha-256\nlocal all all trust\n")
        [(read,)] = own.rows("select pg_conf_load_time()")
        own.run("select pg_reload_conf()")
        while own.rows("select pg_conf_load_time()") == [(read,)]:
            time.sleep(0.05)
        url = own.address.replace("test@", "locked:%s@")
        told = ""
        for wrong in ("wrong-password", ""):
            with pytest.raises(GuardrailsError, match="refuses the user, the password") as caught:
                opened(url % wrong, "local")
            told += str(caught.value)
        made = opened(url % PASSWORD, "local")
        assert made.take((window("w", 9, 60),)) is None
        told += repr(made) + caplog.text
        assert PASSWORD not in told
        assert "wrong-password" not in told


def test_nobody_there_stops_the_start_unless_each_may_count_alone(tmp_path: object) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgresql`)")
    nowhere = f"postgresql://user:{PASSWORD}@/state?host={tmp_path}"
    with pytest.raises(Unreachable, match="does not keep shared state") as caught:
        opened(nowhere)
    assert PASSWORD not in str(caught.value)
    assert opened(nowhere, "local").take((window("w", 1, 60),)) is None


@pytest.mark.parametrize("url", ["postgresql://host:port/x", "postgresql://h/x?nonsense=secret", "postgresql://[::1/x"])
def test_another_address_is_refused_without_repeating_it(url: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgresql`)")
    with pytest.raises(GuardrailsError, match="shared state: this is no address of a PostgreSQL server") as caught:
        opened(url)
    assert "secret" not in str(caught.value)


def test_without_psycopg_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "guardrails.stores.postgresql_link", None)
    with pytest.raises(GuardrailsError, match=r"pip install 'onepolicy-guardrails\[postgresql\]'"):
        opened("postgresql://host/state")
