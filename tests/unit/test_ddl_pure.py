"""The parts of making DDL that need no server: order, grants, what is told of missing objects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crosswalk.ddl.grants import Grants, parsed
from crosswalk.ddl.lacking import difference
from crosswalk.ddl.steps import Step, ordered, step
from crosswalk.ddl.tables import options
from crosswalk.names import Name
from crosswalk.schema import Given, RelationKind, Schema, Table


def make(name: str, *after: str) -> Step:
    return step((name,), name, undo="", after=[(a,) for a in after])


def names(steps: list[Step]) -> list[str]:
    return [each.makes[0] for each in steps]


def test_what_is_needed_comes_first_and_the_rest_keeps_its_order() -> None:
    found, stuck = ordered([make("c", "a", "nobody's"), make("b"), make("a", "d"), make("d"), make("e")])
    assert names(found) == ["b", "d", "a", "c", "e"]
    assert stuck == []


def test_circles_and_what_waits_for_them_are_named() -> None:
    found, stuck = ordered([make("a", "b"), make("b", "a"), make("c", "a"), make("d")])
    assert (names(found), names(stuck)) == (["d"], ["a", "b", "c"])


@given(st.lists(st.tuples(st.integers(0, 12), st.sets(st.integers(0, 12)))))
def test_no_step_comes_before_what_it_needs(declared: list[tuple[int, set[int]]]) -> None:
    steps = list({n: make(str(n), *map(str, needs)) for n, needs in declared}.values())
    found, stuck = ordered(steps)
    place = {each.makes: at for at, each in enumerate(found)}
    assert all(place.get(key, -1) < place[each.makes] for each in found for key in each.after)
    assert len(found) + len(stuck) == len(steps)


def target(*roles: str, version: int = 180000, given: tuple[Given, ...] = ()) -> Schema:
    return Schema(
        server_version=version, database="d", role="me", tables={}, sequences={}, enums={}, domains={},
        roles=frozenset(roles), given=given,
    )


def test_grants_are_read_with_hostile_names() -> None:
    assert parsed(["=r/o", 'reader=ar*w/o', '"a=b/""c"""=X/"o=x"']) == {
        "": {"r"}, "reader": {"a", "r*", "w"}, 'a=b/"c"': {"X"},
    }


def test_grants_are_said_again_but_for_absent_roles_and_owners() -> None:
    found = Grants(target("reader")).of(
        "r", 'TABLE "t"', "s", acl=["boss=arwdDxtm/boss", "reader=ar*/boss", "gone=r/boss", "me=r/boss", "=d/boss"], owner="boss"
    )
    assert found.at_once == ()
    assert sorted(found.later) == [
        'GRANT DELETE ON TABLE "t" TO PUBLIC', 'GRANT INSERT ON TABLE "t" TO "reader"',
        'GRANT SELECT ON TABLE "t" TO "reader" WITH GRANT OPTION',
    ]
    assert found.absent == {"gone"}
    assert found.acl == ("=d/me", "me=arwdDxtm/me", "reader=ar*/me")


def test_maintain_is_left_out_where_it_does_not_exist() -> None:
    found = Grants(target("reader", version=160000)).of("r", "TABLE t", "s", acl=["o=arwdDxtm/o", "reader=rm/o"], owner="o")
    assert found.later == ('GRANT SELECT ON TABLE t TO "reader"',)
    assert found.acl == ("me=arwdDxt/me", "reader=r/me")


def test_what_birth_gives_away_is_taken_back() -> None:
    here = (Given(schema="s", kind="f", acl=("anon=X/me",)), Given(schema="other", kind="f", acl=("reader=X/me",)))
    found = Grants(target("anon", "reader", given=here)).of("f", "ROUTINE f()", "s", acl=["o=X/o", "reader=X/o"], owner="o")
    assert sorted(found.at_once) == ['REVOKE EXECUTE ON ROUTINE f() FROM "anon"', "REVOKE EXECUTE ON ROUTINE f() FROM PUBLIC"]
    assert found.later == ('GRANT EXECUTE ON ROUTINE f() TO "reader"',)


def test_nothing_is_said_where_nothing_was_granted() -> None:
    grants = Grants(target("reader"))
    assert grants.of("r", "TABLE t", "s", acl=[], owner="o") == grants.of("f", "ROUTINE f()", "s", acl=[], owner="o")


def test_storage_parameters_of_the_toast_table_keep_their_space() -> None:
    assert options(["fillfactor=70", "toast.autovacuum_enabled=false"]) == (
        "\"fillfactor\" = '70', \"toast\".\"autovacuum_enabled\" = 'false'"
    )


def test_a_missing_table_is_told() -> None:
    name = Name("public", "t")
    source = target()
    source.tables[name] = Table(name=name, kind=RelationKind.TABLE, columns=())  # type: ignore[index]
    assert difference(source, target(), [name]) == ["public.t is missing"]
