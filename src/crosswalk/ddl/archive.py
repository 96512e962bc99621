"""The archive: what of the target must make room, and how it goes there and comes back.

Tables whose names the source's tables need go into the archive whole: partitions, indexes, owned
sequences, statistics; so do tables that refer to them, for a foreign key cannot point to a table that
nobody fills. Types, functions and sequences that differ go along where only archived objects use
them. Nothing is dropped. Preserved tables never move, and nothing moves that their own definition
names: that would change it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from crosswalk.ddl.standing import Standing, types
from crosswalk.ddl.steps import Step, step
from crosswalk.ddl.wanted import VIEWS, Families, Wanted, function_thing, relation_thing, words_of
from crosswalk.names import Name, quote
from crosswalk.plan import Hazard
from crosswalk.schema import RelationKind, Schema, Table, Thing


@dataclass(frozen=True, kw_only=True)
class Cleared:
    """What makes room, what is in the way for good, and what can be used as it stands."""

    moved: dict[Name, Name] = field(default_factory=dict)
    """Relations by their old name."""
    things: dict[Thing, str] = field(default_factory=dict)
    """Types, functions, sequences: the schema each goes to."""
    reused: frozenset[Thing] = frozenset()
    skipped: frozenset[Name] = frozenset()
    """Views of the source whose name a preserved relation has."""
    steps: tuple[Step, ...] = ()
    """In order."""
    blockers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def cleared(wanted: Wanted, standing: Standing, *, preserved: Collection[Name], archive: str) -> Cleared:
    """What must go so that everything wanted can be made."""
    return _Clearing(wanted, standing, preserved, archive).done()


class _Clearing:
    def __init__(self, wanted: Wanted, standing: Standing, preserved: Collection[Name], archive: str) -> None:
        self._wanted = wanted
        self._standing = standing
        self._target = standing.target
        self._archive = archive
        self._families = Families(self._target)
        self._preserved = {table.name for table in self._families.of(preserved)}
        self._moved: dict[Name, Table] = {}
        self._blockers: list[str] = []
        self._warnings: list[str] = []

    def done(self) -> Cleared:
        skipped = self._clash()
        self._follow()
        reused, candidates = self._things()
        things = self._archivable(candidates)
        self._guard(things)
        self._name_readers(things)
        self._name_sharers(reused)
        homes = self._homes()
        moved = {name: Name(homes[name.schema], name.relation) for name in self._moved}
        where = {thing: homes.get(thing.name.schema, self._archive) for thing in things}
        return Cleared(
            moved=moved, things=where, reused=frozenset(reused), skipped=frozenset(skipped),
            steps=tuple(self._steps(moved, where)), blockers=tuple(self._blockers), warnings=tuple(self._warnings),
        )

    def _clash(self) -> set[Name]:
        """Relations whose very names are needed."""
        skipped: set[Name] = set()
        wanted = [*(t.name for t in self._wanted.relations), *self._wanted.of("type"), *(s.name for s in self._wanted.sequences)]
        views = {table.name for table in self._wanted.views}
        for name in wanted:
            found = self._target.tables.get(name)
            if found is None:
                continue
            if name in self._preserved:
                if name in views:
                    skipped.add(name)
                    self._warnings.append(f"the source's view {name} is left out: the target's is preserved")
                else:
                    self._blockers.append(f"{name} is preserved in the target, and the source has one of that name")
            elif found.extension is not None:
                self._blockers.append(f"{name} belongs to the target's extension {found.extension}")
            else:
                self._take(found)
        return skipped

    def _take(self, table: Table) -> None:
        """A table and its partitions make room."""
        for each in self._families.of([table.name]):
            if each.name in self._preserved:
                self._blockers.append(f"{each.name} is preserved, and {table.name}, which it is a part of, would be archived")
            else:
                self._moved[each.name] = each

    def _follow(self) -> None:
        """Tables that refer to archived ones, or inherit from them, are archived too, and so on."""
        leaning: defaultdict[Name, dict[Name, str]] = defaultdict(dict)
        for table in self._target.tables.values():
            for key in table.constraints:
                if key.references is not None and not key.inherited:
                    leaning[key.references].setdefault(table.name, f"refers to {key.references} ({key.name})")
            for parent in table.inherits:
                leaning[parent].setdefault(table.name, f"inherits from {parent}")
        waiting = sorted(self._moved)
        while waiting:
            name = waiting.pop()
            for other, why in sorted(leaning[name].items()):
                root = self._root(other)
                if root in self._moved or other in self._moved:
                    continue
                if other in self._preserved:
                    self._blockers.append(f"{other} is preserved and {why}, which would be archived")
                    continue
                before = set(self._moved)
                self._take(self._target.tables[root])
                waiting += sorted(set(self._moved) - before)
                self._warnings.append(f"{root} is archived too: {other} {why}")

    def _root(self, name: Name) -> Name:
        table = self._target.tables[name]
        while table.partition_of is not None:
            table = self._target.tables[table.partition_of]
        return table.name

    def _things(self) -> tuple[set[Thing], set[Thing]]:
        """What of types, functions and sequences stands and is equal, and what differs and must make room."""
        source, standing = self._wanted.source, self._standing
        reused: set[Thing] = set()
        candidates: set[Thing] = set()

        def judge(thing: Thing, *, equal: bool, occupant: Thing) -> None:
            (reused if equal else candidates).add(thing if equal else occupant)

        theirs = types(source)
        for name in [*self._wanted.of("type"), *(table.name for table in self._wanted.relations)]:
            thing = Thing(kind="type", name=name)
            if name in standing.types:
                judge(thing, equal=name in theirs and standing.same_type(name, theirs[name]), occupant=thing)
        for function in self._wanted.functions:
            occupant = standing.function(function)
            if occupant is not None:
                wanted = Thing(kind="function", name=function.name, arguments=function.arguments)
                judge(wanted, equal=standing.same_function(function), occupant=occupant)
        for name in [*(s.name for s in self._wanted.sequences), *(table.name for table in self._wanted.relations)]:
            found = self._target.sequences.get(name)
            if found is not None and found.owner_table is None:
                thing = Thing(kind="sequence", name=name)
                mine = source.sequences.get(name)
                equal = mine is not None and mine.owner_table is None and standing.same_sequence(mine)
                judge(thing, equal=equal, occupant=thing)
        for name in self._wanted.of("collation"):
            there = self._target.collations.get(name)
            if there is not None:
                thing = Thing(kind="collation", name=name)
                judge(thing, equal=there.definition == source.collations[name].definition, occupant=thing)
        return self._without_leaning(reused, candidates)

    def _without_leaning(self, reused: set[Thing], candidates: set[Thing]) -> tuple[set[Thing], set[Thing]]:
        """What is equal but stands on something that makes room would follow it: it makes room as well."""
        waiting = [*candidates, *map(relation_thing, self._moved)]
        while waiting:
            leaning = self._standing.users(waiting.pop()) & reused
            reused -= leaning
            candidates |= leaning
            waiting += leaning
        return reused, candidates

    def _archivable(self, candidates: set[Thing]) -> list[Thing]:
        """Of what differs: that which only archived objects use. The rest is a blocker each."""
        left = set(candidates)
        following = self._following()
        for name in sorted(following):
            self._warnings.append(f"the view {name} stays and reads the archived tables from now on")
        while True:
            bad = {thing: self._other_users(thing, left, following) for thing in left}
            stuck = {thing: users for thing, users in bad.items() if users}
            if not stuck:
                return sorted(left, key=lambda t: (_RANK.index(t.kind), t))
            for thing, users in sorted(stuck.items()):
                names = ", ".join(str(user) for user in sorted(users)[:5])
                self._blockers.append(f"the target's {thing.kind} {thing} differs from the source's, and {names} uses it")
                left.discard(thing)

    def _other_users(self, thing: Thing, left: set[Thing], following: set[Name]) -> set[Thing]:
        return {
            user for user in self._standing.users(thing)
            if user not in left
            and not (user.kind == "relation" and (user.name in self._moved or user.name in following))
        }

    def _following(self) -> set[Name]:
        """Views that stay and stand on archived relations."""
        found: set[Name] = set()
        waiting = list(self._moved)
        while waiting:
            for user in self._standing.users(relation_thing(waiting.pop())):
                table = self._target.tables.get(user.name) if user.kind == "relation" else None
                if table is None or table.kind not in VIEWS or user.name in found or user.name in self._moved:
                    continue
                if user.name not in self._preserved:
                    found.add(user.name)
                    waiting.append(user.name)
        return found

    def _guard(self, things: Collection[Thing]) -> None:
        """Preserved tables whose definition names something that moves; functions that stay and stand on it."""
        moving = {relation_thing(name) for name in self._moved} | set(things)
        moving |= {Thing(kind="sequence", name=s.name) for name in self._moved for s in self._standing.owned(name)}
        for need in self._target.needs:
            if need.on not in moving or need.part.startswith("foreign key "):
                continue
            if need.thing.kind == "relation" and need.thing.name in self._preserved:
                self._blockers.append(f"{need.thing} is preserved and needs {need.on}, which would be archived")
            elif need.thing.kind == "function" and need.thing not in moving:
                self._warnings.append(f"the function {need.thing} stays and works on the archived {need.on} from now on")
        owners = self._standing.owners()
        for thing in sorted(things):
            if owners[thing] not in self._target.acts_as:
                self._blockers.append(f"{thing} must be archived and belongs to {owners[thing]}, not to {self._target.role}")
        for name, table in sorted(self._moved.items()):
            if "OWNER" not in table.privileges:
                self._blockers.append(f"{name} must be archived and belongs to {table.owner}, not to {self._target.role}")

    def _name_readers(self, things: Collection[Thing]) -> None:
        """Functions that stay and find a table by its name: from now on another one."""
        short = {name.relation for name in self._moved}
        readers = [
            thing for function in self._target.functions
            if (thing := function_thing(function)) not in things and short & words_of(function.definition)
        ]
        if readers:
            names = ", ".join(map(str, readers[:10])) + (" …" if len(readers) > 10 else "")
            self._warnings.append(f"{len(readers)} functions of the target name tables that are archived: {names}")

    def _name_sharers(self, reused: Collection[Thing]) -> None:
        """Tables that stay and draw from a sequence that ours will draw from: it would be moved under them."""
        for thing in sorted(each for each in reused if each.kind == "sequence"):
            for user in sorted(self._standing.users(thing)):
                if user.kind != "relation" or user.name in self._moved:
                    continue
                if user.name in self._preserved:
                    said = f"{user} is preserved and draws from the sequence {thing}, from which the source's tables would draw too"
                    self._blockers.append(said)
                else:
                    self._warnings.append(f"the sequence {thing} stays as it is, and {user} draws from it too")

    def _homes(self) -> dict[str, str]:
        """The archive for each schema: one for all, and further ones where names would meet."""
        taken: list[set[str]] = []
        homes: dict[str, str] = {}
        held: defaultdict[str, set[str]] = defaultdict(set)
        for name, table in self._moved.items():
            held[name.schema] |= {each.relation for each in self._standing.held(table)}
        for schema in sorted(held):
            place = next((i for i, names in enumerate(taken) if not names & held[schema]), len(taken))
            if place == len(taken):
                taken.append(set())
            taken[place] |= held[schema]
            homes[schema] = self._archive if not place else f"{self._archive}_{place + 1}"
        return homes

    def _steps(self, moved: dict[Name, Name], things: dict[Thing, str]) -> Iterator[Step]:
        schemas = dict.fromkeys([*(name.schema for name in moved.values()), *things.values()])
        for schema in schemas:
            yield _move(("archive", schema), f"CREATE SCHEMA {quote(schema)}", f"DROP SCHEMA {quote(schema)}")
        for thing, schema in things.items():
            if thing.kind == "function":
                yield _thing(thing, schema)
        for name, there in moved.items():
            yield from _relation(self._target, name, there)
        for thing, schema in things.items():
            if thing.kind != "function":
                yield _thing(thing, schema)


_RANK = ("function", "sequence", "type", "collation")
_WORDS = {"function": "ROUTINE", "sequence": "SEQUENCE", "type": "TYPE", "collation": "COLLATION"}
_RELATIONS = {
    RelationKind.VIEW: "VIEW", RelationKind.MATERIALIZED_VIEW: "MATERIALIZED VIEW", RelationKind.FOREIGN: "FOREIGN TABLE",
}


def _move(makes: tuple[str, ...], sql: str | list[str], undo: str | Iterable[str], table: Name | None = None) -> Step:
    back = undo if isinstance(undo, str) else ";\n".join(undo)
    return step(makes, sql, undo=back, table=table, kind="archive", hazard=Hazard.ARCHIVES_TABLES)


def _relation(schema: Schema, name: Name, there: Name) -> Iterator[Step]:
    table = schema.tables[name]
    word = _RELATIONS.get(table.kind, "TABLE")
    sql = [f"ALTER {word} {name.sql} SET SCHEMA {quote(there.schema)}"]
    undo = [f"ALTER {word} {there.sql} SET SCHEMA {quote(name.schema)}"]
    for each in table.statistics:
        sql.append(f"ALTER STATISTICS {each.name.sql} SET SCHEMA {quote(there.schema)}")
        away = Name(there.schema, each.name.relation)
        undo.append(f"ALTER STATISTICS {away.sql} SET SCHEMA {quote(each.name.schema)}")
    yield _move(("archive", str(name)), sql, undo, name)


def _thing(thing: Thing, schema: str) -> Step:
    arguments = f"({thing.arguments})" if thing.kind == "function" else ""
    word = _WORDS[thing.kind]
    there = Name(schema, thing.name.relation)
    return _move(
        ("archive", str(thing)),
        f"ALTER {word} {thing.name.sql}{arguments} SET SCHEMA {quote(schema)}",
        f"ALTER {word} {there.sql}{arguments} SET SCHEMA {quote(thing.name.schema)}",
    )
