"""docs/crosswalk.schema.json is the schema that the code makes, and names every key of the document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crosswalk.mapping import json_schema
from crosswalk.mapping.rules import KINDS

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "crosswalk.schema.json"


def test_the_file_is_current() -> None:
    written = SCHEMA.read_text(encoding="utf-8")
    assert written == json.dumps(json_schema(), indent=2) + "\n", "run: crosswalk schema > docs/crosswalk.schema.json"


def test_every_rule_has_its_place_and_unknown_keys_are_none() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    objects: dict[str, dict[str, Any]] = {name: each.get("anyOf", [each])[-1] for name, each in schema["$defs"].items()}
    assert all(each["additionalProperties"] is False for each in [schema, *objects.values()])
    described = {key for each in objects.values() for key in each["properties"]}
    assert set(KINDS) <= described
    assert {"from", "key", "where", "on_duplicate", "existing", "rejects", "source_key", "columns", "drop"} <= described


def test_short_forms_are_allowed() -> None:
    table = json_schema()["$defs"]["TableMapping"]["properties"]
    rules = {ref["$ref"].rpartition("/")[2] for ref in table["columns"]["additionalProperties"]["oneOf"]}
    assert rules == {
        "Take",
        "Sql",
        "Value",
        "Default",
        "Lookup",
        "Agree",
        "Fold",
        "MapLabels",
        "Zone",
        "Split",
        "First",
        "Unnest",
    }
    assert [o["type"] for o in json_schema()["$defs"]["Take"]["anyOf"]] == ["string", "object"]
    assert any(o.get("type") == "string" for o in table["drop"]["additionalProperties"]["anyOf"])
    assert any(o.get("pattern") == "^newest by .+" for o in table["on_duplicate"]["anyOf"])
