"""Words that schemas of any trade share: abbreviations, near synonyms, words that say little.

General vocabulary of databases and nothing of a single trade: what belongs to one schema is found by
structure (a table's own name, a prefix that many columns share), not listed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final


def _by_word(groups: Iterable[str]) -> Mapping[str, str]:
    """Each word of a group by the group's first."""
    return {word: group.split()[0] for group in groups for word in group.split()}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SAME: Final = _by_word(
    [
        "phone tel telephone phonenumber mobile cell cellphone msisdn fone",
        "email mail emailaddress",
        "quantity qty quant",
        "number num nr no numero",
        "count cnt counter",
        "amount amt",
        "description descr desc",
        "address addr",
        "identifier ident",
        "id key_id ids pk uid",
        "date dt",
        "time tm",
        "timestamp ts",
        "language lang",
        "category cat categ",
        "image img picture pic photo",
        "url link href uri",
        "customer cust",
        "organisation organization org",
        "department dept dep",
        "employee empl emp",
        "product prod",
        "reference ref",
        "position pos",
        "average avg mean",
        "minimum min",
        "maximum max",
        "total tot",
        "percent pct percentage",
        "latitude lat",
        "longitude lon lng long",
        "postcode zip zipcode postal plz",
        "first given forename fname firstname",
        "surname lname lastname family familyname",
        "sex gender",
        "birth dob birthday birthdate born",
        "message msg",
        "status state stat",
        "config configuration cfg conf",
        "parameter param",
        "attribute attr",
        "password passwd pwd pass",
        "document doc",
        "transaction txn trx tx",
        "account acct",
        "balance bal",
        "temperature temp",
        "weight wt",
        "priority prio",
        "height ht",
        "previous prev",
        "sequence seq",
        "version ver",
        "information info",
        "create created creation inserted insert added registered",
        "update updated modified modify changed edited touched",
        "delete deleted removed",
        "sync synced synchronized synchronised synchronization synchronisation",
        "start started begin begun beginning",
        "end ended finish finished stop stopped",
        "expire expires expired expiry expiration",
        "cancel cancelled canceled",
        "complete completed done",
        "active enabled",
    ]
)
"""Abbreviations, spellings and forms of one word."""

NEAR: Final[tuple[frozenset[str], ...]] = tuple(
    frozenset(group.split())
    for group in (
        "title name label caption heading",
        "note comment remark memo annotation",
        "comment description",
        "note description",
        "cost price charge fee",
        "quantity count",
        "quantity amount",
        "paid prepaid payment",
        "customer client",
        "company firm organisation business",
        "employee staff worker personnel",
        "product item article goods",
        "user member account",
        "category group kind type",
        "order purchase",
        "picture image avatar",
        "code number",
        "score rating",
        "locale language",
        "capacity load",
        "reason cause",
        "audit history log journal",
        "item line position",
        "start from",
        "end until",
        "text content body",
        "town city",
        "nation country",
        "income revenue",
        "rank order position",
        "salary wage pay",
        "birth birthdate",
        "last surname",
    )
)
"""Words that are often used for one thing, and sometimes are not."""

LIGHT: Final = _set(
    "at on is has was of the a an in by for to date time timestamp datetime day last current flag list "
    "array value"
)
"""Words that change little: articles, and what a type says already."""

GENERIC: Final = LIGHT | _set(
    "id name title label code type kind status data information number count amount total text key no "
    "user object flag active level group category email phone comment note description config extra "
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

DURATIONS: Final = _set("duration length interval period timeout delay age elapsed runtime lead")
"""Words of columns that hold a span of time."""

MONEY: Final = _set("price cost amount total fee balance sum salary charge payment paid prepaid revenue budget tax")
"""Words of columns that hold money."""

UNITS: Final[Mapping[str, tuple[str, int]]] = {
    "sec": ("time", 1), "secs": ("time", 1), "second": ("time", 1), "seconds": ("time", 1), "s": ("time", 1),
    "minute": ("time", 60), "minutes": ("time", 60), "mins": ("time", 60),
    "hour": ("time", 3600), "hours": ("time", 3600), "hrs": ("time", 3600),
    "cent": ("money", 1), "cents": ("money", 1), "pence": ("money", 1), "kopeck": ("money", 1),
    "gram": ("mass", 1), "grams": ("mass", 1), "kg": ("mass", 1000), "kilogram": ("mass", 1000),
    "mm": ("reach", 1), "cm": ("reach", 10), "metre": ("reach", 1000), "meter": ("reach", 1000), "km": ("reach", 1000000),
    "bytes": ("size", 1), "kb": ("size", 1024), "mb": ("size", 1048576),
}
"""What is measured, and how many of the smallest unit one of these holds; words of column names and comments."""

LABELS: Final[tuple[frozenset[str], ...]] = tuple(
    frozenset(group.split())
    for group in (
        "cancelled canceled cancel", "completed complete done finished closed", "confirmed confirm", "pending waiting",
        "active enabled on yes true", "inactive disabled off no false", "male m man", "female f woman",
        "inbound incoming in", "outbound outgoing out", "failed error failure", "sent delivered", "draft new",
        "noshow no_show", "deleted removed", "archived archive",
        "german de deu ger deutsch", "english en eng", "french fr fra fre francais", "spanish es spa espanol",
        "italian it ita italiano", "russian ru rus", "polish pl pol", "dutch nl nld", "portuguese pt por",
        "chinese zh zho", "japanese ja jpn", "latin la lat", "turkish tr tur", "ukrainian uk ukr",
        "euro eur", "dollar usd", "pound gbp", "rouble ruble rub", "monday mon", "tuesday tue", "wednesday wed",
        "thursday thu", "friday fri", "saturday sat", "sunday sun",
    )
)
"""Labels that mean the same wherever they stand."""
