import os
import tempfile
import threading

from opscope.engine.recorder import FlightRecorder, Position


def test_the_last_position_is_read_whatever_was_written_before():
    with tempfile.TemporaryFile() as file:
        recorder = FlightRecorder(file.fileno())
        assert recorder.read() == Position()
        recorder.write(Position(job=123456, phase="prepare", visits=10**9))
        recorder.write(Position(job=1, phase="visit", visits=2))
        assert recorder.read() == Position(job=1, phase="visit", visits=2)


def test_a_position_that_is_half_written_is_read_again(monkeypatch):
    with tempfile.TemporaryFile() as file:
        recorder = FlightRecorder(file.fileno())
        recorder.write(Position(job=1, phase="conclude", visits=2))
        before = os.pread(file.fileno(), 128, 0)
        recorder.write(Position(job=17, phase="visit", visits=2.25))
        after = os.pread(file.fileno(), 128, 0)
        seen = iter([after[:30] + before[30:], after])
        monkeypatch.setattr(os, "pread", lambda *_: next(seen))
        assert recorder.read() == Position(job=17, phase="visit", visits=2.25)


def test_what_is_read_while_another_writes_was_written():
    positions = [Position(job=n, phase=p, visits=n / 3) for n, p in enumerate(("a", "visit", ""))]
    with tempfile.TemporaryFile() as file:
        recorder = FlightRecorder(file.fileno())
        recorder.write(positions[0])
        done = threading.Event()

        def write():
            while not done.is_set():
                for position in positions:
                    recorder.write(position)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            seen = [recorder.read() for _ in range(2000)]
        finally:
            done.set()
            writer.join()
    assert all(position in positions for position in seen)
