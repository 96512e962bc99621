"""A run whose connections break goes on by itself, and ends as one that nobody disturbed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from crosswalk.connect import _socket, session
from crosswalk.embedded import Server
from crosswalk.endurance import Patience, resume
from crosswalk.errors import CannotConnect, ConnectionLost, Interrupted, NoHeadway, ServerStaysAway, SnapshotLost
from crosswalk.lifeline import UNANSWERED_SECONDS, marked
from crosswalk.migration import Migrated
from crosswalk.snapshot import snapshot
from tests.breaking import QUICK, SOURCE, TARGET, Breaker, Way, fill, laid
from tests.cut import Line, line
from tests.road import connected
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, database_of, sql


@pytest.fixture
async def way(pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase) -> AsyncIterator[Way]:
    source = make_database(pg16, template(pg16, "endure_old", lambda url: fill(url, SOURCE)))
    target = make_database(pg18, template(pg18, "endure_new", lambda url: fill(url, TARGET)))
    async with laid(source, target) as found:
        yield found


# --- what breaks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [pytest.param("source", marks=pytest.mark.drill), "target"])
async def test_a_cut_line_is_waited_for_and_the_run_goes_on_under_a_new_snapshot(way: Way, side: str) -> None:
    cut: Line = getattr(way, side)

    def away() -> None:
        cut.close()
        asyncio.get_running_loop().call_later(0.3, cut.open)

    breaker = Breaker(act=away)
    await way.require_whole(await way.migrate(breaker))
    assert await way.snapshots() == 2
    assert any("tried again" in text for text in breaker.said), breaker.said
    assert any("new snapshot" in text for text in breaker.said), breaker.said


SESSIONS = {
    "keeper": ("source", "% copy keeper %", 2), "source worker": ("source", "% copy #%", 1),
    "target worker": ("target", "% load #%", 1), "control": ("target", "% migrate #%", 2),
}
"""Which side, whose application_name, and under how many snapshots the run is in the end."""


@pytest.mark.parametrize("kind", SESSIONS)
async def test_each_kind_of_session_may_be_ended(
    way: Way, kind: str, pg16: Server, pg18: Server
) -> None:
    side, like, snapshots = SESSIONS[kind]
    server, url = (pg16, way.straight.source) if side == "source" else (pg18, way.straight.target)
    ended: list[str] = []

    def end() -> None:
        ended.append(
            sql(
                server,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                f" WHERE datname = '{database_of(url)}' AND application_name LIKE '{like}'",
            )
        )

    breaker = Breaker(act=end)
    await way.require_whole(await way.migrate(breaker))
    assert ended == ["2" if "worker" in kind else "1"]
    assert await way.snapshots() == snapshots, breaker.said
    assert any("it gets another" in text for text in breaker.said) == ("worker" in kind), breaker.said


async def test_sessions_that_the_server_still_holds_are_ended(way: Way) -> None:
    """Of a cut line the server may know nothing for hours: its old sessions hold our locks."""
    breaker = Breaker(act=lambda: way.target.cut(half=True))
    await way.require_whole(await way.migrate(breaker))
    assert any("left behind ended" in text for text in breaker.said), breaker.said


@pytest.mark.drill
async def test_a_stalled_line_breaks_nothing(way: Way) -> None:
    def stall() -> None:
        way.target.stall()
        asyncio.get_running_loop().call_later(1.0, way.target.flow)

    breaker = Breaker(act=stall)
    await way.require_whole(await way.migrate(breaker))
    assert not breaker.said
    assert await way.snapshots() == 1


# --- a COMMIT whose answer is lost ----------------------------------------------------------------


async def _lose(way: Way, number: int) -> Migrated:
    way.target.steal = number
    return await way.migrate(Breaker(), jobs=1)


@pytest.mark.parametrize("number", [pytest.param(9, marks=pytest.mark.drill), 16])
async def test_a_commit_whose_answer_is_lost_is_not_done_twice(way: Way, number: int) -> None:
    done = await _lose(way, number)
    assert way.target.sent >= number
    await way.require_whole(done)


async def test_a_run_that_had_finished_unheard_is_not_resumed(way: Way) -> None:
    """The last statement of a run commits by itself, and its answer is lost with the line."""
    way.target.valued, way.target.steal = b"\x00\x00\x00\x08finished", 1
    breaker = Breaker()
    done = await way.migrate(breaker)
    assert len(breaker.said) == 2, breaker.said
    assert await way.snapshots() == 1
    assert done.sequences == 1
    await way.require_whole(done)


# --- the end of patience --------------------------------------------------------------------------


async def test_a_server_that_stays_away_ends_the_run_and_it_can_be_resumed(way: Way) -> None:
    breaker = Breaker(act=way.source.close)
    with pytest.raises(ServerStaysAway) as caught:
        await way.migrate(breaker, patience=Patience(seconds=0.5, first=0.05))
    assert (caught.value.exit_code, caught.value.fields["side"]) == (1, "source")
    assert "crosswalk resume" in caught.value.advice
    way.source.open()
    await way.require_whole(await resume(way.servers, observer=Breaker(), patience=QUICK))


async def test_a_server_that_takes_questions_and_does_not_answer_stays_away(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crosswalk.endurance._ANSWER", 0.2)
    monkeypatch.setattr("crosswalk.connect.CONNECT_SECONDS", 0.3)

    def dumb() -> None:
        way.target.cut()
        way.target.stall()

    with pytest.raises(ServerStaysAway, match="no answer"):
        await way.migrate(Breaker(act=dumb), patience=Patience(seconds=0.5, first=0.05))


async def test_a_run_that_comes_no_further_ends(way: Way) -> None:
    def again(text: str) -> None:
        if "comparing" in text:
            way.target.cut()

    breaker = Breaker(act=way.target.cut, hears=again)
    with pytest.raises(NoHeadway) as caught:
        await way.migrate(breaker, patience=Patience(seconds=20, first=0.02, longest=0.05, fruitless=2))
    assert caught.value.fields["tries"] == 3
    await way.require_whole(await resume(way.servers, observer=Breaker(), patience=QUICK))


async def test_a_user_who_asks_to_stop_is_not_kept_waiting(way: Way) -> None:
    asked: list[bool] = []
    breaker = Breaker(act=way.target.close, hears=lambda _: asked.append(True))
    with pytest.raises(Interrupted):
        await way.migrate(breaker, patience=Patience(seconds=3600, first=3600), stop=lambda: bool(asked))
    way.target.open()
    await way.require_whole(await way.straight.resume())


async def test_what_never_began_is_not_waited_for(way: Way) -> None:
    way.target.close()
    breaker = Breaker()
    with pytest.raises(CannotConnect):
        await way.migrate(breaker)
    assert not breaker.said


async def test_without_patience_the_first_break_ends_the_run(way: Way) -> None:
    with pytest.raises((ConnectionLost, SnapshotLost)):
        await way.migrate(Breaker(act=way.source.cut), patience=Patience(seconds=0))


# --- the parts ------------------------------------------------------------------------------------


async def test_a_session_opened_again_has_the_settings_of_the_one_before(pg18: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg18)
    async with session("target", url, purpose="load") as opened, connected(url) as other:
        await opened.set([("synchronous_commit", "off")])
        first = await opened.fetchval("SELECT pg_backend_pid()")
        await other.execute("SELECT pg_terminate_backend($1)", first)
        await opened.reopen()
        shown = "SELECT current_setting($1)"
        assert await opened.fetchval("SELECT pg_backend_pid()") != first
        assert await opened.fetchval(shown, "synchronous_commit") == "off"
        assert await opened.fetchval(shown, "row_security") == "off"


async def test_what_is_left_of_a_session_is_ended_when_it_is_opened_again(pg18: Server, make_database: MakeDatabase) -> None:
    """The server does not know that the line is cut, and its transaction would hold its locks."""
    url = make_database(pg18)
    async with connected(url) as other, line(url) as far, session("target", far.url, purpose="load") as opened:
        await other.execute("CREATE TABLE t (n int PRIMARY KEY)")
        await opened.execute("BEGIN; INSERT INTO t VALUES (1)")
        far.cut(half=True)
        await opened.reopen()
        await opened.execute("INSERT INTO t VALUES (1)")


async def test_defaults_of_a_role_do_not_count(pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> None:
    limits = ("statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")
    role = make_role(pg18)
    sql(pg18, *(f"ALTER ROLE {role.name} SET {name} = '1min'" for name in limits))
    async with session("target", make_database(pg18, owner=role)) as opened:
        assert [await opened.fetchval("SELECT current_setting($1)", name) for name in limits] == ["0"] * 4


@pytest.mark.parametrize("version", ["pg16", "pg18"])
async def test_a_worker_opened_again_sees_what_the_others_see(
    version: str, request: pytest.FixtureRequest, make_database: MakeDatabase
) -> None:
    url = make_database(request.getfixturevalue(version))
    async with connected(url) as conn:
        await conn.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        async with snapshot(url, [], workers=1, purpose="copy") as shared:
            await conn.execute("INSERT INTO t VALUES (2)")
            [worker] = shared.workers
            await conn.execute("SELECT pg_terminate_backend($1)", await worker.fetchval("SELECT pg_backend_pid()"))
            await shared.renew(worker)
            assert await worker.fetchval("SELECT count(*) FROM t") == 1


async def test_connections_are_kept_alive(pg18: Server, make_database: MakeDatabase) -> None:
    with marked("#mark"):
        async with session("target", make_database(pg18), purpose="load") as opened:
            sock = _socket(opened.raw)
            assert sock is not None
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNANSWERED_SECONDS * 1000
            assert await opened.fetchval("SHOW tcp_keepalives_idle") == "30"
            assert await opened.fetchval("SHOW client_connection_check_interval") == "10s"
            assert str(await opened.fetchval("SHOW application_name")).endswith(" load #mark")
