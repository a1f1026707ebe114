"""What leaves opscope: in any encoding, on a full disk, to a reader who goes, under Ctrl-C."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from rich.table import Table
from rich.text import Text

from opscope.cli.output import console, print_json, print_line
from opscope.cli.streams import CutOff, Output, Unwritable, own_streams, visible
from tests.cli.running import started
from tests.engine.test_studies import GOOD

COMMAND = [sys.executable, "-m", "opscope.cli"]


def written(text, *, encoding="utf-8"):
    """Return what arrives when ``text`` is printed to a file of that encoding."""
    buffer = io.BytesIO()
    output = Output(io.TextIOWrapper(buffer, encoding=encoding), essential=True)
    output.write(text)
    output.flush()
    return buffer.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("ascii", "1.5 µs   [1 – 2] · 3×3 …", "1.5 us   [1 - 2] - 3x3 ..."),
        ("ascii", " ▁▂▃▄▅▆▇█│└─▲", " ..:-=+*#|+-^"),
        ("ascii", "é ² 中 ␛", "e 2 \\u4e2d ^["),
        ("latin-1", "µ × – é", "µ × - é"),
        ("utf-8", "µ – 中", "µ – 中"),
        ("utf-8", "a\udcff", "a\\udcff"),
    ],
)
def test_what_an_encoding_lacks_is_spelt_with_what_it_has(encoding, text, shown):
    assert written(text, encoding=encoding) == shown


def test_no_line_of_a_file_ends_in_blanks():
    assert written("a  \n  b   \n\nc d ") == "a\n  b\n\nc d"


def test_blanks_between_two_writes_are_kept_only_if_something_follows(capsys):
    with own_streams():
        for part in ("a ", " b ", "\n", " c", " "):
            sys.stdout.write(part)
    assert capsys.readouterr().out == "a  b\n c"


def test_control_characters_are_shown_and_not_obeyed():
    assert visible("a\x1b[31m\x07\x9b\x7f\tb\n") == "a␛[31m␇\N{REPLACEMENT CHARACTER}␡\tb\n"


def test_no_text_on_the_screen_is_a_command_to_the_terminal(capsys):
    table = Table("head\x1b[1m", box=None)
    table.add_row(Text("in a cell \x1b[31m"))
    with own_streams():
        console().print(table)
        console().print(Text("\x1b]0;title\x07", style="bold"))
        print_line("file\x1b[2J.onnx")
        print_json({"name": "\x1b\x9b"})
    page = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", page)
    assert page.count("␛") == 4
    assert json.loads(page[page.index("{") :]) == {"name": "\x1b\x9b"}


def test_json_is_the_same_in_an_encoding_that_lacks_its_characters(monkeypatch):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    print_json({"name": "µ中😀"})
    sys.stdout.flush()
    assert json.loads(buffer.getvalue().decode("ascii")) == {"name": "µ中😀"}


class Refusing(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        (Refusing(OSError(28, "No space left on device")), Unwritable, "No space left on device"),
        (Refusing(BrokenPipeError()), CutOff, None),
        (None, Unwritable, "it is closed"),
    ],
)
def test_a_stream_that_refuses_is_an_error_unless_it_carries_errors(stream, error, message):
    with pytest.raises(error, match=message):
        Output(stream, essential=True).write("x")
    assert Output(stream, essential=False).write("x") == 1


@pytest.mark.parametrize("arguments", [("study", "list"), ("study", "list", "--json"), ("--help",)])
def test_a_full_disk_is_one_line_and_its_exit_code(arguments):
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        result = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 74
    assert result.stderr == (
        "opscope: standard output cannot be written: No space left on device. Send it elsewhere.\n"
    )


@pytest.mark.parametrize("arguments", [("study", "list"), ("study", "list", "--json"), ("--help",)])
def test_a_reader_who_goes_ends_it_quietly(arguments):
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [*COMMAND, *arguments], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (141, b"")


def test_an_ascii_terminal_is_served(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD.replace('"Mine"', '"Größe · µs"'), encoding="utf-8")
    result = subprocess.run(
        [*COMMAND, "study", "show", "mine.toml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"mine: Gro\\xdfe - us\n")


def test_arguments_that_are_no_text_are_refused():
    result = subprocess.run([*COMMAND, "cost", b"\xff.onnx"], capture_output=True, check=False)
    assert result.returncode == 2
    assert b"the command line: it is not text in UTF-8. Rename the file" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.0, 0.3, 0.9])
def test_several_interrupts_in_a_row_end_it_in_one_line(tmp_path, delay_s):
    study = GOOD.replace("stop = 16", "stop = 4000")
    (tmp_path / "mine.toml").write_text(study)
    with started("study", "run", "mine.toml", "-p", "fake:pause_ms=20", cwd=tmp_path) as process:
        ends_at = time.monotonic() + 60
        while not (tmp_path / "opscope.db").exists():  # before, Python itself may be starting
            assert time.monotonic() < ends_at
            time.sleep(0.01)
        time.sleep(delay_s)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        _, words = process.communicate(timeout=60)
    # The last one may come when Python has nothing left to do but end, and ends it by itself.
    assert process.returncode in {130, -signal.SIGINT}
    lines = words.strip().splitlines()
    assert len(lines) == 1 or (not lines and process.returncode == -signal.SIGINT)
    assert all(line.startswith("opscope: interrupted") for line in lines)
