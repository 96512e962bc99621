"""Of a source that is read through a REST API."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_REFUSED, EXIT_USAGE, CrosswalkError


class BadRestAddress(CrosswalkError):
    """The REST source {url} cannot be used: {reason}."""

    remedy = (
        "Name it as https://PROJECT.supabase.co, or by the root of a PostgREST; the key comes from CROSSWALK_SOURCE_KEY or"
        " ?key_file=PATH, never from the URL itself."
    )
    exit_code = EXIT_USAGE


class RestKeyMissing(CrosswalkError):
    """No key was given for {url}."""

    remedy = (
        "Set CROSSWALK_SOURCE_KEY, or put the key into a file that only you can read and name it: {url}?key_file=PATH;"
        " on Supabase it is the secret key (or service_role) under Project Settings, API keys."
    )
    exit_code = EXIT_USAGE


class RestKeyUnusable(CrosswalkError):
    """The key from {origin} cannot be used: {reason}."""

    remedy = "Put the key alone, in one line, into the file or the variable."
    exit_code = EXIT_USAGE


class RestKeyRefused(CrosswalkError):
    """{url} refused {what} with HTTP {status}: {reason}."""

    remedy = (
        "Check that the key belongs to this project, has not expired, and may read every table;"
        " on Supabase take the secret key (or service_role) under Project Settings, API keys."
    )
    exit_code = EXIT_REFUSED


class RestUnreachable(CrosswalkError):
    """{url} cannot be reached for {what}: {reason}."""

    remedy = "Check the address and the network, then run the same command again; what was pulled before is kept."


class NoRestApi(CrosswalkError):
    """{url} is no PostgREST API: {reason}."""

    remedy = "Give the project's root (https://PROJECT.supabase.co) or the root of a PostgREST, where it answers with its OpenAPI."


class RestFailed(CrosswalkError):
    """{url} failed {what}, {tries} times: HTTP {status} {reason}."""

    remedy = "Look into the API's log; a time-out of the server wants a smaller page: add page=100 to the URL's parameters."


class RestRowsHidden(CrosswalkError):
    """The key for {url} speaks as {role}, and row-level security may hide rows from it ({empty})."""

    remedy = (
        "Take a key that sees all rows: on Supabase the secret key (or service_role). If no policy hides anything, say so by"
        " adding allow_anon=true to the URL's parameters: {url}?allow_anon=true"
    )
    exit_code = EXIT_REFUSED


class RestCannotDelete(CrosswalkError):
    """No row can be deleted for want of a source row: {url} was read as {role}, from whom row-level security may hide rows."""

    remedy = (
        "Take a key that sees all rows: on Supabase the secret key (or service_role). Without --delete-extra `crosswalk repair`"
        " moves what differs and leaves rows too many."
    )
    exit_code = EXIT_REFUSED


class RestUnsteady(CrosswalkError):
    """{table} did not hold still, {tries} times: {before} before, {pulled} pulled, {after} after."""

    remedy = "A REST source gives no snapshot: stop the writers of that table for a while, then run the same command again."


class RestNothingExposed(CrosswalkError):
    """{url} shows no table to {role}{views}."""

    remedy = (
        "Expose the schema in the API's settings and grant the key's role SELECT; where only views are exposed, add"
        " views=true to the URL's parameters."
    )
    exit_code = EXIT_REFUSED


class StagingBusy(CrosswalkError):
    """The rows pulled from {url} earlier are being read by another command."""

    remedy = "Wait until it has ended, or end it, then run the same command again."


class RestStyleUnknown(CrosswalkError):
    """The dates in {table}.{column} come in another style than ISO, and might be misread."""

    remedy = "On the source: `ALTER ROLE authenticator SET datestyle = 'ISO, YMD'`, then let the API reconnect."
    exit_code = EXIT_REFUSED
