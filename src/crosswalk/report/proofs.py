"""What was verified and what was not, and the preserved tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from crosswalk.ledger import RunState
from crosswalk.ledger.proof import Proof, TableProof
from crosswalk.numerals import plural
from crosswalk.report.found import Found
from crosswalk.report.times import when
from crosswalk.report.values import Absent, PreservedLine, ProofLine, Proven
from crosswalk.report.wording import listed, moment

VERIFY = "crosswalk verify"


def tell_proof(found: Found) -> Proven | Absent:
    """The last verification of the newest run, or why there is none."""
    history = found.history
    if history is None or not found.live:
        return Absent(why=_why(found), command="" if found.run is None else "crosswalk plan MAPPING")
    if not history.proofs:
        return Absent(why="not verified yet", command=VERIFY)
    last = history.proofs[-1]
    return Proven(
        word=last.word,
        at=last.at,
        clean=last.clean,
        current=_current(found, last),
        exact=last.exact,
        rows=last.rows,
        differences=last.differences,
        seconds=last.seconds,
        tables=tuple(sorted(map(_line, last.tables), key=lambda t: t.clean)),
        sequences=last.sequences,
        behind=last.behind,
        held=last.held,
        uncovered=tuple(_uncovered(found, last)),
        mended=tuple(_mended(last)),
        earlier=tuple(_earlier(p) for p in history.proofs[:-1]),
    )


def _why(found: Found) -> str:
    if found.target.failed:
        return found.target.failed
    if found.run is not None and found.run.state is RunState.ROLLED_BACK:
        return "the run was rolled back: there is nothing to verify"
    return "nothing was moved yet, so that there is nothing to verify"


def _current(found: Found, proof: Proof) -> bool:
    """Whether no move came to its end, or began again, after it."""
    assert found.history is not None
    states = [str(e["at"]) for e in found.history.events if e["kind"] == "state"]
    return not states or when(states[-1]) <= when(proof.at)


def _line(table: TableProof) -> ProofLine:
    samples = [f"{s.kind}: key {s.key}" + (f", {', '.join(s.columns)}" if s.columns else "") for s in table.samples]
    return ProofLine(
        target=table.target, source=table.source, expected=table.expected, found=table.found, missing=table.missing,
        different=table.different, extra=table.extra, columns=table.columns, kept=table.kept,
        same_value=table.same_value, by_column=table.by_column, samples=tuple(samples), problem=table.problem,
        clean=table.clean,
    )


def _uncovered(found: Found, proof: Proof) -> Iterator[str]:
    """What was not compared: as the verification said, and rows that stood there before."""
    yield from proof.uncovered
    for table in proof.tables:
        if table.kept:
            yield f"{table.target}: {plural(table.kept, 'row')} that stood there before the first run (kept, not compared)"
    document = found.file.document if found.file else None
    for name, why in document.ignored_targets.items() if document else ():
        yield f"{name} of the target: ignored ({why})"


def _mended(proof: Proof) -> Iterator[str]:
    for each in proof.mended:
        parts = [f"{plural(each.moved, 'row')} moved again"]
        parts += [f"{plural(each.deleted, 'row')} deleted"] if each.deleted else []
        parts += [f"{plural(each.refused, 'row')} refused, in quarantine"] if each.refused else []
        parts += [f"{plural(each.left, 'row')} too many left alone"] if each.left else []
        yield f"{each.target}: {listed(parts)}"


def _earlier(proof: Proof) -> str:
    found = "clean" if proof.clean else f"{plural(proof.differences, 'row')} different"
    return f"{moment(proof.at)}: {proof.word}, {plural(proof.rows, 'row')} compared, {found}"


def tell_preserved(found: Found) -> tuple[PreservedLine, ...] | Absent:
    """The tables that nothing may touch, as the run found them and as the last verification did."""
    document = found.file.document if found.file else None
    names = list(document.preserved) if document else []
    if document is None:
        return Absent(why="no mapping document is known that would name preserved tables", command="crosswalk match")
    before = {str(n): rows for n, (rows, _) in found.history.preserved.items()} if found.history else {}
    last = found.history.proofs[-1] if found.history and found.history.proofs and found.live else None
    proven = {p.table: p for p in last.preserved} if last else {}
    return tuple(
        PreservedLine(
            table=str(name),
            why=document.preserved[name],
            rows_before=before.get(str(name)),
            rows=proven[str(name)].rows if str(name) in proven else None,
            unchanged=proven[str(name)].unchanged if str(name) in proven else None,
        )
        for name in names
    )


def tell_backup(found: Found) -> str:
    """The dump of the preserved tables, where the run made one; empty where it had no need to."""
    events = found.history.events if found.history else ()
    done = next((e["detail"] for e in reversed(events) if e["kind"] == "backup"), None)
    if done is None:
        return ""
    rows = sum(int(table["rows"]) for table in done.get("tables", ()))
    tables = plural(len(done.get("tables", ())), "table")
    proof = "and proven by restoring it" if done.get("proven") else f"but not proven: {done.get('unproven', 'no reason given')}"
    return f"Before anything was changed, {plural(rows, 'row')} of {tables} were dumped into {done.get('directory', '?')}, {proof}."
