"""Every exception opscope raises on purpose, in one tree.

    OpscopeError
    ├── InputError              something the user wrote cannot be meant
    │   ├── ConfigurationError  a configuration, workload or platform text
    │   │   ├── ParameterError      a parameter is unknown, missing or of a wrong type
    │   │   └── ImpossibleError     its parameters cannot go together
    │   ├── StudyError          a study file
    │   └── TableError          a table of measurements
    ├── PlatformError           a platform cannot do what was asked
    │   ├── PlatformUnavailable its package or its device is missing or broken
    │   └── UnsupportedWorkload it has no form of this workload, or none in this precision
    ├── MeasurementError        a meter could not read a deployment
    ├── StoreError              the database is foreign, newer, busy or damaged
    └── WorkerError             a worker process broke the protocol

Errors of other packages are mapped to these where they enter, with `raise … from exc`.
"""

from __future__ import annotations

from typing import TypeVar

E = TypeVar("E", bound="OpscopeError")


class OpscopeError(Exception):
    """What was wrong, where, and what to do about it.

    Args:
        what: The fault, without a full stop: ``groups must divide cin``.
        where: The text, file and key, or object at fault: ``conv(cin=30, groups=4)``.
        remedy: What would help, as a sentence of its own: ``Use 1, 2, 3 or 5.``
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if not text.endswith((".", "!", "?")):
            text += "."
        return f"{text} {self.remedy}" if self.remedy else text

    def at(self, where: str) -> OpscopeError:
        """Return the same error with a wider place in front: a file, a key path."""
        place = f"{where}: {self.where}" if self.where else where
        return type(self)(self.what, where=place, remedy=self.remedy)


class InputError(OpscopeError):
    """Something the user wrote cannot be meant."""


class ConfigurationError(InputError):
    """A configuration, workload or platform text is malformed or impossible."""


class ParameterError(ConfigurationError):
    """A parameter is unknown, missing or of a wrong type.

    Args:
        what: As of every error; `where` and `remedy` too.
        where: The configuration.
        remedy: What would help.
        parameter: Its name; ``kind`` or ``name`` if it is these that are unknown.
    """

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", parameter: str = ""
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.parameter = parameter


class ImpossibleError(ConfigurationError):
    """The parameters of a configuration cannot go together."""


class StudyError(InputError):
    """A study file is malformed or asks for something impossible."""


class TableError(InputError):
    """A table of measurements has missing, non-numeric or contradictory values."""


class PlatformError(OpscopeError):
    """A platform cannot do what was asked of it."""


class PlatformUnavailable(PlatformError):  # noqa: N818 - it states a condition, not a fault
    """The package or the device a platform needs is missing or broken."""


class UnsupportedWorkload(PlatformError):  # noqa: N818 - it states a condition, not a fault
    """A platform has no form of a workload: an operator, or an operator in a precision."""


class MeasurementError(OpscopeError):
    """A meter could not read what it was asked to read."""


class StoreError(OpscopeError):
    """The database is foreign, newer, in use by another writer, or damaged."""


class WorkerError(OpscopeError):
    """A worker process broke the protocol it speaks with its executor."""


def unreadable(kind: type[E], exc: OSError | UnicodeError, *, where: str, wanted: str) -> E:
    """Return the error for a file of the user's that could not be read as text.

    Args:
        kind: Kind of the error.
        exc: What reading it raised.
        where: The file's name, as the user wrote it.
        wanted: What should have been named: ``a CSV file``.
    """
    if isinstance(exc, UnicodeError):
        remedy = f"Name {wanted}, or save it as UTF-8."
        return kind("cannot be read: it is not text in UTF-8", where=where, remedy=remedy)
    remedies = {
        FileNotFoundError: f"Name {wanted} that exists.",
        NotADirectoryError: f"Name {wanted} that exists.",
        IsADirectoryError: f"Name {wanted} in it.",
        PermissionError: "Allow yourself to read it.",
    }
    remedy = remedies.get(type(exc), f"Name {wanted} that can be read.")
    return kind(f"cannot be read: {exc.strerror or exc}", where=where, remedy=remedy)
