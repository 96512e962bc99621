"""A request in PostgREST's words becomes one SQL statement, and the row that comes back becomes an answer. Pure.

    statement = cache.statement(("public",))           SQL that reads the schema cache, with the schemas as its parameter
    known = cache.SchemaCache.from_row(row)            the row of that statement: a sequence of one, or a mapping
    statement = compile(request, known)                a Statement; raises DataError with PostgREST's codes
    answer(request, row, plan=...)                     the one row of it (by name) as an Answer; raises PGRST116, PGRST103 …

A runner sends `statement.sql` with `statement.parameters` (all of them str or None, bound as text of an unknown type,
so that PostgreSQL infers what they are), inside a transaction, calls `answer`, and commits only if that did not raise:
a write that is not one row where one was asked for, or more rows than `max_affected`, is refused by `answer` and has
to be rolled back. Where `statement.plan` is set (count "planned" and "estimated") the runner sends that as well, in the
same transaction, and gives the value that comes back (EXPLAIN's JSON, text or parsed) as `plan`; without it the count
stays what the statement itself knows (nothing for "planned").

The statement's one row:
    body         text: JSON or CSV as PostgreSQL built it; null where nothing was asked for
    page_total   rows in the page, or written
    count        rows without limit and offset (rows written, of a write), or null
    capped       of an estimated count: more rows are there than were counted
"""

from crosswalk.data.builder.answers import answer
from crosswalk.data.builder.cache import SchemaCache
from crosswalk.data.builder.compile import compile

__all__ = ["SchemaCache", "answer", "compile"]
