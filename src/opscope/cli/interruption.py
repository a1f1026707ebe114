"""Ctrl-C: it ends opscope in one line, however often and whenever it comes."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130

_ONCE_IN_S = 1.0
"""Signals that follow each other within this time are one request to end."""

_ANEW_AFTER_S = 0.05
"""By then a finalizer is done."""


class _Answer:
    """Raises ``KeyboardInterrupt``, but not again while the first one is being heeded."""

    def __init__(self) -> None:
        self.last_s: float | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        now_s = time.monotonic()
        if self.last_s is not None and now_s - self.last_s < _ONCE_IN_S:
            return
        self.last_s = now_s
        raise KeyboardInterrupt

    def ask_again(self, lost: sys.UnraisableHookArgs) -> None:
        """Have an interrupt come anew that came where Python lets nothing be raised.

        Such are finalizers and the callbacks of weak references. ``lost`` is what Python tells of
        the exception it drops there.
        """
        if not isinstance(lost.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(lost)
            return
        self.last_s = None
        main = threading.main_thread().ident
        threading.Timer(_ANEW_AFTER_S, signal.pthread_kill, (main, signal.SIGINT)).start()


def answer_once() -> None:
    """Take repeated interrupts as one, unless whoever started us has them ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        answer = _Answer()
        # It tells of an interrupt that comes while it gives a connection back, and lets it through.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
        signal.signal(signal.SIGINT, answer)
        sys.unraisablehook = answer.ask_again


def was_interrupted() -> bool:
    """Whether an interrupt came, be it that a package made another exception of it."""
    answer = signal.getsignal(signal.SIGINT)
    return isinstance(answer, _Answer) and answer.last_s is not None


def leave(*notes: str) -> NoReturn:
    """End, saying so with ``notes`` on what is kept, and heed no further interrupt."""
    if isinstance(signal.getsignal(signal.SIGINT), _Answer):
        signal.signal(signal.SIGINT, _ignore)  # takes a signal under way, as SIG_IGN could not
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # holds until the very end of the process
    sys.stderr.write(f"opscope: {'; '.join(['interrupted', *notes])}\n")
    sys.stderr.flush()
    sys.exit(INTERRUPTED)


def _ignore(signum: int, frame: FrameType | None) -> None:
    del signum, frame
