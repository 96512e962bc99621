"""Numbers of the document as they are written: `12345678901234567890.10` keeps every digit.

YAML libraries read such a number as a binary float, which is another number. Here it becomes an
`ExactNumber`, a Decimal that remembers its text and is written back as that.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter


class ExactNumber(Decimal):
    """A number with a point or an exponent, and the text that it was written as."""

    text: str

    @classmethod
    def read(cls, text: str) -> ExactNumber:
        """Raises InvalidOperation for text that is no decimal number."""
        made = cls(text.replace("_", ""))
        made.text = text
        return made


class Constructor(RoundTripConstructor):
    """ruamel's, with exact numbers."""


class Representer(RoundTripRepresenter):
    """ruamel's, with exact numbers."""


def _construct(constructor: Constructor, node: ScalarNode) -> Any:
    try:
        return ExactNumber.read(constructor.construct_scalar(node))
    except InvalidOperation:
        return constructor.construct_yaml_float(node)


def _represent(representer: Representer, value: ExactNumber) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:float", value.text)


Constructor.add_constructor("tag:yaml.org,2002:float", _construct)
Representer.add_representer(ExactNumber, _represent)


def as_json(value: Any) -> str:
    """JSON text with numbers digit for digit."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(str(k), ensure_ascii=False)}: {as_json(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_json(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)
