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


SPELLINGS: Final = _by_word(
    [
        "phone tel telephone phonenumber ph",
        "email mail emailaddress eml",
        "quantity qty quant",
        "number num nr no numero",
        "count cnt",
        "amount amt",
        "name nm nme",
        "code cd",
        "description descr desc descrip",
        "address addr adr adrs",
        "identifier ident",
        "date dt dte",
        "timestamp ts dttm tstamp",
        "language lang",
        "category cat categ ctgry",
        "image img",
        "customer cust custr",
        "organisation organization org",
        "department dept dpt",
        "employee empl emp employe",
        "manager mgr mngr",
        "supervisor supv",
        "product prd",
        "reference ref",
        "average avg",
        "minimum min mini",
        "maximum max maxi",
        "total tot ttl",
        "percent pct perc",
        "latitude lat",
        "longitude lon lng",
        "forename fname firstname",
        "surname lname lastname",
        "birth dob birthday birthdate",
        "message msg",
        "config configuration cfg",
        "parameter param",
        "attribute attr attrib",
        "password passwd pwd",
        "document doc",
        "transaction txn trx",
        "account acct",
        "balance bal",
        "humidity humid",
        "battery batt",
        "firmware fw",
        "weight wt wgt",
        "height hgt",
        "priority prio",
        "previous prev",
        "sequence seq",
        "information info",
        "reason rsn",
        "approve aprv",
        "acknowledge ack acked acknowledged",
        "salary sal",
        "delete del deleted removed",
        "active actv",
        "temporary tmp",
        "destination dst dest",
        "source src",
        "payment pmt pymt",
        "country ctry cntry",
        "street str",
        "metadata meta",
        "column col",
        "group grp",
        "level lvl",
        "point pts",
        "year yr",
        "month mth",
        "title ttle",
        "status stat sts",
        "type typ tp",
        "unit uom",
        "warehouse whs",
        "supplier supp splr",
        "vehicle veh",
        "project proj prj",
        "comment cmt cmnt",
        "model mdl",
        "license licence lic",
        "frequency freq",
        "hospital hosp",
        "percentage percnt",
        "flag yn flg indicator",
        "enrolment enrollment enroll enrol enrolled",
        "colour color",
        "timezone tz tzone",
        "receive recv rcv rcvd",
        "vehicle veh",
        "centre center",
        "catalogue catalog",
        "grey gray",
        "cheque check",
    ]
)
"""Abbreviations and spellings of one word: they change nothing."""

SAME: Final = SPELLINGS | _by_word(
    [
        "phone telefon tele phon",
        "month ym",
        "temperature temp",
        "position pos posn",
        "discount disc",
        "invoice inv",
        "permission perm",
        "account acc",
        "expiration exp",
        "approve appr",
        "device dev",
        "config conf",
        "admission adm",
        "humidity hum",
        "patient pat",
        "department dep",
        "product prod",
        "request req rqst",
        "response resp rsp",
        "flag ind",
        "serial ser",
        "version ver vers",
        "point pt",
        "id key_id ids pk uid guid",
        "time tm",
        "picture pic photo photograph",
        "url link href uri",
        "mobile cell cellphone msisdn handy",
        "forename given firstname fname prename",
        "surname lastname lname familyname family",
        "gender sex",
        "birth born",
        "postcode zip zipcode postal plz",
        "login signin logon",
        "status state stat sts st",
        "average mean",
        "password pass",
        "percent percentage rate",
        "create created creation inserted insert added registered register registration reg joined",
        "update updated modified modify changed touched upd amended",
        "delete deleted removed discarded trashed",
        "sync synced synchronized synchronised synchronization synchronisation",
        "start started begun beginning begin starting",
        "end ended finish finished stop stopped ending",
        "expire expires expired expiry expiration",
        "cancel cancelled canceled",
        "complete completed done",
        "active enabled",
        "terminate terminated termination",
        "approve approved approval approver",
        "request requested",
        "ship shipped shipping shipment delivery deliver delivered",
        "bill billing billed",
        "view viewed",
        "verify verified verification",
        "publish published publication",
        "confirm confirmed confirmation",
        "assign assigned assignee",
        "report reported reporter",
        "write written writer",
        "edit edited editor",
        "close closed closing",
        "order ordered",
        "hash digest encrypted hashed",
        "website homepage web site",
        "stock onhand inventory",
        "gross brutto grand",
        "net netto",
        "vat mwst",
        "pass passed",
        "clear cleared",
        "raise raised",
        "copy copies",
        "hire hired",
        "sell sale sold selling",
        "work worked working",
        "receive received receipt",
        "send sent",
    ]
)
"""Abbreviations, spellings and forms of one word."""

