"""`crosswalk schema`: the JSON schema of the mapping document."""

from __future__ import annotations

import json
from typing import Final

from crosswalk.cli import options, voice
from crosswalk.mapping import json_schema

EXAMPLES: Final = (
    "crosswalk schema > crosswalk.schema.json",
    "# then, in the first line of crosswalk.yaml:",
    "# yaml-language-server: $schema=crosswalk.schema.json",
)
EXITS: Final = {0: "printed"}


def schema(as_json: options.Json = False) -> int:
    """Print the JSON schema of the mapping document, for editors.

    With --json it stands under `schema` in the usual object.
    """
    found = json_schema()
    if as_json:
        return voice.give(voice.Answer(data={"schema": found}, view=()), as_json=True)
    print(json.dumps(found, indent=2))  # noqa: T201
    return 0
