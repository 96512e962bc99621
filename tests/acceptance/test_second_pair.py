"""A second, unlike pair of schemas (tests/pair: a city's libraries) goes the same road."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crosswalk.embedded import Server
from tests.judged import announced, in_quarantine
from tests.road import (
    Connection,
    Road,
    Walked,
    connected,
    constraints,
    content,
    findings,
    quarantine,
    road,
    sequences,
    sums,
    versions,
    walk,
)
from tests.servers import MakeRole, sql

PAIR = Path(__file__).parents[1] / "pair"
MAPPING = PAIR / "crosswalk.yaml"
ODD = '"Новая схема"."Таблица ""раз"", с точкой."'
TABLES = (
    "lib.branch",
    "lib.category",
    "lib.household",
    "lib.member",
    "lib.book",
    "lib.book_subject",
    "lib.loan",
    "lib.visit",
    ODD,
)

SUMS = {
    # table: extracted, loaded, merged, quarantined, filtered
    "branch": (3, 3, 0, 0, 0),
    "category": (122, 114, 0, 8, 0),
    "household": (60, 60, 0, 0, 0),
    "member": (300, 298, 0, 2, 0),
    "book": (600, 451, 0, 149, 0),
    "book_subject": (600, 303, 0, 96, 201),
    "loan": (1196, 912, 0, 284, 0),
    "visit": (240, 240, 0, 0, 0),
    'Таблица "раз", с точкой.': (40, 40, 0, 0, 0),
}
REASONS = {
    ("book", "agree", "isbn"): 1,
    ("book", "check", "isbn"): 1,
    ("book", "label", "formats"): 1,
    ("book", "lookup.missing", "category_id"): 19,
    ("book", "map.quarantine", "language"): 120,
    ("book", "rounded", "price"): 1,
    # Two times that no clock in Berlin showed, in three branches.
    ("book", "zone", "bought"): 6,
    ("book_subject", "lookup.missing", "book_id"): 96,
    # Elements of one book whose third subject fits.
    ("book_subject", "length", "subject"): 1,
    ("book_subject", "not_null", "subject"): 1,
    # One label is too long; its children, and theirs, have no parent then.
    ("category", "length", "label"): 1,
    ("category", "lookup.missing", "parent_id"): 7,
    ("loan", "lookup.missing", "book_id"): 275,
    ("loan", "lookup.missing", "member_id"): 8,
    ("loan", "syntax", "fine"): 1,
    ("member", "agree", "email"): 2,
}


async def _fill(url: str, file: str) -> None:
    async with connected(url) as conn:
        await conn.execute((PAIR / file).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Libraries:
    source: str
    target: str
    walked: Walked
    constraints: list[tuple[Any, ...]]

    @property
    def road(self) -> Road:
        return road(self.source, self.target, MAPPING)


async def _walked(source: str, target: str) -> Libraries:
    await _fill(source, "source.sql")
    await _fill(target, "target.sql")
    async with connected(target) as conn:
        before = await constraints(conn)
    return Libraries(source=source, target=target, walked=await walk(source, target, MAPPING), constraints=before)


@pytest.fixture(scope="module", params=[("pg16", "pg18"), ("pg15", "pg16")], ids=["16 to 18", "15 to 16"])
def libraries(request: pytest.FixtureRequest, make_role: MakeRole) -> Iterator[Libraries]:
    servers: list[Server] = [request.getfixturevalue(name) for name in request.param]
    urls = []
    for side, server in zip(("source", "target"), servers, strict=True):
        role = make_role(server)
        sql(server, f'CREATE DATABASE "libraries_{side}" OWNER "{role.name}"')
        urls.append(role.url(server, f"libraries_{side}"))
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(lambda: asyncio.run(_walked(*urls))).result()
    for side, server in zip(("source", "target"), servers, strict=True):
        sql(server, f'DROP DATABASE "libraries_{side}" WITH (FORCE)')


async def test_every_row_is_accounted_for(libraries: Libraries) -> None:
    assert libraries.walked.sums == SUMS
    assert all(tally.balanced for tally in libraries.walked.migrated.tallies)
    async with connected(libraries.target) as conn:
        assert await quarantine(conn) == Counter(REASONS)


async def test_the_check_foretold_it(libraries: Libraries) -> None:
    checked = libraries.walked.checked
    assert checked.problems == ()
    assert checked.clean
    foretold = {
        t.target.relation: (t.extracted, t.loaded, t.merged, t.quarantined, t.filtered) for t in checked.tallies
    }
    assert foretold == SUMS
    reasons: Counter[tuple[str, str, str | None]] = Counter()
    for v in checked.verdicts:  # one rule may have several reasons: no such row, and a row that was set aside itself
        if v.code != "duplicate":
            reasons[v.target.relation, v.code, v.column] += v.rows or 0
    assert reasons == Counter(REASONS)


async def test_verification_finds_nothing(libraries: Libraries) -> None:
    assert findings(libraries.walked.verified) == []
    async with connected(libraries.target) as conn:
        assert await constraints(conn) == libraries.constraints


async def test_quarantine_holds_what_the_judge_announces(libraries: Libraries) -> None:
    """To the row: the judge looks at the source and at the rules, never at quarantine."""
    said = await announced(libraries.road.file, libraries.road.servers)
    async with connected(libraries.target) as target:
        assert said == await in_quarantine(target)


async def test_migrating_twice_writes_nothing(libraries: Libraries) -> None:
    async with connected(libraries.target) as conn:
        before = await versions(conn, TABLES), await sequences(conn)
        again = await libraries.road.migrate()
        assert (await versions(conn, TABLES), await sequences(conn)) == before
        assert await constraints(conn) == libraries.constraints
    assert sums(again) == SUMS


# --- values -----------------------------------------------------------------------------------------


async def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    async with connected(url) as conn:
        return [tuple(row) for row in await conn.fetch(query)]


async def test_folded_leftovers(libraries: Libraries) -> None:
    found = await _rows(libraries.target, "SELECT code, name, extra::text FROM lib.branch ORDER BY code")
    assert found == [
        ("A", "Altstadt", '{"old": {"city": "Köln", "boxes": [1, 2, 3], "phone": "0221/1"}}'),
        ("BB", 'Bücher "Bö"', '{"old": {"city": null, "boxes": [], "phone": ""}}'),
        ("CCCC", "C\\D\tE", '{"old": {"city": "Bonn", "boxes": null, "phone": null}}'),
    ]


async def test_a_self_reference_keeps_its_ids(libraries: Libraries) -> None:
    old = dict(await _rows(libraries.source, "SELECT id, parent FROM biblio.category"))
    new = dict(await _rows(libraries.target, "SELECT id, parent_id FROM lib.category"))
    lost = {13, 39, 40, 41, 117, 118, 119, 120}
    assert new == {key: parent for key, parent in old.items() if key not in lost}
    assert new[0] == 200


async def test_circles_hold(libraries: Libraries) -> None:
    old = dict(await _rows(libraries.source, "SELECT id, head FROM biblio.household"))
    new = dict(await _rows(libraries.target, "SELECT id, head_id FROM lib.household"))
    # Member 7 was set aside, and the rule says that its household has no head then.
    assert new == {**old, 30: None}
    members = await _rows(
        libraries.target,
        "SELECT id, card, first_name, last_name, household_id, joined, email, points::text, name_length FROM lib.member"
        " WHERE id IN (9, 10, 11, 12, 9007199254740993) ORDER BY id",
    )
    assert members == [
        (9, "J-9", "First9", "Last9", 10, datetime(2010, 1, 10), "m9@example.org", "NaN", 6),
        (10, "K-10", "Single", None, 11, datetime(2010, 1, 11), "m10@example.org", "10.00", 6),
        (11, "L-11", None, None, 12, datetime(2010, 1, 12), "m11@example.org", "12.10", None),
        (12, "M-12", "First12", "Last12", None, datetime(2010, 1, 13), "m12@example.org", "13.20", 7),
        (9007199254740993, "N-299", "First299", "Last299", 60, datetime(2010, 10, 27), "m299@example.org", "328.90", 8),
    ]


async def test_books(libraries: Libraries) -> None:
    labels = {"de": "german", "en": "english", "fr": "french", "la": None}
    old = {(r[0].strip(), r[1]): r for r in await _rows(libraries.source, "SELECT * FROM biblio.book")}
    new = await _rows(
        libraries.target,
        "SELECT c.code, number, title, sort_title, last_name, first_name, language::text, formats::text[], main_subject,"
        " isbn::text, category_id, bought, price, shelf, weight, b.extra ->> 'note' FROM lib.book b"
        " JOIN lib.branch c ON c.id = b.branch_id",
    )
    assert len(new) == SUMS["book"][1]
    for row in new:
        _, _, title, author, lang, formats, subjects, isbn, _, category, bought, price, shelf, note, weight = old[
            row[:2]
        ]
        parts = author.split(", ") if author else [None]
        assert row[2:] == (
            title,
            title.lower(),
            parts[0],
            parts[1] if len(parts) > 1 else None,
            labels[lang],
            formats,
            subjects[0] if subjects else None,
            isbn,
            category,
            bought.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC),
            price,
            shelf,
            weight,
            note,
        )
        assert str(row[14]) == str(weight)


async def test_elements_become_rows(libraries: Libraries) -> None:
    found = await _rows(
        libraries.target,
        "SELECT c.code, b.number, array_agg(s.subject ORDER BY s.subject) FROM lib.book_subject s"
        " JOIN lib.book b ON b.id = s.book_id JOIN lib.branch c ON c.id = b.branch_id GROUP BY 1, 2",
    )
    old = await _rows(libraries.source, "SELECT btrim(branch), number, subjects FROM biblio.book")
    kept = {
        tuple(r)
        for r in await _rows(
            libraries.target, "SELECT c.code, number FROM lib.book b JOIN lib.branch c ON c.id = b.branch_id"
        )
    }
    expected = {
        (code, number): sorted({s for s in subjects if s is not None and len(s) <= 12})
        for code, number, subjects in old
        if subjects and (code, number) in kept
    }
    assert {(code, number): sorted(subjects) for code, number, subjects in found} == expected
    assert expected["CCCC", 30] == ["art", "law"]
    assert expected["CCCC", 15] == ["law"]


async def test_loans_lie_in_their_partitions(libraries: Libraries) -> None:
    parts = await _rows(
        libraries.target, "SELECT tableoid::regclass::text, count(*) FROM lib.loan GROUP BY 1 ORDER BY 1"
    )
    years = await _rows(
        libraries.target,
        "SELECT CASE WHEN extract(year FROM lent AT TIME ZONE 'UTC') IN (2023, 2024) THEN 'lib.loan_'"
        " || extract(year FROM lent AT TIME ZONE 'UTC') ELSE 'lib.loan_other' END, count(*) FROM lib.loan GROUP BY 1 ORDER BY 1",
    )
    assert parts == years
    assert len(parts) == 3
    query = (
        "SELECT m.card, btrim(c.code), b.number, l.lent, l.back::text, l.fine, l.open FROM lib.loan l"
        " JOIN lib.member m ON m.id = l.member_id JOIN lib.book b ON b.id = l.book_id JOIN lib.branch c ON c.id = b.branch_id"
    )
    new = {row[:4]: row[4:] for row in await _rows(libraries.target, query)}
    old = {
        row[:4]: row[4:]
        for row in await _rows(
            libraries.source,
            "SELECT card, btrim(branch), number, lent, back::text, CASE WHEN fine ~ '^[ 0-9.]+$' THEN fine::numeric END,"
            " back IS NULL FROM biblio.loan",
        )
    }
    assert new == {key: old[key] for key in new}
    assert len(new) == SUMS["loan"][1]


async def test_odd_names_and_a_table_without_a_key(libraries: Libraries) -> None:
    found = await _rows(libraries.target, f'SELECT * FROM {ODD} ORDER BY "SELECT" LIMIT 2')
    assert found == [(1, "Имя 1", 'it\'s "1"', "A1", "B1", 2), (2, "Имя 2", 'it\'s "2"', "A2", "B2", 4)]
    visits = "SELECT btrim({}), day, hours::text, gate::int FROM {}"
    new = Counter(await _rows(libraries.target, visits.format("branch", "lib.visit")))
    assert new == Counter(await _rows(libraries.source, visits.format("branch", "biblio.visit")))
    assert ("A", date(2026, 1, 1), "[2,8)", 0) not in new


# --- faults -----------------------------------------------------------------------------------------

FAULTS: dict[str, set[tuple[str, str, tuple[str, ...]]]] = {
    # statement: what verify must say of it, (table, kind, columns)
    "UPDATE lib.branch SET extra = jsonb_set(extra, '{old,boxes}', '{}') WHERE code = 'BB'": {
        ("lib.branch", "different", ("extra",))
    },
    "UPDATE lib.category SET parent_id = 2 WHERE id = 20": {("lib.category", "different", ("parent_id",))},
    "UPDATE lib.household SET head_id = 12 WHERE id = 9": {("lib.household", "different", ("head_id",))},
    "UPDATE lib.member SET first_name = last_name, last_name = first_name WHERE id = 22": {
        ("lib.member", "different", ("first_name", "last_name"))
    },
    "UPDATE lib.member SET joined = NULL WHERE id = 23": {("lib.member", "different", ("joined",))},
    "UPDATE lib.book SET formats = '{{paper,audio}}' WHERE number = 2 AND branch_id = 2": {
        ("lib.book", "different", ("formats",))
    },
    "UPDATE lib.book b SET price = o.price FROM lib.book o WHERE b.number + o.number = 33 AND b.number IN (16, 17)"
    " AND b.branch_id = 1 AND o.branch_id = 1": {("lib.book", "different", ("price",))},
    "DELETE FROM lib.book_subject WHERE ctid = (SELECT min(ctid) FROM lib.book_subject)": {
        ("lib.book_subject", "missing", ())
    },
    "DELETE FROM lib.loan WHERE lent = (SELECT min(lent) FROM lib.loan)": {("lib.loan", "missing", ())},
    "UPDATE lib.visit SET hours = '(0,5]' WHERE ctid = (SELECT min(ctid) FROM lib.visit WHERE lower(hours) = 0)": {
        ("lib.visit", "missing", ()),
        ("lib.visit", "extra", ()),
    },
    "INSERT INTO lib.visit SELECT * FROM lib.visit WHERE ctid = (SELECT max(ctid) FROM lib.visit)": {
        ("lib.visit", "extra", ())
    },
    f'UPDATE {ODD} SET "a column whose name has exactly sixty three bytes, for a test 2" = \'b\' WHERE "SELECT" = 3': {
        (ODD, "different", ("a column whose name has exactly sixty three bytes, for a test 2",))
    },
}


async def _content(conn: Connection) -> dict[str, list[str]]:
    made = {"lib.branch": ["id"], "lib.book": ["id"]}
    return {table: await content(conn, table, without=made.get(table, ())) for table in TABLES}


async def test_planted_faults_are_found_and_repaired(libraries: Libraries) -> None:
    expected = {finding for found in FAULTS.values() for finding in found}
    async with connected(libraries.target) as conn:
        before = await _content(conn)
        for fault in FAULTS:
            assert await conn.execute(fault) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}, fault
        found = findings(await libraries.road.verify())
        assert {(table, kind, columns) for table, kind, _, columns in found} == expected
        mended = await libraries.road.repair(delete_extra=True)
        assert mended.after is not None
        assert findings(mended.after) == []
        assert await _content(conn) == before
        assert await constraints(conn) == libraries.constraints
    assert findings(await libraries.road.verify(exact=True)) == []


async def test_a_row_that_moved_away_comes_back_and_the_stranger_goes_where_that_is_wanted(libraries: Libraries) -> None:
    async with connected(libraries.target) as conn:
        before = await _content(conn)
        moved = await conn.fetchrow(
            "UPDATE lib.loan SET lent = lent + interval '2 years 1 hour' WHERE tableoid = 'lib.loan_2023'::regclass"
            " AND ctid = (SELECT min(ctid) FROM lib.loan_2023) RETURNING member_id, book_id, lent"
        )
        assert moved is not None
        found = findings(await libraries.road.verify())
        assert [(table, kind) for table, kind, *_ in found] == [("lib.loan", "missing"), ("lib.loan", "extra")]
        # No key map knows the new key: it may be the application's own row, and is deleted on the user's word only.
        mended = await libraries.road.repair()
        assert mended.after is not None
        assert [(table, kind) for table, kind, *_ in findings(mended.after)] == [("lib.loan", "extra")]
        assert [len(repaired.left) for repaired in mended.tables.values()] == [1]
        mended = await libraries.road.repair(delete_extra=True)
        assert [repaired.deleted for repaired in mended.tables.values()] == [1]
        assert await _content(conn) == before
    assert findings(await libraries.road.verify()) == []
