"""A draft as the text of a mapping document: rules, and what is open as comments of our own.

Our comments begin with `#?`; they are taken out and written anew each time, so that whatever else stands
in a document stays as it is. Tables and columns that a person has decided are not touched. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from crosswalk.mapping import MappingFile, read_text
from crosswalk.mapping.reading import write
from crosswalk.match.proposal import Draft, Proposal, Question, TableDraft
from crosswalk.names import Name, parse

MARK: Final = "#?"
_OURS: Final = re.compile(r"^[ \t]*#\?.*\n?", re.MULTILINE)
_FLOW: Final = 110
"""A rule that is shorter stands in one line."""
_WIDTH: Final = 118
_HEAD: Final = """\
# The mapping document, drafted by `crosswalk match`. A rule with `status: proposed` waits for a person: accept it,
# correct it, or write another. Lines that begin with #? are rewritten by `crosswalk match --update`.
"""


def fresh(draft: Draft, fingerprints: Mapping[str, str]) -> str:
    """A new document."""
    node = CommentedMap({"version": 1, "fingerprints": _flow(fingerprints), "tables": CommentedMap()})
    for table in draft.tables:
        node["tables"][str(table.target)] = _table(table)
    return _with_comments(_HEAD + write(node), draft)


def stripped(text: str) -> str:
    """A document's text without our comments."""
    return _OURS.sub("", text)


def updated(file: MappingFile, draft: Draft, fingerprints: Mapping[str, str]) -> str:
    """The document, with rules added and open ones refreshed; `file` is one without our comments."""
    node = file.node
    tables = node["tables"]
    written: dict[Name, str] = {parse(name): name for name in tables}
    for table in draft.tables:
        if table.target in written:
            _refresh(tables[written[table.target]], table)
        else:
            tables[str(table.target)] = _table(table)
    if "fingerprints" not in node:
        node.insert(1, "fingerprints", _flow(fingerprints))
    elif dict(node["fingerprints"]) != dict(fingerprints):
        for side, value in fingerprints.items():
            node["fingerprints"][side] = value
    return _with_comments(write(node), draft)


def _refresh(node: CommentedMap, table: TableDraft) -> None:
    """Open columns of a table that stands in the document: replaced where proposed, added where missing."""
    columns = node["columns"]
    for name, proposal in table.columns.items():
        rule = _rule(proposal)
        if name not in columns or _plain(columns[name]) != _plain(rule):
            columns[name] = rule


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(k): _plain(v) for k, v in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(v) for v in node]
    return node if node is None or isinstance(node, bool) else str(node)


def _table(table: TableDraft) -> CommentedMap:
    node = CommentedMap({"from": str(table.source), "key": _flow(list(table.key))})
    if table.where:
        node["where"] = _flow({"sql": table.where[0], "why": table.where[1]})
    if table.rejects:
        node["rejects"] = "quarantine"
    if table.of_list:
        node["on_duplicate"] = "first"
    node["columns"] = CommentedMap({name: _rule(proposal) for name, proposal in table.columns.items()})
    if table.drop:
        node["drop"] = CommentedMap(table.drop)
    return node


def _rule(proposal: Proposal) -> CommentedMap:
    node = CommentedMap({key: _flow(value) for key, value in proposal.rule.items()})
    node["status"] = "accepted" if proposal.accepted else "proposed"
    node["confidence"] = proposal.confidence
    node["evidence"] = _flow(list(proposal.evidence))
    if None in proposal.rule.values() or len(write(CommentedMap({"x": _flow(_plain(node))}))) <= _FLOW:
        # In a line of its own a null would be written as nothing.
        node.fa.set_flow_style()
    else:
        node["evidence"] = CommentedSeq(proposal.evidence)
    return node


def _flow(value: Any) -> Any:
    """A value that stands in one line."""
    if isinstance(value, Mapping):
        node = CommentedMap({key: _flow(inner) for key, inner in value.items()})
        node.fa.set_flow_style()
        return node
    if isinstance(value, list | tuple):
        listed = CommentedSeq([_flow(inner) for inner in value])
        listed.fa.set_flow_style()
        return listed
    return value


def _with_comments(text: str, draft: Draft) -> str:
    """Questions at the head, and above each table what is open in it."""
    file = read_text(text)
    lines = text.splitlines(keepends=True)
    names = {parse(name): name for name in file.document.tables}
    above = {file.line("tables", names[t.target]): [*_open(t)] for t in draft.tables if t.target in names}
    for line in sorted(above, reverse=True):
        lines[line - 1 : line - 1] = [f"  {MARK} {each}\n" for each in above[line]]
    return "".join(f"{MARK} {each}".rstrip() + "\n" for each in _head(draft)) + "".join(lines)


def _open(table: TableDraft) -> Iterable[str]:
    if table.open:
        yield from _wrapped(f"without a rule: {', '.join(table.open)}")
    if table.undecided:
        yield from _wrapped(f"columns of {table.source} without a place: {', '.join(table.undecided)}")


def _head(draft: Draft) -> Iterable[str]:
    if draft.questions:
        yield f"{len(draft.questions)} questions to you, the gravest first:"
    for number, question in enumerate(draft.questions, 1):
        yield from _question(number, question)
    if draft.unseen:
        yield ""
        yield "Not looked at:"
        for what, why in draft.unseen.items():
            yield from _wrapped(f"  {what}: {why}")


def _question(number: int, question: Question) -> Iterable[str]:
    yield from _wrapped(f"{number:>3}. {_one_line(question.place)}: {question.text}", indent=5)
    if question.offer:
        yield f"     → {_one_line(question.offer)}"


def _one_line(text: str) -> str:
    """Control characters made visible: a comment ends with its line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _wrapped(text: str, indent: int = 2) -> Iterable[str]:
    """Lines of a fair width; words are never broken."""
    line = ""
    for word in _one_line(text).split(" "):
        if line.strip() and len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = " " * indent + word
        else:
            line = f"{line} {word}" if line else word
    yield line
