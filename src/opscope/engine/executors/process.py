"""One worker process as its executor sees it: start it, talk to it, tell how it ended."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
from typing import IO

import msgspec

from opscope.engine.messages import Answer, Request
from opscope.engine.recorder import FlightRecorder, Position
from opscope.errors import InputError, WorkerError

_LAST_WORDS = 4000
_CHUNK = 1 << 16


class WorkerDied(Exception):  # noqa: N818 - an event that the executor handles
    """A worker process ended unasked.

    Attributes:
        signal: The signal that ended it, if one did.
        how: The same in words.
        position: What it was doing.
        last_words: The end of what it and its runtime printed.
    """

    def __init__(self, returncode: int, position: Position, last_words: str) -> None:
        self.signal = signal.Signals(-returncode) if returncode < 0 else None
        self.how = f"killed by {self.signal.name}" if self.signal else f"exit status {returncode}"
        self.position = position
        self.last_words = last_words
        super().__init__(self.how)


class WorkerProcess:
    """A running ``opscope.engine.service``, in the environment of a Python interpreter.

    Raises:
        InputError: If there is no such interpreter.
    """

    def __init__(self, python: str = sys.executable) -> None:
        self._recorded = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        self._chatter = tempfile.TemporaryFile()  # noqa: SIM115 - so does this
        self._recorder = FlightRecorder(self._recorded.fileno())
        self._decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
        self._buffer = bytearray()
        self._process = self._start(python)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    def _start(self, python: str) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [
                    # -P: a file in the current folder must not pass for a package.
                    *(python, "-P", "-m", "opscope.engine.service"),
                    *(str(self._recorder.descriptor), str(os.getpid())),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._chatter,
                pass_fds=[self._recorder.descriptor],
                start_new_session=True,  # Ctrl-C is for the runner, which ends its worker itself
            )
        except OSError as exc:
            self._recorded.close()
            self._chatter.close()
            raise InputError(
                f"this interpreter does not start: {exc.strerror}",
                where=python,
                remedy="Name the python of an environment that opscope is installed in.",
            ) from exc

    @property
    def _output(self) -> int:
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        return self._process.stdout.fileno()

    def send(self, request: Request) -> None:
        """Write one request; what the worker noted for an earlier one is wiped out.

        Raises:
            WorkerDied: If nobody is there to read it.
        """
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        self._recorder.write(Position())
        try:
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as exc:
            raise self._death() from exc

    def wait(self, seconds: float | None) -> Answer | None:
        """Return the next answer, or nothing if none comes within ``seconds``.

        Raises:
            WorkerDied: If the process ends instead.
            WorkerError: If it says something that is no answer.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if not self._selector.select(seconds):
                return None
            chunk = os.read(self._output, _CHUNK)
            if not chunk:
                raise self._death()
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return self._decoder.decode(line)
        except msgspec.DecodeError as exc:
            raise WorkerError(f"a worker said {line[:80]!r}, which is no answer") from exc

    def position(self) -> Position:
        """Return what the worker last noted it was doing."""
        return self._recorder.read()

    def end(self) -> None:
        """End the process, if it still runs, and give back what belonged to it."""
        self._selector.close()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                _close_quietly(stream)
        self._recorded.close()
        self._chatter.close()

    def _death(self) -> WorkerDied:
        returncode = self._process.wait()
        size = os.fstat(self._chatter.fileno()).st_size
        start = max(0, size - _LAST_WORDS)
        words = os.pread(self._chatter.fileno(), _LAST_WORDS, start)
        return WorkerDied(returncode, self.position(), words.decode(errors="replace").strip())


def _close_quietly(stream: IO[bytes]) -> None:
    """Close a pipe whose other end may be gone with bytes still unsent."""
    try:
        stream.close()
    except BrokenPipeError:
        return
