"""Drafts of mapping documents, held against those that people wrote and reviewed.

Agreement is strict: for each target column of the reviewed document the draft has a rule of the same kind with
the same columns, tables, zones, labels and expressions (white space and quotes of names aside, and what a lookup
does with what it does not find). Whether a rule is accepted or proposed does not count there; what is accepted
must be right, without exception.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest

from crosswalk.checking import check
from crosswalk.embedded import Server
from crosswalk.mapping import Document, Lookup, MappingFile, Rule, Take, Zone, read_mapping, read_text
from crosswalk.matching import Matched, match
from crosswalk.names import Name, parse
from crosswalk.survey import Servers
from examples.salon.data import Dataset, load_source, load_target
from tests.road import Connection, connected
from tests.servers import MakeRole, sql

ROOT = Path(__file__).parents[2]
SALON = ROOT / "examples" / "salon" / "crosswalk.yaml"
PAIR = ROOT / "tests" / "pair"
LEAST = 0.8

Fill = Callable[[Connection], Coroutine[Any, Any, object]]


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """Two databases, their draft, and the reviewed document."""

    servers: Servers
    matched: Matched
    file: MappingFile
    """The reviewed document."""

    @property
    def reviewed(self) -> Document:
        return self.file.document

    @cached_property
    def document(self) -> Document:
        return read_text(self.matched.text).document

    @cached_property
    def accepted(self) -> dict[tuple[Name, str], Rule]:
        return {
            (name, column): rule
            for name, table in self.document.by_target.items()
            for column, rule in table.columns.items()
            if rule.status == "accepted"
        }

    def rule(self, table: str, column: str) -> Rule:
        return self.document.by_target[parse(table)].columns[column]

    def asked(self, place: str) -> set[str]:
        return {q.code for q in self.matched.draft.questions if place in q.places}


def _salon(dataset: Dataset) -> tuple[Fill, Fill, Path]:
    return partial(load_source, dataset=dataset), partial(load_target, dataset=dataset), SALON


def _script(path: Path) -> Fill:
    text = path.read_text()

    async def fill(conn: Connection) -> None:
        await conn.execute(text)

    return fill


CASES: Mapping[str, tuple[Fill, Fill, Path]] = {
    "default": _salon("default"),
    "traps": _salon("traps"),
    "pair": (_script(PAIR / "source.sql"), _script(PAIR / "target.sql"), PAIR / "crosswalk.yaml"),
}


async def _draft(urls: tuple[str, str], fills: tuple[Fill, Fill]) -> Matched:
    for url, fill in zip(urls, fills, strict=True):
        async with connected(url) as conn:
            await fill(conn)
    return await match(Servers(source=urls[0], target=urls[1]))


@pytest.fixture(scope="module", params=CASES)
def drafted(request: pytest.FixtureRequest, pg16: Server, pg18: Server, make_role: MakeRole) -> Iterator[Drafted]:
    case = str(request.param)
    source, target, reviewed = CASES[case]
    urls = []
    for server in (pg16, pg18):
        role = make_role(server)
        sql(server, f'CREATE DATABASE "match_{case}" OWNER "{role.name}"')
        urls.append(role.url(server, f"match_{case}"))
    with ThreadPoolExecutor(max_workers=1) as pool:
        made = pool.submit(lambda: asyncio.run(_draft((urls[0], urls[1]), (source, target)))).result()
    yield Drafted(
        servers=Servers(source=urls[0], target=urls[1]), matched=made, file=read_mapping(reviewed)
    )
    for server in (pg16, pg18):
        sql(server, f'DROP DATABASE "match_{case}" WITH (FORCE)')


on_salon = pytest.mark.parametrize("drafted", ["default", "traps"], indirect=True)
on_pair = pytest.mark.parametrize("drafted", ["pair"], indirect=True)


def said(rule: Rule) -> Any:
    """What a rule does, to be compared."""
    match rule.kind:
        case "sql":
            return "sql", re.sub(r"\s+", " ", rule.sql.replace('"', "").replace("pg_catalog.", ""))  # type: ignore[union-attr]
        case "lookup":
            assert isinstance(rule, Lookup)
            to = rule.lookup
            return "lookup", to.table, to.take, [{k: said(v) for k, v in m.items()} for m in to.matches]
        case "map" | "zone":
            content = rule.model_dump(by_alias=True, include={"map", "else_", "zone"})
            return rule.kind, content, said(rule.from_)  # type: ignore[union-attr]
        case "agree":
            return "agree", sorted(rule.agree)  # type: ignore[union-attr]
        case _:
            about = {"why", "confidence", "evidence", "status", "secret"}
            return rule.kind, rule.model_dump(by_alias=True, exclude=about)


def compare(draft: Document, reviewed: Document) -> tuple[int, dict[str, tuple[Any, Any]]]:
    """How many rules were reviewed, and those that the draft does not have: (reviewed, drafted)."""
    wrong = {}
    for name, table in reviewed.by_target.items():
        mine = draft.by_target.get(name)
        for column, rule in table.columns.items():
            found = mine.columns.get(column) if mine is not None and mine.source == table.source else None
            if found is None or said(found) != said(rule):
                wrong[f"{name}.{column}"] = (said(rule), said(found) if found else None)
    return sum(len(t.columns) for t in reviewed.by_target.values()), wrong


EXPECTED = {
    "public.companies.phone", "public.companies.marketplace_connected_at", "public.companies.settings",
    "public.companies.is_active", "public.companies.subscription_status", "public.clients.phone",
    "public.clients.is_deleted", "public.services.duration", "public.staff.phone", "public.staff.is_hidden",
    "public.staff_schedules.created_at", "public.bookings.client_id",
    "public.bookings.status", "public.bookings.source", "public.dialog_contexts.phone",
    "public.dialog_contexts.company_id", "public.dialog_contexts.context", "public.dialog_contexts.current_step",
    "lib.branch.extra", "lib.book.language", "lib.book.bought", "lib.book.extra", "lib.loan.open",
    "lib.member.household_id",
    '"Новая схема"."Таблица ""раз"", с точкой."."quote "" and \' and \\"',
    '"Новая схема"."Таблица ""раз"", с точкой."."%(x)s"',
}
"""Where a draft may differ: what only a person knows. A new disagreement is told by name."""


def test_the_draft_agrees_with_what_people_reviewed(drafted: Drafted) -> None:
    rules, wrong = compare(drafted.document, drafted.reviewed)
    told = "\n".join(f"{place}: reviewed {a}, drafted {b}" for place, (a, b) in wrong.items())
    assert (rules - len(wrong)) / rules >= LEAST, f"{rules - len(wrong)} of {rules}\n{told}"
    strange = {p for p in wrong if p not in EXPECTED and "раз" not in p}
    assert not strange, told


def test_what_people_left_behind_is_listed_and_not_dropped(drafted: Drafted) -> None:
    listed = {(t.target, column) for t in drafted.matched.draft.tables for column in t.undecided}
    read = {
        (name, column)
        for name, table in drafted.document.by_target.items()
        for rule in table.columns.values()
        for column in rule.reads()
    }
    for name, table in drafted.reviewed.by_target.items():
        mine = drafted.document.by_target[name]
        for column in table.drop:
            assert (name, column) in listed | read or mine.drop, f"{name}.{column} is nowhere"
            assert column in drafted.matched.text


def test_what_is_accepted_is_right(drafted: Drafted) -> None:
    wrong = {}
    for (name, column), rule in drafted.accepted.items():
        table = drafted.reviewed.by_target.get(name)
        assert table is not None, f"{name} was not meant to be filled, and {column} is accepted"
        reviewed = table.columns[column]
        if said(rule) != said(reviewed) and not _same_by_id(rule, reviewed, drafted.document):
            wrong[f"{name}.{column}"] = (said(reviewed), said(rule))
    assert not wrong


def _same_by_id(rule: Rule, reviewed: Rule, document: Document) -> bool:
    """A column, and a lookup of it in the very column that feeds what is taken: the same value."""
    if not isinstance(rule, Take) or not isinstance(reviewed, Lookup):
        return False
    to = reviewed.lookup
    parent = next(t for t in document.by_target.values() if str(t.source) == to.table and to.take in t.columns)
    fed = parent.columns[to.take]
    return isinstance(fed, Take) and said(reviewed)[3] == [{fed.column: said(rule)}]


def test_the_draft_is_read_and_its_problems_are_what_is_open(drafted: Drafted) -> None:
    checked = asyncio.run(check(read_text(drafted.matched.text), drafted.servers))
    codes = {p.code for p in checked.problems}
    assert codes <= {"table.undecided", "column.unaccounted", "column.unfed", "rule.impossible"}, checked.problems
    undecided = {(t.target, c) for t in drafted.matched.draft.tables for c in t.undecided}
    said_of = [p.message for p in checked.problems if p.code == "column.unaccounted"]
    assert len(said_of) <= len(undecided)


def test_the_same_input_gives_the_same_bytes(drafted: Drafted) -> None:
    again = asyncio.run(match(drafted.servers))
    assert again.text == drafted.matched.text


def test_an_untouched_draft_is_updated_to_itself(drafted: Drafted) -> None:
    again = asyncio.run(match(drafted.servers, update=read_text(drafted.matched.text)))
    assert again.text == drafted.matched.text


def test_what_people_reviewed_is_left_as_it_stands(drafted: Drafted) -> None:
    again = asyncio.run(match(drafted.servers, update=drafted.file))
    kept = [line for line in again.text.splitlines() if not re.match(r" *#\?|fingerprints: ", line)]
    assert kept == drafted.file.text.splitlines()


@on_salon
@pytest.mark.parametrize(
    ("table", "column", "wrong"),
    [
        ("companies", "settings", "raw_data"), ("clients", "is_deleted", "blacklisted"),
        ("clients", "loyalty_card", "loyalty_level"), ("companies", "subscription_status", "integration_status"),
        ("clients", "company_id", "company_id"), ("services", "company_id", "company_id"),
        ("staff", "company_id", "company_id"), ("bookings", "company_id", "company_id"),
        ("bookings", "staff_id", "staff_id"), ("staff_schedules", "staff_id", "staff_id"),
        ("services", "duration", "duration"), ("bookings", "duration", "duration"), ("bookings", "status", "status"),
        ("dialog_contexts", "company_id", "company_id"),
    ],
)  # fmt: skip
def test_false_friends_are_not_even_proposed(drafted: Drafted, table: str, column: str, wrong: str) -> None:
    rule = drafted.document.by_target[Name("public", table)].columns.get(column)
    assert rule is None or said(rule) != ("column", {"column": wrong})


@on_salon
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("companies", "settings"), ("companies", "is_active"), ("companies", "subscription_status"),
        ("companies", "phone"), ("companies", "marketplace_connected_at"), ("clients", "phone"),
        ("clients", "is_deleted"), ("clients", "loyalty_card"), ("clients", "synced_at"), ("services", "duration"),
        ("staff", "is_hidden"), ("staff", "phone"), ("staff_schedules", "company_id"),
        ("staff_schedules", "staff_id"), ("staff_schedules", "updated_at"), ("bookings", "client_id"),
        ("bookings", "service_id"), ("bookings", "datetime"), ("bookings", "created_at"), ("bookings", "duration"),
        ("bookings", "status"), ("bookings", "source"), ("bookings", "paid"), ("dialog_contexts", "phone"),
        ("dialog_contexts", "company_id"), ("dialog_contexts", "current_step"), ("dialog_contexts", "context"),
    ],
)  # fmt: skip
def test_what_only_a_person_knows_is_not_accepted(drafted: Drafted, table: str, column: str) -> None:
    assert (Name("public", table), column) not in drafted.accepted


@on_salon
def test_tables_that_share_a_name_only_are_not_mapped(drafted: Drafted) -> None:
    for name in ("appointments_cache", "reminders", "sync_status"):
        assert Name("public", name) not in drafted.document.by_target
        assert {"table.unfed"} == {
            q.code for q in drafted.matched.draft.questions if f"public.{name}" in q.places and q.code != "table.left"
        }
    messages = [rule for (name, _), rule in drafted.accepted.items() if name == Name("public", "messages")]
    assert not messages


@on_salon
def test_live_tables_without_a_source_are_asked_about_and_not_preserved_in_silence(drafted: Drafted) -> None:
    assert not drafted.document.preserve
    for name in ("whatsapp_auth", "whatsapp_keys"):
        assert drafted.asked(f"public.{name}") == {"table.preserve"}


@on_salon
def test_a_vendors_number_becomes_a_lookup_also_where_name_and_type_agree(drafted: Drafted) -> None:
    lookup = said(drafted.rule("public.clients", "company_id"))
    assert lookup == ("lookup", "public.companies", "id", [{"company_id": ("column", {"column": "company_id"})}])
    both = {"yclients_id": ("column", {"column": "staff_id"}), "company_id": ("column", {"column": "company_id"})}
    assert said(drafted.rule("public.bookings", "staff_id")) == ("lookup", "public.staff", "id", [both])
    through = [{"yclients_id": ("column", {"column": "staff_id"})}]
    assert said(drafted.rule("public.staff_schedules", "company_id")) == ("lookup", "public.staff", "company_id", through)


@on_salon
def test_two_zones_in_one_row_are_told_apart(drafted: Drafted) -> None:
    zones = {
        column: rule.zone
        for column, rule in drafted.document.by_target[Name("public", "bookings")].columns.items()
        if isinstance(rule, Zone)
    }
    assert zones == {"datetime": "Europe/Moscow", "created_at": "UTC", "updated_at": "UTC", "synced_at": "UTC"}


@on_salon
def test_no_value_of_a_row_is_written_down(drafted: Drafted) -> None:
    text = drafted.matched.text + "".join(q.text + q.offer for q in drafted.matched.draft.questions)
    for value in ("700123", "79990000", "example.com", "synthetic", "59801", "2890001", "Выдуманск", "Птица"):
        assert value not in text, value


@on_pair
def test_a_zone_of_which_nothing_speaks_is_asked_for(drafted: Drafted) -> None:
    assert "bought" not in drafted.document.by_target[Name("lib", "book")].columns
    assert drafted.asked("lib.book.bought") == {"zone"}


@on_pair
def test_a_list_becomes_rows_and_columns_that_go_elsewhere_are_dropped_with_that_reason(drafted: Drafted) -> None:
    lists = drafted.document.by_target[Name("lib", "book_subject")]
    assert lists.columns["subject"].kind == "unnest"
    assert lists.where is not None
    assert {d.why for d in lists.drop.values()} == {"it goes to lib.book"}


@pytest.mark.parametrize("drafted", ["default"], indirect=True)
def test_explain_tells_candidates_rule_and_questions(drafted: Drafted) -> None:
    [target] = drafted.matched.explain("clients.loyalty_card")
    assert [c.source.name for c in target.candidates][:1] == ["loyalty_level"]
    assert target.candidates[0].reasons[0].startswith("name 0.")
    assert target.rules[0][1].rule == {"value": None}
    both = drafted.matched.explain("public.bookings.datetime")
    assert [e.side for e in both] == ["target", "source"]
    assert both[1].rules[0][1].rule["zone"] == "Europe/Moscow"
    assert drafted.matched.explain("clients.blacklisted")[0].rules == ()
