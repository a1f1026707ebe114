import tempfile

from opscope.engine.recorder import FlightRecorder, Position


def test_the_last_position_is_read_whatever_was_written_before():
    with tempfile.TemporaryFile() as file:
        recorder = FlightRecorder(file.fileno())
        assert recorder.read() == Position()
        recorder.write(Position(job=123456, phase="prepare", visits=10**9))
        recorder.write(Position(job=1, phase="visit", visits=2))
        assert recorder.read() == Position(job=1, phase="visit", visits=2)
