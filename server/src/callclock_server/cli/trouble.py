"""What can be foreseen to go wrong, in sentences: what happened, and how to mend it."""

from __future__ import annotations

from callclock import (
    ApiError,
    AuthenticationError,
    ConnectionFailed,
    NotFound,
    TimedOut,
    UnexpectedAnswer,
)

from callclock_server.bus import BusUnavailable
from callclock_server.settings import SettingsError
from callclock_server.storage.availability import DatabaseUnusable


class Trouble(Exception):
    """Something that the person at the keyboard can mend."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy


def as_trouble(exc: Exception) -> Trouble | None:
    """The trouble that an exception stands for; None for a fault of ours, which keeps its traceback."""
    match exc:
        case Trouble():
            return exc
        case SettingsError():
            return Trouble(f"The configuration cannot be used: {exc}", _settings_remedy(str(exc)))
        case BusUnavailable():
            return Trouble(
                str(exc),
                "Check CALLCLOCK_REDIS_URL and that Redis runs; `callclock doctor` looks at everything.",
            )
        case DatabaseUnusable():
            return Trouble(exc.sentence, exc.remedy)
        case ConnectionFailed() | TimedOut():
            return Trouble(
                str(exc), "Start the server with `callclock serve`, or name its address with --url."
            )
        case UnexpectedAnswer():
            return Trouble(str(exc), "Name the address of the Callclock server with --url.")
        case AuthenticationError():
            return Trouble(
                f"The server does not accept our key: {exc}",
                "Set CALLCLOCK_KEYS to a key and secret that the server knows.",
            )
        case NotFound(code="call-not-found" | "call-type-not-found"):
            return Trouble(
                "There is no such call.", "`callclock calls list --all` shows the calls there are."
            )
        case ApiError():
            return Trouble(
                f"The server refused: {exc}", "Nothing was changed; docs/errors.md explains the code."
            )
        case _:
            return _of_the_machine(exc)


def _settings_remedy(text: str) -> str:
    if "CALLCLOCK_KEYS" in text:
        return "Run `callclock keys generate` and put the line that it prints into the environment."
    return "Correct it in the environment or the settings file; `callclock doctor` looks at everything."


def _of_the_machine(exc: Exception) -> Trouble | None:
    from sqlalchemy.exc import DBAPIError

    if isinstance(exc, DBAPIError):
        return Trouble(
            f"The database cannot be used: {exc.orig}",
            "Check CALLCLOCK_DATABASE_URL or CALLCLOCK_DATA_DIR; `callclock doctor` says more.",
        )
    if isinstance(exc, PermissionError | FileNotFoundError | NotADirectoryError | FileExistsError):
        return Trouble(
            f"A file or folder cannot be used: {exc}",
            "Set CALLCLOCK_DATA_DIR to a folder in which this user may write.",
        )
    return None
