import gc
import subprocess
import sys
import textwrap

from opscope.engine import machine


def run(code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )


def test_the_time_limit_ends_a_process_even_inside_native_code():
    result = run(
        """
        import time
        from opscope.engine import machine
        with machine.time_limit(5):
            pass
        with machine.time_limit(0.2):
            sum(range(10**12))
        """
    )
    assert result.returncode == -14  # SIGALRM


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
        first.kill()  # a crash must give the lock back
        assert second.stdout.readline() == "in\n"
        second.stdin.write("\n")


def test_garbage_collection_pauses_and_resumes():
    assert gc.isenabled()
    with machine.no_collections():
        assert not gc.isenabled()
    assert gc.isenabled()
