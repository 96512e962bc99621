"""Of the mapping document."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_REFUSED, CrosswalkError


class MappingUnreadable(CrosswalkError):
    """The mapping document {path} cannot be read: {reason}."""

    remedy = "Give the path of a crosswalk.yaml; docs/mapping.md shows how one is written."


class BadMapping(CrosswalkError):
    """{path}, line {line}: {place}: {problem}{more}."""

    remedy = "Correct the line; docs/mapping.md describes every key, and `crosswalk schema` prints the JSON schema."


class NotInSchema(CrosswalkError):
    """The {side} has no {what} in {where}."""

    remedy = "The schema changed, or the mapping names it wrongly: run `crosswalk check`, then `crosswalk plan` again."
    exit_code = EXIT_REFUSED


class RuleImpossible(CrosswalkError):
    """The rule for {table}.{column} cannot work: {reason}."""

    remedy = "Change the rule in the mapping document; docs/mapping.md shows each kind with an example."