PHRASES: Final[Mapping[tuple[str, ...], str]] = {
    tuple(text.split("=")[0].split()): text.split("=")[1]
    for text in (
        "first name=forename", "given name=forename", "forename name=forename", "last name=surname", "surname name=surname",
        "date of birth=birth", "birth date=birth", "e email=email", "post code=postcode", "postcode code=postcode", "zip code=postcode",
        "sign in=login", "log in=login", "sign up=create", "user name=username", "phone number=phone", "web site=website",
        "home page=website", "time zone=timezone", "sub total=subtotal", "opt in=consent", "on hand=stock",
        "email address=email", "ip address=ip", "website url=website", "serial number=serial", "start from=start",
        "full name=fullname", "whole name=fullname", "sort order=rank", "line number=line", "number of=count", "title of courtesy=salutation", "to date=end", "from date=start", "date to=end", "date from=start", "to time=end", "from time=start",
    )
}
"""Words that together are one, in their plain form."""

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
        "edit update",
        "source from",
        "target to",
        "headline title",
        "headline name",
        "article post",
        "mobile phone",
        "username login",
        "fullname name",
        "pupil student learner",
        "teacher staff instructor lecturer",
        "line item row",
        "order sell",
        "sku article product",
        "grade mark",
        "point score",
        "alert alarm",
        "reading measurement sample observation",
        "workspace project team space",
        "link dependency relation",
        "label tag",
        "detail description",
        "post article entry",
        "author writer",
        "author write",
        "supplier vendor seller",
        "price rate",
        "total amount",
        "gross total",
        "subtotal net",
        "due deadline",
        "salutation title",
        "street address",
        "stock quantity",
        "shop store",
        "branch location store",
        "region province",
        "invoice bill",
        "leave absence vacation",
        "ship dispatch",
        "start begin valid",
        "parent up superior",
        "maker manufacturer brand",
        "car vehicle",
        "doctor physician",
        "film movie",
        "room chamber",
        "company employer",
        "job position",
        "rank grade level",
        "birth dob",
        "level stage",
        "avatar photo",
        "body message",
        "views hit",
        "login user",
        "profile account",
    )
)
"""Words that are often used for one thing, and sometimes are not."""

LIGHT: Final = _set(
    "at on is has was of the a an am in by for to date time timestamp datetime day last current flag list "
    "array value"
)
"""Words that change little: articles, and what a type says already."""

POLES: Final[tuple[tuple[frozenset[str], ...], ...]] = tuple(
    tuple(frozenset(pole.split()) for pole in axis.split("|"))
    for axis in (
        "bill|ship", "forename|surname|fullname middle|username", "first|last|middle", "start from begin since valid|end until to till thru",
        "minimum least low lowest|maximum most high highest|average|total", "home private|work office business|mobile", "create|update|delete|approve|cancel|publish|view|verify|confirm",
        "mother|father", "source from sender origin|target to destination recipient receiver", "latitude|longitude", "width|height|depth|length|weight",
        "net subtotal|gross|tax vat|discount|fee|tip", "buy purchase ek cost|sell sale retail vk", "old previous before|new next after|current",
        "open|close", "left|right", "debit|credit", "year|month|week|day", "parent|child", "male|female", "actual|planned|estimated|expected",
        "x|y|z", "1|2|3|4|5|6|7|8|9", "author write writer|editor edit|owner|reviewer review", "assign|report|approve|request",
        "arrival arrive|departure depart", "in inbound incoming|out outbound outgoing", "due|issue|paid", "ordered|shipped|returned|refunded|invoiced",
        "yellow|red|green|blue", "winner|loser", "husband|wife", "available|total|reserved|sold", "north|south|east|west", "up|down", "hire|terminate",
        "read|write", "upload|download", "input|output", "send|receive", "primary|secondary", "income|expense", "win|loss|draw",
        "systolic|diastolic", "buyer|seller", "city|country|street|postcode", "like|dislike", "away|host",
    )
)
"""Words of one axis that stand at different poles: a name with the one is never a name with the other."""

FLIPS: Final[Mapping[str, str]] = {
    negative: positive
    for pair in (
        "active inactive disabled blocked banned suspended locked deactivated", "visible hidden invisible", "public private", "open closed close",
        "working off", "available unavailable", "valid invalid", "online offline", "read unread", "enabled disabled",
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

DURATIONS: Final = _set("duration dur work worked overtime break latency length interval period timeout delay age elapsed runtime lead")
"""Words of columns that hold a span of time."""

MONEY: Final = _set("price cost amount total fee balance sum salary charge payment paid prepaid revenue budget tax")
"""Words of columns that hold money."""

UNITS: Final[Mapping[str, tuple[str, int]]] = {
    "ms": ("time", 1), "msec": ("time", 1), "millisecond": ("time", 1), "milli": ("time", 1), "millis": ("time", 1),
    "sec": ("time", 1000), "secs": ("time", 1000), "second": ("time", 1000), "seconds": ("time", 1000), "s": ("time", 1000),
    "minute": ("time", 60_000), "minutes": ("time", 60_000), "mins": ("time", 60_000),
    "hour": ("time", 3_600_000), "hours": ("time", 3_600_000), "hrs": ("time", 3_600_000), "hr": ("time", 3_600_000),
    "cent": ("money", 1), "cents": ("money", 1), "pence": ("money", 1), "kopeck": ("money", 1),
    "mg": ("mass", 1), "gram": ("mass", 1000), "grams": ("mass", 1000), "g": ("mass", 1000), "gr": ("mass", 1000), "kg": ("mass", 1_000_000),
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
        "inbound incoming in", "outbound outgoing out", "failed error failure", "sent delivered", "draft new", "offen open", "bezahlt paid", "storniert cancelled",
        "noshow no_show", "deleted removed", "archived archive",
        "german de deu ger deutsch", "english en eng", "french fr fra fre francais", "spanish es spa espanol",
        "italian it ita italiano", "russian ru rus", "polish pl pol", "dutch nl nld", "portuguese pt por",
        "chinese zh zho", "japanese ja jpn", "latin la lat", "turkish tr tur", "ukrainian uk ukr",
        "euro eur", "dollar usd", "pound gbp", "rouble ruble rub", "monday mon", "tuesday tue", "wednesday wed",
        "thursday thu", "friday fri", "saturday sat", "sunday sun",
    )
)
"""Labels that mean the same wherever they stand."""
