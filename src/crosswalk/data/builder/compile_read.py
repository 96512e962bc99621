"""A plan as SELECT: embeds by LATERAL joins, aggregates by groups, and the query that counts. Pure."""

from __future__ import annotations

from crosswalk.data.builder import sql
from crosswalk.data.builder.cached import Relationship
from crosswalk.data.builder.grammar import Check, Column, Logic
from crosswalk.data.builder.plan import Child, Node
from crosswalk.data.builder.sql import Context, column_sql, named
from crosswalk.names import quote

Item = tuple[str, bool]
"""Of a select list: its SQL, and whether it is an aggregate."""


def select_sql(node: Node, context: Context, *, source: str, joined: str = "", raw: bool = False) -> str:
    """`source` is what FROM says; `joined` conditions tie it to its parent; `raw`: its aggregates are taken up above."""
    items = _items(node, context, raw=raw)
    joins = "".join(_join(child, node, context) for child in node.children)
    where = [sql.check_sql(test, node.alias, node.relation, context, node.children) for test in node.tests]
    where += [joined] if joined else []
    grouped = [str(number) for number, (_, aggregate) in enumerate(items, 1) if not aggregate]
    grouping = any(aggregate for _, aggregate in items) and grouped
    return (
        f"SELECT {', '.join(text for text, _ in items)} FROM {source}{joins}"
        + (f" WHERE {' AND '.join(where)}" if where else "")
        + (f" GROUP BY {', '.join(grouped)}" if grouping else "")
        + sql.order_sql(node.order, node.alias, node.relation, context)
        + sql.page_sql(node.limit, node.offset, context)
    )


def _items(node: Node, context: Context, *, raw: bool) -> list[Item]:
    if not node.columns and not node.children:
        return [(f"{quote(node.alias)}.*", False)]
    items = [
        (column_sql(column, node.alias, node.relation, context, raw=raw), bool(column.aggregate) and not raw)
        for column in node.columns
    ]
    for child in node.children:
        if not child.node.empty:
            items += _spread(child, raw=raw) if child.spread else [(_embedded(child), False)]
    return items


def _embedded(child: Child) -> str:
    alias = quote(child.alias)
    # As jsonb, so that rows can be grouped by it.
    value = f"row_to_json({alias}.*)::jsonb" if child.how.to_one else f"COALESCE({alias}.{alias}, '[]')"
    return value + named(child.name)


def _spread(child: Child, *, raw: bool) -> list[Item]:
    alias = quote(child.alias)
    items: list[Item] = []
    for name, column in _outputs(child.node):
        value = f"{alias}.*" if name == "*" else f"{alias}.{quote(name)}"
        if column is None or raw:
            items.append((value, False))
        else:
            total = sql.cast_sql(f"{column.aggregate}({value})", column.aggregate_cast)
            items.append((total + named(column.alias), True))
    return items


def _outputs(node: Node) -> list[tuple[str, Column | None]]:
    """What a spread embed gives to the level above: a name, and the aggregate that is to be taken of it."""
    found = [(sql.output_name(column), column if column.aggregate else None) for column in node.columns]
    for child in node.children:
        if not child.node.empty:
            found += _outputs(child.node) if child.spread else [(child.name, None)]
    return found


def _join(child: Child, parent: Node, context: Context) -> str:
    alias = quote(child.alias)
    rows = select_sql(
        child.node, context, source=_source(child, parent), joined=_condition(child, parent), raw=child.spread
    )
    on = "TRUE"
    if not child.how.to_one:
        rows = f"SELECT json_agg({alias}.*)::jsonb AS {alias} FROM ({rows}) AS {alias}"
        on = f"{alias} IS NOT NULL" if child.inner else on
    return f" {'INNER' if child.inner else 'LEFT'} JOIN LATERAL ({rows}) AS {alias} ON {on}"


def _source(child: Child, parent: Node) -> str:
    own = quote(child.node.alias)
    if child.how.function:
        return f"{child.how.function.sql}({quote(parent.alias)}::{child.how.table.sql}) AS {own}"
    via = f", {child.how.junction.table.sql} AS {_via(child)}" if child.how.junction else ""
    return f"{child.how.target.sql} AS {own}{via}"


def _via(child: Child) -> str:
    return quote("pgrst_via_" + child.node.alias[:50])


def _condition(child: Child, parent: Node) -> str:
    how: Relationship = child.how
    near, far = quote(parent.alias), quote(child.node.alias)
    if how.junction:
        via = _via(child)
        pairs = [f"{far}.{quote(own)} = {via}.{quote(there)}" for own, there in how.junction.target_columns]
        pairs += [f"{near}.{quote(own)} = {via}.{quote(there)}" for own, there in how.junction.columns]
    else:
        pairs = [f"{far}.{quote(there)} = {near}.{quote(own)}" for own, there in how.columns]
    return " AND ".join(pairs)


def count_sql(node: Node, context: Context, *, source: str, joined: str = "") -> str:
    """One row for each row of the root, whatever the page; an inner embed counts as a test that something is there."""
    where = [_counted(test, node, context) for test in node.tests]
    where += [joined] if joined else []
    where += [f"EXISTS ({_exists(child, node, context)})" for child in node.children if child.inner]
    return f"SELECT 1 FROM {source}" + (f" WHERE {' AND '.join(where)}" if where else "")


def _exists(child: Child, parent: Node, context: Context) -> str:
    return count_sql(child.node, context, source=_source(child, parent), joined=_condition(child, parent))


def _counted(test: Check | Logic, node: Node, context: Context) -> str:
    if isinstance(test, Logic):
        parts = f" {test.operator.upper()} ".join(_counted(part, node, context) for part in test.parts)
        return f"{'NOT ' if test.negated else ''}({parts})"
    child = sql.null_embed(test, node.children)
    if child:
        return f"{'' if test.negated else 'NOT '}EXISTS ({_exists(child, node, context)})"
    return sql.check_sql(test, node.alias, node.relation, context)
