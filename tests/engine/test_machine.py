import fcntl
import gc
import os
import select
import subprocess
import sys
import textwrap

import pytest

from opscope.engine import machine
from opscope.errors import MeasurementError


def run(code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )


def test_the_time_limit_ends_a_process_even_inside_native_code():
    result = run(
        """
        import time
        from opscope.engine import machine
        with machine.time_limit(60):
            pass
        with machine.time_limit(0.2):
            sum(range(10**12))
        """
    )
    assert result.returncode == -14  # SIGALRM


def test_a_time_limit_ends_with_its_block():
    result = run(
        """
        import signal
        from opscope.engine import machine
        with machine.time_limit(60):
            print(signal.getitimer(signal.ITIMER_REAL)[0] > 0)
        print(signal.getitimer(signal.ITIMER_REAL))
        """
    )
    assert result.stdout == "True\n(0.0, 0.0)\n", result.stderr


def test_memory_is_bounded_so_that_python_can_still_say_so():
    result = run(
        """
        from opscope.engine import machine
        machine._available_bytes = lambda: 1 << 30
        assert machine.limit_memory() == int((1 << 30) * 0.9)
        try:
            hoard = [bytearray(1 << 26) for _ in range(100)]
        except MemoryError:
            print("out of memory")
        """
    )
    assert result.stdout == "out of memory\n"


def test_memory_is_bounded_below_a_bound_that_is_there_already():
    result = run(
        """
        import resource
        from opscope.engine import machine
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 29, 1 << 29))
        machine._available_bytes = lambda: 1 << 30
        print(machine.limit_memory() == 1 << 29)
        """
    )
    assert result.stdout == "True\n", result.stderr


def test_a_lock_that_another_user_made_is_a_lock_all_the_same(tmp_path):
    lock = tmp_path / "lock"
    lock.touch(mode=0o444)
    opened = machine._open_lock(lock)
    assert fcntl.fcntl(opened, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(opened)


def test_a_lock_is_made_so_that_every_user_can_open_it(tmp_path):
    usual = os.umask(0o077)
    try:
        os.close(machine._open_lock(tmp_path / "lock"))
    finally:
        os.umask(usual)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o644


def test_the_lock_is_the_machines_whatever_a_users_folder_for_passing_files(tmp_path, monkeypatch):
    monkeypatch.delenv(machine.LOCK_VARIABLE)
    place = machine._lock_place()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert machine._lock_place() == place
    assert place.parent in machine._LOCK_FOLDERS


def test_the_lock_lies_where_every_user_may_make_one(tmp_path, monkeypatch):
    monkeypatch.delenv(machine.LOCK_VARIABLE)
    folders = tmp_path / "missing", tmp_path / "private", tmp_path / "shared"
    for folder, mode in zip(folders[1:], (0o755, 0o1777), strict=True):
        folder.mkdir()
        folder.chmod(mode)
    monkeypatch.setattr(machine, "_LOCK_FOLDERS", folders)
    assert machine._lock_place().parent == folders[2]


def test_a_lock_that_cannot_be_opened_is_an_error_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv(machine.LOCK_VARIABLE, str(tmp_path / "missing" / "lock"))
    with (
        pytest.raises(MeasurementError, match=r"No such file.*OPSCOPE_TIMING_LOCK"),
        machine.sole_timing(lambda: None),
    ):
        pass


def test_what_a_runtime_has_loaded_is_searched_for_garbage_no_more():
    gc.unfreeze()
    machine.keep_for_good()
    try:
        assert gc.get_freeze_count() > 1000
        kept = {id(thing) for thing in gc.get_objects()}
        assert id(machine.__dict__) not in kept
    finally:
        gc.unfreeze()


def test_timed_work_is_done_by_one_process_at_a_time():
    code = """
    import sys
    from opscope.engine import machine
    with machine.sole_timing(lambda: print("waiting", flush=True)):
        print("in", flush=True)
        sys.stdin.readline()
    """
    with (
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as first,
        subprocess.Popen(
            [sys.executable, "-c", "pass"]
            if first.stdout.readline() == ""
            else [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as second,
    ):
        assert second.stdout.readline() == "waiting\n"
        assert not select.select([second.stdout], [], [], 0.3)[0]
        first.kill()  # a crash must give the lock back
        assert second.stdout.readline() == "in\n"
        second.stdin.write("\n")


def test_garbage_collection_pauses_and_resumes():
    assert gc.isenabled()
    with machine.no_collections():
        assert not gc.isenabled()
    assert gc.isenabled()
