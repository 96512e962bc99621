"""Words that schemas of any trade share: words that say little, words at opposite poles, units, labels.

General vocabulary of databases and nothing of a single trade: what belongs to one schema is found by
structure (a table's own name, a prefix that many columns share), not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LIGHT: Final = _set(
    "at on is has was of the a an am in by for to date time timestamp datetime day last current flag list "
    "array value"
)
"""Words that change little: articles, and what a type says already."""

POLES: Final[tuple[tuple[frozenset[str], ...], ...]] = tuple(
    tuple(frozenset(pole.split()) for pole in axis.split("|"))
    for axis in (
        "bill|ship", "forename|surname|fullname middle|username", "first|last|middle",
        "start from begin since valid|end until to till thru",
        "minimum least low lowest|maximum most high highest|average|total",
        "home private|work office business|mobile",
        "create|update|delete|approve|cancel|publish|view|verify|confirm",
        "mother|father", "source from sender origin|target to destination recipient receiver", "latitude|longitude",
        "width|height|depth|length|weight",
        "net subtotal|gross|tax vat|discount|fee|tip", "buy purchase ek cost|sell sale retail vk",
        "old previous before|new next after|current",
        "open|close", "left|right", "debit|credit", "year|month|week|day", "parent|child", "male|female",
        "actual|planned|estimated|expected",
        "x|y|z", "1|2|3|4|5|6|7|8|9", "author write writer|editor edit|owner|reviewer review", "assign|report|approve|request",
        "arrival arrive|departure depart", "in inbound incoming|out outbound outgoing", "due|issue|paid",
        "ordered|shipped|returned|refunded|invoiced",
        "yellow|red|green|blue", "winner|loser", "husband|wife", "available|total|reserved|sold",
        "north|south|east|west", "up|down", "hire|terminate",
        "read|write", "upload|download", "input|output", "send|receive", "primary|secondary", "income|expense", "win|loss|draw",
        "systolic|diastolic", "buyer|seller", "city|country|street|postcode", "like|dislike", "away|host",
    )
)
"""Words of one axis that stand at different poles: a name with the one is never a name with the other."""

FLIPS: Final[Mapping[str, str]] = {
    negative: positive
    for pair in (
        "active inactive disabled blocked banned suspended locked deactivated", "visible hidden invisible",
        "public private", "open closed close",
        "work off", "available unavailable", "valid invalid", "online offline", "read unread", "enabled disabled",
    )
    for positive, *negatives in (pair.split(),)
    for negative in negatives
    if (positive, negative) != ("enabled", "disabled")
}
"""Words of flags that say the opposite: what is the one is not the other."""

GENERIC: Final = LIGHT | _set(
    "id name title label code type kind status data information number count amount total text key no "
    "user object active level group category email phone comment note description config extra "
    "setting meta metadata content"
)
"""Words that so many columns carry that sharing only one of them means nothing where the rest differs."""

SELF: Final = _set("record row entry entity object")
"""Words for the row itself, whatever the table's name."""

SPARE: Final = _set("main primary first default")
"""Before one value, words that choose it among several."""

COPY: Final = _set("copy alt alternative backup dup duplicate 2 old new")
"""Words that mark a column as a repetition of another."""

SECRET: Final = _set("password secret token apikey credential private cookie salt otp pin")
"""Words of columns whose values are best left behind for good."""

DOCUMENTS: Final = _set("setting extra context meta metadata attribute property option custom misc detail")
"""Words of json columns that take what has no column of its own."""

DURATIONS: Final = _set(
    "duration dur work worked overtime break latency length interval period timeout delay age elapsed runtime lead"
)
"""Words of columns that hold a span of time."""

MONEY: Final = _set("price cost amount total fee balance sum salary charge payment paid prepaid revenue budget tax")
"""Words of columns that hold money."""

UNITS: Final[Mapping[str, tuple[str, int]]] = {
    "ms": ("time", 1), "msec": ("time", 1), "millisecond": ("time", 1), "milli": ("time", 1), "millis": ("time", 1),
    "sec": ("time", 1000), "secs": ("time", 1000), "second": ("time", 1000), "seconds": ("time", 1000), "s": ("time", 1000),
    "minute": ("time", 60_000), "minutes": ("time", 60_000), "mins": ("time", 60_000),
    "hour": ("time", 3_600_000), "hours": ("time", 3_600_000), "hrs": ("time", 3_600_000), "hr": ("time", 3_600_000),
    "cent": ("money", 1), "cents": ("money", 1), "pence": ("money", 1), "kopeck": ("money", 1),
    "mg": ("mass", 1), "gram": ("mass", 1000), "grams": ("mass", 1000), "g": ("mass", 1000), "gr": ("mass", 1000),
    "kg": ("mass", 1_000_000),
    "kilogram": ("mass", 1_000_000), "kilo": ("mass", 1_000_000), "tonne": ("mass", 1_000_000_000),
    "mm": ("reach", 1), "cm": ("reach", 10), "metre": ("reach", 1000), "meter": ("reach", 1000), "km": ("reach", 1_000_000),
    "bytes": ("size", 1), "byte": ("size", 1), "kb": ("size", 1024), "mb": ("size", 1048576), "gb": ("size", 1073741824),
    "ml": ("volume", 1), "cl": ("volume", 10), "litre": ("volume", 1000), "liter": ("volume", 1000),
    "watt": ("power", 1), "kw": ("power", 1000), "wh": ("energy", 1), "kwh": ("energy", 1000),
}
"""What is measured, and how many of the smallest unit one of these holds; words of column names and comments."""

MEASURES: Final = _set("weight height width length depth distance size temperature volume speed pressure power energy area mass")
"""Words of columns that are measured in some unit or other."""

YES: Final = _set("y yes t true 1 on j ja s si sim sí o oui x д да active enabled")
NO: Final = _set("n no f false 0 off nein non nao não н нет inactive disabled")
"""Words of flags that are kept as text."""

LABELS: Final[tuple[frozenset[str], ...]] = tuple(
    frozenset(group.split())
    for group in (
        "cancelled canceled cancel", "completed complete done finished closed", "confirmed confirm", "pending waiting",
        "active enabled on yes true", "inactive disabled off no false", "male m man", "female f woman",
        "inbound incoming in", "outbound outgoing out", "failed error failure", "sent delivered", "draft new",
        "offen open", "bezahlt paid", "storniert cancelled",
        "noshow no_show", "deleted removed", "archived archive",
        "german de deu ger deutsch", "english en eng", "french fr fra fre francais", "spanish es spa espanol",
        "italian it ita italiano", "russian ru rus", "polish pl pol", "dutch nl nld", "portuguese pt por",
        "chinese zh zho", "japanese ja jpn", "latin la lat", "turkish tr tur", "ukrainian uk ukr",
        "euro eur", "dollar usd", "pound gbp", "rouble ruble rub", "monday mon", "tuesday tue", "wednesday wed",
        "thursday thu", "friday fri", "saturday sat", "sunday sun",
    )
)
"""Labels that mean the same wherever they stand."""
