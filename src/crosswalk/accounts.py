"""What became of every source row of a table: the sum must come out, or the run fails. Part of the conductor."""

from __future__ import annotations

from functools import partial

from crosswalk.connect import Session
from crosswalk.copy import forget_rejected, insist, quarantine_static
from crosswalk.crew import Pair
from crosswalk.errors import AccountingBroken
from crosswalk.express import Key, Moment, Motion
from crosswalk.judge import tally_rows
from crosswalk.ledger import Ledger, Tally
from crosswalk.ledger.entries import SECOND
from crosswalk.names import Name
from crosswalk.snapshot import savepoint
from crosswalk.stage import Stage


async def fill_accounts(stage: Stage, name: Name) -> Tally:
    """The accounting of a table once more, after rows were moved again or deleted."""
    tally = await account(stage, Motion(stage.facts, name), stage.desk)
    await stage.account(tally, stage.ledger)
    return tally


async def account(stage: Stage, motion: Motion, pair: Pair) -> Tally:
    """What became of every source row; raises AccountingBroken where the sum does not come out.

    A first run counts what passed through its hands and asks the rules only for the rest. A resumed run
    (whose chunks may have landed under an older snapshot) and one that spreads rows ask the rules for all,
    and the target for what stands there.
    """
    rest = await insist(partial(_weigh, stage, motion, pair))
    if not rest.balanced:
        raise AccountingBroken(
            table=motion.name,
            extracted=rest.extracted,
            loaded=rest.loaded,
            merged=rest.merged,
            quarantined=rest.quarantined,
            filtered=rest.filtered,
        )
    return rest


async def _weigh(stage: Stage, motion: Motion, pair: Pair) -> Tally:
    way = _by_rule if stage.resumed or motion.unnests else _by_hand
    async with savepoint(pair.source):
        return await way(stage, motion, pair)


async def _by_hand(stage: Stage, motion: Motion, pair: Pair) -> Tally:
    session, source = pair.target, pair.source
    what = f"the accounting of {motion.name}"
    row = await session.fetchrow(
        "SELECT COALESCE(sum(rows), 0)::bigint, COALESCE(sum(merged), 0)::bigint, COALESCE(sum(rejected), 0)::bigint"
        f" FROM crosswalk.chunk WHERE run_id = $1 AND target_table = $2 AND number < {SECOND}",
        stage.run,
        str(motion.name),
        what=what,
    )
    assert row is not None
    loaded, merged, refused = (int(v) for v in row)
    extracted = int(await source.fetchval(motion.total(), what=what))
    beaten = motion.mapping.on_duplicate == "quarantine" and bool(stage.moment.of(motion.name))
    set_aside = filtered = 0
    if extracted != loaded + merged + refused or beaten:
        filtered = int(await source.fetchval(motion.filtered(), what=what)) if motion.mapping.where else 0
        set_aside = await quarantine_static(motion, stage.moment, stage.run, source, session)
    elif stage.is_stained(motion.name):
        await forget_rejected(motion.name, session)
    if beaten:
        merged -= len(stage.moment.of(motion.name))
    return Tally(
        target=motion.name,
        source=motion.source.name,
        extracted=extracted,
        loaded=loaded,
        merged=merged,
        quarantined=set_aside + refused,
        filtered=filtered,
        written=loaded,
    )


async def _by_rule(stage: Stage, motion: Motion, pair: Pair) -> Tally:
    session, source = pair.target, pair.source
    fates = await tally_rows(motion, stage.moment, source)
    set_aside = await quarantine_static(motion, stage.moment, stage.run, source, session)
    keys = await Ledger(session).quarantined_keys(motion.name)
    refused = len(keys) - fates.broken
    spent = await _spent(motion, stage.moment, source, keys) if motion.unnests else refused
    yielded = len(await _yielded(stage, motion, pair))
    tally = fates.tally
    standing = int(
        await session.fetchval(f"SELECT count(*) FROM {motion.target.name.sql}", what=f"the table {motion.name}")
    ) - await Ledger(session).kept(motion.name)
    landed = tally.loaded - spent - yielded
    if set_aside != tally.quarantined - fates.broken:
        raise AccountingBroken(
            table=motion.name,
            extracted=tally.extracted,
            loaded=landed,
            merged=tally.merged + yielded,
            quarantined=set_aside + spent,
            filtered=tally.filtered,
        )
    if not motion.unnests and motion.mapping.existing != "update" and standing < landed:
        stage.observer.note(
            f"{motion.name} holds {standing} rows of ours, {landed} landed: verify will name the others"
        )
    return Tally(
        target=tally.target,
        source=tally.source,
        extracted=tally.extracted,
        loaded=landed,
        merged=tally.merged + yielded,
        quarantined=tally.quarantined + spent,
        filtered=tally.filtered,
        written=tally.written - refused,
    )


async def _spent(motion: Motion, moment: Moment, session: Session, keys: frozenset[str]) -> int:
    """Source rows of which the load refused every element that fits."""
    elements = [key for key in (tuple(k.split("\x1f")) for k in sorted(keys)) if len(key) > len(motion.identity)]
    what = f"the accounting of {motion.name}"
    return int(await session.fetchval(motion.spent(elements, moment), what=what)) if elements else 0


async def _yielded(stage: Stage, motion: Motion, pair: Pair) -> list[Key]:
    """Source rows that gave way to rows that stood in the table before."""
    if not stage.keeps(motion):
        return []
    kept = await Ledger(pair.target).kept_keys(motion.name)
    rows = await pair.source.fetch(
        motion.meeting(list(kept), stage.moment), what=f"the accounting of {motion.name}"
    )
    return [tuple(r.values()) for r in rows]
