"""A draft as the text of a mapping document: rules, and what is open as comments of our own.

Our comments begin with `#?`; they are taken out and written anew each time, so that whatever else stands
in a document stays as it is. Tables and columns that a person has decided are not touched. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap

from crosswalk.mapping import MappingFile
from crosswalk.mapping.reading import load, write
from crosswalk.match.proposal import Draft, Proposal, Question, TableDraft, heading
from crosswalk.match.yamltext import block, flow, scalar
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
    lines = [f"{MARK} {each}".rstrip() for each in _head(draft)] + _HEAD.splitlines()
    lines += ["version: 1", f"fingerprints: {flow(fingerprints)}", "tables:"]
    for table in draft.tables:
        lines += [f"  {MARK} {each}" for each in _open(table)]
        lines += [f"  {each}" for each in _table_lines(table)]
    return "\n".join(lines) + "\n"


def _table_lines(table: TableDraft) -> Iterable[str]:
    yield f"{scalar(str(table.target))}:"
    for key, value in _policies(table).items():
        yield f"  {key}: {flow(value)}"
    yield "  columns:"
    for name, proposal in table.columns.items():
        yield from (f"    {each}" for each in _rule_lines(name, proposal))
    if table.drop:
        yield "  drop:"
        yield from (f"    {scalar(name)}: {scalar(why)}" for name, why in table.drop.items())


def _rule_lines(name: str, proposal: Proposal) -> Iterable[str]:
    rule = _rule(proposal)
    line = f"{scalar(name)}: {flow(rule)}"
    # On a line of its own a null is read and written back as nothing.
    if len(line) <= _FLOW or None in proposal.rule.values():
        yield line
        return
    yield f"{scalar(name)}:"
    yield from (f"  {key}: {flow(value)}" for key, value in rule.items() if key != "evidence")
    yield from (f"  {each}" for each in block("evidence", rule["evidence"]))


def _policies(table: TableDraft) -> dict[str, Any]:
    """What stands about a table before its columns."""
    found: dict[str, Any] = {"from": str(table.source), "key": list(table.key)}
    if table.where:
        found["where"] = {"sql": table.where[0], "why": table.where[1]}
    if table.of_list:
        found["on_duplicate"] = "first"
    return found | ({"rejects": "quarantine"} if table.rejects else {})


def _rule(proposal: Proposal) -> dict[str, Any]:
    return {
        **proposal.rule, "status": "accepted" if proposal.accepted else "proposed", "confidence": proposal.confidence,
        "evidence": list(proposal.evidence),
    }


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
            _refresh(tables[written[table.target]]["columns"], table)
        else:
            written[table.target] = str(table.target)
            tables[str(table.target)] = _node("\n".join(_table_lines(table)))[str(table.target)]
    if "fingerprints" not in node:
        node.insert(1, "fingerprints", _node(flow(fingerprints)))
    elif dict(node["fingerprints"]) != dict(fingerprints):
        for side, value in fingerprints.items():
            node["fingerprints"][side] = value
    return _with_comments(write(node), draft, [*tables], written)


def _refresh(columns: CommentedMap, table: TableDraft) -> None:
    """Open columns of a table that stands in the document: replaced where proposed, added where missing."""
    for name, proposal in table.columns.items():
        if name not in columns or _plain(columns[name]) != _plain(_rule(proposal)):
            columns[name] = _node("\n".join(_rule_lines(name, proposal)))[name]


def _node(text: str) -> Any:
    """The text as nodes that keep its style."""
    return load(text)


def _plain(node: Any) -> Any:
    """A rule as plain values, to be compared."""
    if isinstance(node, str):
        return {"column": node}
    return json.loads(json.dumps(node, default=str))


def _with_comments(text: str, draft: Draft, order: list[str], written: Mapping[Name, str]) -> str:
    """Questions at the head, and above each table what is open in it."""
    lines = text.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if line.rstrip() == "tables:"), len(lines))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith((" ", "#", "\n"))), len(lines))
    heads = [i for i in range(start + 1, end) if re.match(r"  [^\s#]", lines[i])]
    if len(heads) == len(order):
        place = dict(zip(order, heads, strict=True))
        above = {place[written[t.target]]: [*_open(t)] for t in draft.tables}
        for i in sorted(above, reverse=True):
            lines[i:i] = [f"  {MARK} {each}\n" for each in above[i]]
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
    yield from _wrapped(f"{number:>3}. {heading(question)}: {question.text}", indent=5)
    if question.offer:
        yield f"     → {_one_line(question.offer)}"


def _one_line(text: str) -> str:
    """Control characters made visible: a comment ends with its line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _wrapped(text: str, indent: int = 2) -> Iterable[str]:
    """Lines of a fair width; words are never broken."""
    bare = text.lstrip(" ")
    line = " " * (len(text) - len(bare))
    for word in _one_line(bare).split(" "):
        if line.strip() and len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = " " * indent + word
        else:
            line += f" {word}" if line.strip() else word
    yield line
