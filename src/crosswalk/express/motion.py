"""The keyed motion of one target table: every SQL text that runs on the source.

Copy, verify, repair and the counts of accounting all select from the same relation (see `relation`),
and so speak of the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from crosswalk.express.casts import canonical, row_hash, to_wire
from crosswalk.express.facts import EVERYTHING, Key, Moment, Selection
from crosswalk.express.lookups import REJECT
from crosswalk.express.parts import Wire
from crosswalk.express.relation import Relation, among
from crosswalk.express.values import PAIRS
from crosswalk.mapping import Lookup
from crosswalk.names import array_literal, literal, quote, quote_list

BUCKETS = 1024
LOSER = '"cw$loser"'
_ARGUMENTS = 90
"""A function takes at most 100."""


class Motion(Relation):
    """One target table's motion.

    `outer` names the tables inside whose motions this one is compiled as a lookup's parent: a lookup
    back to one of them is cut (it finds nothing and complains of nothing), else it would never end.
    """

    @property
    def wires(self) -> tuple[Wire, ...]:
        """What travels for the target's own columns, in order."""
        return tuple(w for f in self.fed for w in f.wires)

    def extract(
        self, selection: Selection, moment: Moment, *, keyed: bool, without: tuple[Key, ...] = (), binary: bool = False
    ) -> str:
        """The rows that fit, but for those `without`. `keyed` adds the source's identity and `cw$loser` and keeps the losers in.

        `binary`: they go into a binary COPY, and some columns may come as the bytes that such a one is made of.
        """
        broken = {**moment.broken, self.name: without}
        moment = replace(moment, broken=broken)
        columns = [quote(w.name) for w in self.wires]
        if binary:
            columns = [self._sent.get(w.name, quote(w.name)) for w in self.wires]
        if keyed:
            columns += [f"{to_wire(quote(w.name), w.type)} AS {quote(w.name)}" for w in self.key_wires]
            columns.append(f"({self._is_loser(moment)}) AS {LOSER}")
        where = f"{REJECT} = 0" + ("" if keyed or not moment.of(self.name) else f" AND NOT ({self._is_loser(moment)})")
        listed = ", ".join(columns)
        return f'SELECT {listed} FROM ({self.judged(selection, moment)}) AS "cw$judged" WHERE {where}'

    def evaluated(self, selection: Selection, moment: Moment) -> str:
        """A number for whose sake every rule's value is computed, and every cast of what fits."""
        computed = f"CASE WHEN {REJECT} = 0 THEN {row_hash(self.image())} ELSE {REJECT} END"
        return f'SELECT sum({computed}) FROM ({self.judged(selection, moment)}) AS "cw$judged"'

    @property
    def joins(self) -> bool:
        """True where rows are looked up in other tables."""
        return bool(self._joined)

    @property
    def computes_before_it_joins(self) -> bool:
        """True where the level `row` computes values, whatever is joined to it later."""
        return self._computes and self.joins

    def computed_rows(self, selection: Selection, moment: Moment) -> str:
        """A number for whose sake the values of the level `row` are computed, without what lookups find."""
        rows = self.rows(selection, without=moment.broken.get(self.name, ()))
        return f'SELECT count("cw$row") FROM ({rows}) AS "cw$row"'

    def fitting(self, selection: Selection, moment: Moment) -> str:
        """All columns of all levels of the rows that land in the target.

        Fenced: a condition that others put on these rows must not be asked of a row whose values raise.
        """
        where = f"{REJECT} = 0" + (f" AND NOT ({self._is_loser(moment)})" if moment.of(self.name) else "")
        return f'SELECT * FROM ({self.judged(selection, moment)}) AS "cw$judged" WHERE {where} OFFSET 0'

    def key_json(self) -> str:
        """The source row's identity as a jsonb array of texts."""
        return _json_array(quote(w.name) for w in self.key_wires)

    def target_key_json(self) -> str:
        """The target key as a jsonb array of canonical texts."""
        return _json_array(canonical(quote(w.name), w.type) for f in self.key_fed() for w in f.wires)

    def losing(self, moment: Moment) -> str:
        """Identity (as texts) of each row that loses to another of its key, policy aside."""
        keys = quote_list(self.key_names())
        listed = ", ".join(f"{quote(w.name)}::pg_catalog.text" for w in self.key_wires)
        return (
            f"SELECT {listed} FROM (SELECT *, pg_catalog.row_number() OVER (PARTITION BY {keys} ORDER BY {self.preference()})"
            f' AS "cw$place" FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged" WHERE {REJECT} = 0) AS "cw$placed"'
            ' WHERE "cw$place" > 1'
        )

    def lost(self, moment: Moment) -> str:
        """Identity (as texts) of each row that is set aside for what its lookups found."""
        numbers = [
            c.number
            for c in (*self.conditions, *self.forsaken(moment))
            if c.code == "check" or isinstance(self.mapping.columns.get(c.column or ""), Lookup)
        ]
        listed = ", ".join(f"{quote(w.name)}::pg_catalog.text" for w in self.key_wires)
        among = f"{REJECT} IN ({', '.join(map(str, numbers))})" if numbers else "false"
        return f'SELECT {listed} FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged" WHERE {among} ORDER BY 1'

    def doubled(self, moment: Moment) -> str:
        """Whether any target key has several rows (one boolean)."""
        keys = quote_list(self.key_names())
        return (
            f'SELECT EXISTS (SELECT FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged" WHERE {REJECT} = 0'
            f" GROUP BY {keys} HAVING count(*) > 1)"
        )

    def tally(self, moment: Moment, *, samples: int = 0) -> str:
        """Source rows by what becomes of them: (reject number or 0, merged, distinct source rows, rows written).

        A source row that gives at least one fitting row counts as 0; one that gives none counts under its
        first condition, or as merged where every row that it gives loses. `samples` keys of each group of those set
        aside come as `keys` where the rule does not unnest: the rows are read only once.
        """
        identity = quote_list(f"cw$k{i}" for i in range(len(self.identity)))
        inner = (
            f"SELECT {REJECT}, ({self._is_loser(moment)}) AS {LOSER}, {identity}, {self._computed()} AS computed"
            f' FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged"'
        )
        if not self.unnests:
            listed = f", (pg_catalog.array_agg({self.key_json()}::pg_catalog.text) FILTER (WHERE {REJECT} <> 0))[1:{samples}] AS keys"
            return (
                f"SELECT {REJECT}{listed if samples else ''}, {LOSER} AND {REJECT} = 0 AS merged, count(*) AS rows,"
                " sum(computed) AS computed,"
                f' count(*) FILTER (WHERE {REJECT} = 0 AND NOT {LOSER}) AS written FROM ({inner}) AS "cw$fate"'
                f" GROUP BY {REJECT}, merged"
            )
        fate = (
            f"SELECT CASE WHEN pg_catalog.bool_or({REJECT} = 0) THEN 0 ELSE min({REJECT}) END AS {REJECT},"
            f" pg_catalog.bool_or({REJECT} = 0) AND NOT pg_catalog.bool_or({REJECT} = 0 AND NOT {LOSER}) AS merged,"
            f" count(*) FILTER (WHERE {REJECT} = 0 AND NOT {LOSER}) AS written, sum(computed) AS computed"
            f' FROM ({inner}) AS "cw$each" GROUP BY {identity}'
        )
        return (
            f"SELECT {REJECT}, merged, count(*) AS rows, sum(written)::bigint AS written, sum(computed) AS computed"
            f' FROM ({fate}) AS "cw$fate" GROUP BY 1, 2'
        )

    def elements(self, moment: Moment) -> str:
        """(reject number, elements) left out of rows of which another element fits."""
        identity = quote_list(f"cw$k{i}" for i in range(len(self.identity)))
        each = (
            f"SELECT {REJECT}, pg_catalog.bool_or({REJECT} = 0) OVER (PARTITION BY {identity}) AS fits"
            f' FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged"'
        )
        return f'SELECT {REJECT}, count(*) AS rows FROM ({each}) AS "cw$each" WHERE fits AND {REJECT} <> 0 GROUP BY 1'

    def _computed(self) -> str:
        """Something for whose sake the server computes every SQL rule of a row that fits, so that none raises later."""
        wires = [
            quote(w.name)
            for f in self.fed
            if any(True for _ in self.mapping.columns[f.column.name].expressions())
            for w in f.wires
        ]
        parts = [", ".join(wires[i : i + _ARGUMENTS]) for i in range(0, len(wires), _ARGUMENTS)]
        counted = " + ".join(f"pg_catalog.num_nulls({part})" for part in parts) or "0"
        return f"CASE WHEN {REJECT} = 0 THEN {counted} END"

    def sampled(self, moment: Moment, count: int) -> str:
        """(reject number, key) of a few rows for each condition."""
        each = f"SELECT {REJECT}, {self.key_json()}::text AS key, pg_catalog.row_number() OVER (PARTITION BY {REJECT}) AS n"
        rows = f'{each} FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged" WHERE {REJECT} <> 0'
        return f'SELECT {REJECT}, key FROM ({rows}) AS "cw$sampled" WHERE n <= {count} ORDER BY {REJECT}, n'

    def identity_doubled(self) -> str:
        """How many identities are shared by several source rows or hold a NULL."""
        names = quote_list(name for name, _ in self.identity)
        null = " OR ".join(f"{quote(name)} IS NULL" for name, _ in self.identity)
        return (
            f"SELECT count(*) FROM (SELECT FROM {self.source.name.sql} GROUP BY {names}"
            f" HAVING count(*) > 1 OR pg_catalog.bool_or({null})) AS doubled"
        )

    def total(self) -> str:
        """All rows of the source table."""
        return f"SELECT count(*) FROM {self.source.name.sql}"

    def filtered(self) -> str:
        """Rows that `where` leaves out."""
        alias = quote(self.source.name.relation)
        if self.mapping.where is None:
            return "SELECT 0::bigint"
        return (
            f"SELECT count(*) FROM {self.source.name.sql} AS {alias} WHERE (({self.mapping.where.sql}\n)) IS NOT TRUE"
        )

    def boundaries(self, rows: int) -> str:
        """Every `rows`-th identity in order, as texts."""
        names = [quote(name) for name, _ in self.identity]
        listed = ", ".join(f"{n}::pg_catalog.text" for n in names)
        order = ", ".join(names)
        return (
            f'SELECT {listed} FROM (SELECT {order}, pg_catalog.row_number() OVER (ORDER BY {order}) AS "cw$n"'
            f' FROM {self.source.name.sql}) AS "cw$numbered" WHERE "cw$n" % {rows} = 0 ORDER BY "cw$n"'
        )

    def identities(self, selection: Selection) -> str:
        """The identities in a selection, in order, as `cw$k0` …"""
        alias = quote(self.source.name.relation)
        names = [f"{alias}.{quote(name)}" for name, _ in self.identity]
        listed = ", ".join(f"{name} AS {quote(f'cw$k{i}')}" for i, name in enumerate(names))
        return f"SELECT {listed} FROM {self.source.name.sql} AS {alias}{self._where(selection)} ORDER BY {', '.join(names)}"

    def keys(self, selection: Selection) -> str:
        """The identities in a selection, in order, as texts."""
        alias = quote(self.source.name.relation)
        names = [f"{alias}.{quote(name)}" for name, _ in self.identity]
        listed = ", ".join(f"{n}::pg_catalog.text" for n in names)
        where = self._where(selection)
        return f"SELECT {listed} FROM {self.source.name.sql} AS {alias}{where} ORDER BY {', '.join(names)}"

    # --- rejects --------------------------------------------------------------------------------

    def _row_json(self) -> str:
        r"""The source row as json, secrets redacted, at the level `row`; a json column as text, which may hold \u0000."""
        alias = quote(self.source.name.relation)
        secret = sorted(self.mapping.secret_columns(self.source.column_names))
        row = f"pg_catalog.to_jsonb({alias}.*)"
        texts = {c.name for c in self.source.columns if c.type.storage.name in {"json", "_json"}}
        if texts:
            kinds = {True: "::pg_catalog.text", False: ""}
            names = self.source.column_names
            listed = ", ".join(f"{alias}.{quote(n)}{kinds[n in texts]} AS {quote(n)}" for n in names)
            row = f'(SELECT pg_catalog.to_jsonb("cw$all") FROM (SELECT {listed}) AS "cw$all")'
        if not secret:
            return row
        pairs = [f"{literal(name)}, 'redacted'" for name in secret]
        groups = [pairs[i : i + PAIRS] for i in range(0, len(pairs), PAIRS)]
        hidden = " || ".join(f"pg_catalog.jsonb_build_object({', '.join(group)})" for group in groups)
        return f"({row} || {hidden})"

    def rejects(self, selection: Selection, moment: Moment, *, elements: bool = False) -> str:
        """The rows left out and why: key, row, code, sqlstate, message, constraint, column (see `Ledger.quarantine`).

        Where the rule unnests, a row is left out if no element of it fits; with `elements` the single elements that
        are left out of rows of which another one fits, their ordinality behind the key.
        """
        reasons = (
            ", ".join(
                f"({c.number}, {literal(c.code)}, {literal(c.sqlstate)}, {literal(c.reason)}, {_opt(c.constraint)}, {_opt(c.column)})"
                for c in self.reasons(moment)
            )
            or "(0, '', '', '', NULL, NULL)"
        )
        judged = self.judged(selection, moment, extra=(f'{self._row_json()} AS "cw$json"',))
        chosen, each = f"{REJECT} <> 0", ""
        if self.unnests:
            identity = quote_list(f"cw$k{i}" for i in range(len(self.identity)))
            chosen = f'{REJECT} <> 0 AND NOT "cw$none" AND "cw$some"' if elements else '"cw$none"'
            each = (
                f', pg_catalog.bool_or({REJECT} = 0) OVER (PARTITION BY {identity}) AS "cw$some"' if elements else ""
            ) + (
                f", pg_catalog.bool_and({REJECT} <> 0) OVER (PARTITION BY {identity}) AND pg_catalog.row_number() OVER"
                f' (PARTITION BY {identity} ORDER BY "cw$ordinality") = 1 AS "cw$none"'
            )
        key = self.key_json() if elements else _json_array(quote(f"cw$k{i}") for i in range(len(self.identity)))
        return (
            f'SELECT {key} AS source_key, "cw$json" AS row, why.code, why.sqlstate, why.message, why.constraint_name,'
            f' why.column_name FROM (SELECT *{each} FROM ({judged}) AS "cw$judged") AS "cw$out"'
            f" JOIN (VALUES {reasons}) AS why (number, code, sqlstate, message, constraint_name, column_name)"
            f" ON why.number = {REJECT} WHERE {chosen}"
        )

    def beaten(self, moment: Moment, selection: Selection = EVERYTHING, *, elements: bool = False) -> str:
        """The losers among a selection as rejects, for `on_duplicate: quarantine`.

        Where the rule unnests, the source rows of which no element lands, each once; with `elements` the single
        elements that lose, their ordinality behind the key.
        """
        judged = self.judged(selection, moment, extra=(f'{self._row_json()} AS "cw$json"',))
        identity = [quote(f"cw$k{i}") for i in range(len(self.identity))]
        chosen, each = self._is_loser(moment), ""
        if self.unnests:
            window = f"PARTITION BY {', '.join(identity)}"
            each = (
                f', pg_catalog.bool_and({chosen}) OVER ({window}) AS "cw$none",'
                f' pg_catalog.row_number() OVER ({window} ORDER BY "cw$ordinality") AS "cw$place"'
            )
            chosen = f'{chosen} AND NOT "cw$none"' if elements else '"cw$none" AND "cw$place" = 1'
        key = self.key_json() if elements else _json_array(identity)
        return (
            f"SELECT {key} AS source_key, \"cw$json\" AS row, 'duplicate' AS code, '23505' AS sqlstate,"
            f" 'another row has the same key' AS message, NULL::text AS constraint_name, NULL::text AS column_name"
            f' FROM (SELECT *{each} FROM ({judged}) AS "cw$judged" WHERE {REJECT} = 0) AS "cw$fits" WHERE {chosen}'
        )

    def described(
        self,
        keys: tuple[Key, ...],
        *,
        code: str,
        sqlstate: str,
        message: str,
        constraint: str | None,
        column: str | None,
    ) -> str:
        """Rows, or elements, named by key in the form of `rejects`, for what only the load could find."""
        alias = quote(self.source.name.relation)
        width = len(self.identity)
        named = [f"{alias}.{quote(name)}" for name, _ in self.identity]
        source = f"{self.source.name.sql} AS {alias}"
        where = " AND ".join(self.chosen(Selection(keys=tuple(dict.fromkeys(k[:width] for k in keys)))))
        if self.unnests and all(len(key) > width for key in keys):
            named.append('"cw$u"."cw$ordinality"')
            source, where = self._from(), f"{where} AND {among(named, [w.type for w in self.key_wires], keys)}"
        return (
            f"SELECT {_json_array(named)} AS source_key, {self._row_json()} AS row, {literal(code)} AS code,"
            f" {literal(sqlstate)} AS sqlstate, {literal(message)} AS message, {_opt(constraint)} AS constraint_name,"
            f" {_opt(column)} AS column_name FROM {source} WHERE {where}"
        )

    def spent(self, keys: Sequence[Key], moment: Moment) -> str:
        """How many source rows land with no element, where the load refused these elements."""
        width = len(self.identity)
        identity = quote_list(f"cw$k{i}" for i in range(width))
        refused = among([quote(w.name) for w in self.key_wires], [w.type for w in self.key_wires], keys)
        rows = self.fitting(Selection(keys=tuple(dict.fromkeys(key[:width] for key in keys))), moment)
        return (
            f'SELECT count(*) FROM (SELECT FROM ({rows}) AS "cw$fitting" GROUP BY {identity}'
            f' HAVING pg_catalog.bool_and({refused})) AS "cw$spent"'
        )

    def meeting(self, target_keys: list[str], moment: Moment) -> str:
        """Source keys (columns of text) of the fitting rows that go to the given target keys (jsonb texts)."""
        wanted = array_literal(target_keys)
        listed = ", ".join(f"{quote(w.name)}::pg_catalog.text" for w in self.key_wires)
        return (
            f'SELECT {listed} FROM ({self.fitting(EVERYTHING, moment)}) AS "cw$fitting"'
            f" WHERE {self.target_key_json()} = ANY ({wanted}::pg_catalog.text[]::pg_catalog.jsonb[])"
        )

    # --- verification ---------------------------------------------------------------------------

    def image(self) -> list[str]:
        """Canonical values of a fitting row, key first: what both sides hash."""
        key = [canonical(quote(w.name), w.type) for f in self.key_fed() for w in f.wires]
        rest = [
            canonical(quote(w.name), w.type) for f in self.fed if f.column.name not in self.mapping.key for w in f.wires
        ]
        return [*key, *rest]

    def key_image(self) -> list[str]:
        """Canonical values of the key alone; of the whole row where there is no key."""
        key = [canonical(quote(w.name), w.type) for f in self.key_fed() for w in f.wires]
        return key or self.image()

    def hashed(self, moment: Moment, selection: Selection = EVERYTHING) -> str:
        """(bucket, rows, sum of hashes) of the fitting rows."""
        return _bucketed(self.key_image(), self.image(), self.fitting(selection, moment))

    def hashed_keys(self, moment: Moment, buckets: Iterable[int], selection: Selection = EVERYTHING) -> str:
        """(target key, row hash, source key) of each fitting row in the buckets."""
        chosen = ", ".join(str(b) for b in buckets)
        bucket = f"({row_hash(self.key_image())} & {BUCKETS - 1})"
        key = self.target_key_json() if self.mapping.key else "NULL::jsonb"
        return (
            f"SELECT {key}::text AS target_key, {row_hash(self.image())} AS hash, {self.key_json()}::text AS source_key"
            f' FROM ({self.fitting(selection, moment)}) AS "cw$fitting" WHERE {bucket} IN ({chosen})'
        )


def _bucketed(key: list[str], image: list[str], rows: str) -> str:
    bucket = f"({row_hash(key)} & {BUCKETS - 1})::int"
    return (
        f"SELECT bucket, count(*) AS rows, sum(hash) AS total FROM (SELECT {bucket} AS bucket, {row_hash(image)} AS hash"
        f' FROM ({rows}) AS "cw$fitting") AS "cw$hashed" GROUP BY bucket'
    )


def _json_array(values: Iterable[str]) -> str:
    return f"pg_catalog.jsonb_build_array({', '.join(f'({v})::pg_catalog.text' for v in values)})"


def _opt(text: str | None) -> str:
    return f"{literal(text)}::text" if text is not None else "NULL::text"
