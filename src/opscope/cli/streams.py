"""Where text leaves opscope: readable in any encoding, no trailing blanks, failing in words."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import TextIO

_PLAIN = {
    **dict(zip("▁▂▃▄▅▆▇█", "..:-=+*#", strict=True)),
    **dict(zip("│└─▲µ×–—−·", "|+-^ux----", strict=True)),
    "…": "...",
    **{chr(0x2400 + code): f"^{chr(code ^ 0x40)}" for code in range(0x20)},
    "␡": "^?",
}
"""What stands for a character that an encoding lacks; control pictures as ``cat -v`` has them."""

_CONTROL: dict[int, int | str] = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "␡",
    **dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}"),
}

_BEFORE_NEWLINE = re.compile(r" +(?=\n)")


class Unwritable(Exception):  # noqa: N818 - it states a condition, not a fault
    """Standard output does not take what is written to it."""


class CutOff(Exception):  # noqa: N818 - it states a condition, not a fault
    """The reader of standard output is gone. No ``OSError``, which click and rich would act on."""


def visible(text: str) -> str:
    """Return ``text`` with its control characters as pictures: a terminal must not obey them."""
    return text.translate(_CONTROL)


class Output(io.TextIOBase):
    """A text stream that can spell everything and says why it cannot be written.

    Args:
        stream: Where the text goes; absent where the caller closed it.
        essential: Whether text that cannot be written is an error; what is said on standard error
            can be said nowhere else, and is lost.
    """

    def __init__(self, stream: TextIO | None, *, essential: bool) -> None:
        super().__init__()
        self._stream = stream
        self._essential = essential
        self._held = ""  # blanks that a newline may follow

    @property
    def encoding(self) -> str:  # type: ignore[override]  # documented as read-only
        """The encoding of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write ``text``, characters that the encoding lacks by others.

        Raises:
            Unwritable: If the stream is essential and refuses.
            CutOff: If it is essential and its reader is gone.
        """
        shown = text.encode(self.encoding, _SPELL).decode(self.encoding)
        if not self.isatty():
            shown = _BEFORE_NEWLINE.sub("", self._held + shown)
            end = len(shown.rstrip(" "))
            self._held, shown = shown[end:], shown[:end]
        with self._refusals():
            if self._stream is None:
                raise OSError(errno.EBADF, "it is closed")
            if shown:  # even of nothing, a full disk would complain, and click asks with nothing
                self._stream.write(shown)
        return len(text)

    def flush(self) -> None:
        """Hand over what was written; raises as `write`."""
        with self._refusals():
            if self._stream:
                self._stream.flush()

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            self._discard()
            if self._essential:
                gone = isinstance(exc, BrokenPipeError)
                raise CutOff if gone else Unwritable(exc.strerror or str(exc)) from exc

    def _discard(self) -> None:
        """Let the stream forget what it holds, or it would be tried again, in vain, at the end."""
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def own_streams() -> Iterator[None]:
    """Put an `Output` before standard output and standard error."""
    held = sys.stdout, sys.stderr
    sys.stdout = Output(sys.stdout, essential=True)
    sys.stderr = Output(sys.stderr, essential=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = held


def _spell(exc: UnicodeError) -> tuple[str, int]:
    """Return what stands for the characters that an encoding lacks."""
    if not isinstance(exc, UnicodeEncodeError):
        raise exc
    return "".join(map(_plain, exc.object[exc.start : exc.end])), exc.end


def _plain(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    base = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return base or character.encode("ascii", "backslashreplace").decode()


_SPELL = "opscope.spell"
codecs.register_error(_SPELL, _spell)
