"""The command line: its output, its errors, its exit code."""

import errno
import fcntl
import json
import os
import re
import subprocess
import sys
import textwrap

import pytest
from msgspec.structs import replace

import opscope
from opscope import api, errors
from opscope.cli import app, interruption
from opscope.core.measurement import Speed
from opscope.engine import machine
from opscope.platforms.registry import list_platforms
from opscope.store import Store
from tests.cli.running import opscope_command, opscope_process, started
from tests.engine.test_studies import GOOD

STUDY = GOOD.replace("h = 28, cin = 320", "h = 6, cin = 3").replace(
    "start = 4, stop = 16, step = 4", "start = 1, stop = 48"
)
MEASURED = {
    *("platform", "precision", "status", "reason", "origin", "latency_s", "interval_s", "trust"),
    *("trust_reason", "derivation", "spread_s", "stopped", "runtime_version"),
}
SUMMARY = {
    *("run", "jobs", "found", "earlier", "outcomes", "untrusted", "unfinished"),
    *("wall_s", "waited_s", "load_s", "run_s", "runtime_share"),
}
FAKE = ("-p", "fake")
QUICK = "\n[protocol]\nrounds = 6\nmin_rounds = 6\nsamples = 2\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.toml").write_text(STUDY + QUICK)
    return tmp_path


def test_version_and_help():
    assert opscope_process("--version").stdout == f"opscope, version {opscope.__version__}\n"
    page = opscope_process("--help").stdout
    for word in ("platforms", "measure", "study", "findings", "steps", "Exit codes"):
        assert word in page


def test_help_loads_nothing_heavy():
    code = (
        "import sys, opscope.cli.app as a\n"
        "from click.testing import CliRunner\n"
        "assert CliRunner().invoke(a.app, ['--help']).exit_code == 0\n"
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'openvino', 'sqlalchemy', 'rich', 'msgspec'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def listed():
    """Return the list of platforms."""
    return json.loads(opscope_command("platforms", "--json").stdout)


def test_platforms_as_json_and_as_a_table(listed):
    for row in listed:
        assert {"name", "available", "reason", "precisions", "origin"} <= set(row)
    table = opscope_command("platforms").stdout
    assert all(row["name"] in table for row in listed)


def test_measure_as_json_side_by_side():
    result = opscope_process(
        *("measure", "conv:h=28,cin=32,cout=20,k=3", "--json"),
        *("-p", "onnxruntime-cpu", "-p", "openvino-cpu", "-p", "fake-compiler"),
    )
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert [row["platform"] for row in rows] == ["onnxruntime-cpu", "openvino-cpu", "fake-compiler"]
    assert [row["origin"] for row in rows] == ["measured", "measured", "estimated"]
    for row in rows:
        assert set(row) >= MEASURED
        assert row["environment"]["kernel"] == os.uname().release
        assert row["status"] == "ok"
        assert row["latency_s"] > 0
    low, high = rows[0]["interval_s"]
    assert low <= rows[0]["latency_s"] <= high
    assert rows[0]["isolation"][0].startswith("priority")
    assert rows[2]["cycles"] == pytest.approx(rows[2]["latency_s"] * 1e9)


def test_measure_as_json_says_what_a_figure_was_corrected_by(monkeypatch):
    (plain,) = api.measure("conv:h=8,cin=4,cout=20,k=3", ["fake"])
    slow = Speed(bound="compute", factor=1.05, error=0.01)
    figures = [replace(figure, speed=slow) for figure in plain.trial.measurements]
    corrected = replace(plain, trial=replace(plain.trial, measurements=tuple(figures)))
    monkeypatch.setattr(api, "measure", lambda *_, **__: [corrected])
    result = opscope_command("measure", "conv:h=8,cin=4,cout=20,k=3", "-p", "fake", "--json")
    (row,) = json.loads(result.stdout)
    assert row["speed"]["factor"] == 1.05


def test_the_matrix_of_what_a_platform_runs():
    command = ("platforms", "--matrix", "-p", "onnxruntime-cpu", "--precision", "int8")
    rows = json.loads(opscope_command(*command, "--json").stdout)
    cells = {row["configuration"]: row for row in rows}
    assert cells["act:gelu,h=14,c=16"]["status"] == "unsupported"
    assert cells["block:resnet_basic,h=14,cin=32"]["as_asked"] == 1
    table = opscope_command(*command).stdout
    assert "Gelu in f32: none of it in int8" in table
    assert opscope_command("platforms", "-p", "fake").returncode == 2


def test_what_a_platform_fuses():
    command = ("platforms", "--fusion", "-p", "fake")
    rows = {row["pair"]: row for row in json.loads(opscope_command(*command, "--json").stdout)}
    assert rows["conv+relu"]["told"] is False
    assert {"conv+batch_norm", "conv+gelu", "conv+add", "block+se"} <= rows.keys()
    assert "conv+hard_swish" in opscope_command(*command).stdout
    assert opscope_command(*command, "--matrix").returncode == 2


def test_measure_without_platforms_is_on_all_that_measure(monkeypatch):
    default = ("fake", "litert-cpu", "onnxruntime-cpu", "openvino-cpu")
    rows = [row for row in list_platforms() if row.name in default]  # others take minutes
    monkeypatch.setattr(api, "platforms", lambda: rows)
    result = opscope_command("measure", "conv:h=8,cin=4,cout=20,k=3", "--batch", "2", "--json")
    measured = [row["platform"] for row in json.loads(result.stdout)]
    assert measured == ["litert-cpu", "onnxruntime-cpu", "openvino-cpu"]


def test_measure_says_what_is_unsupported_and_exits_with_1():
    arguments = ("measure", "conv:h=8,cin=4,cout=20,k=3", "-p", "fake", "--precision", "int8")
    result = opscope_command(*arguments)
    assert result.returncode == 1
    assert "unsupported: fake runs fp32 only" in result.stdout


def broken(folder):
    """Return an environment in which openvino does not load."""
    (folder / "openvino").mkdir()
    (folder / "openvino" / "__init__.py").write_text("raise ImportError('no library')")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


def test_a_broken_platform_is_listed_and_refused_with_what_mends_it(folder):
    env = broken(folder)
    remedy = "pip install --force-reinstall 'openvino"
    rows = json.loads(opscope_process("platforms", "--json", env=env).stdout)
    (row,) = (row for row in rows if row["name"] == "openvino-cpu")
    assert not row["available"]
    assert "ImportError: no library" in row["reason"]
    assert remedy in row["reason"]
    run = opscope_process("study", "run", "mine.toml", "-p", "openvino-cpu", cwd=folder, env=env)
    assert run.returncode == 3
    assert remedy in run.stderr
    platforms = ("-p", "openvino-cpu", "-p", "fake")
    measured = opscope_process(
        *("measure", "conv:h=8,cin=4,cout=4,k=3", "--json", *platforms), env=env
    )
    assert measured.returncode == 3
    first, second = json.loads(measured.stdout)
    assert (first["status"], second["status"]) == ("unavailable", "ok")
    assert remedy in first["reason"]


def test_measuring_on_nothing_is_no_success(monkeypatch):
    monkeypatch.setattr(api, "platforms", list)
    result = opscope_command("measure", "conv:h=8,cin=3,cout=4,k=3")
    assert result.returncode == app.NO_PLATFORM
    assert "no platform whose figures are measured is available" in result.stderr


def test_measure_shows_value_interval_origin_and_spread():
    page = opscope_command("measure", "conv:h=8,cin=4,cout=20,k=3", "-p", "fake").stdout
    many = ("measure", "conv:h=8,cin=4,cout=20,k=3", "-p", "fake:noise=0", "--json", "--batch")
    rows = [json.loads(opscope_command(*many, batch).stdout)[0] for batch in ("1", "2")]
    assert [row["latency_s"] for row in rows] == pytest.approx(
        [4e-4, 8e-4]
    )  # a call takes 0.1 ms more
    for part in ("latency_s", "µs", "95 % over 8 rounds", "estimated; layer latency"):
        assert part in page


def test_measure_shows_how_long_each_operator_takes():
    asked = ("measure", "conv:h=8,cin=4,cout=20,k=3,act=relu", "-p", "fake:noise=0", "--operators")
    page = opscope_command(*asked).stdout
    (row,) = json.loads(opscope_command(*asked, "--json").stdout)
    conv, relu = row["operators"]
    assert (conv["sources"], conv["kernel"], relu["kernel"]) == (["conv0"], "Conv", "Relu")
    assert row["operator_time_s"] == pytest.approx(conv["time_s"] + relu["time_s"])
    assert row["latency_s"] is None
    assert row["profiled_call_s"] > row["operator_time_s"]
    for part in ("operator_time_s", "50.0%  Conv", "50.0%  Relu", "not assessed: runtimes do not"):
        assert part in page
    both = opscope_command(*asked, "--streams", "2")
    assert (both.returncode, "--operators or" in both.stderr) == (2, True)


def test_studies_are_listed_and_shown():
    rows = json.loads(opscope_command("study", "list", "--json").stdout)
    assert all(row["question"] and row["source"] for row in rows)
    assert "conv-channels" in {row["name"] for row in rows}
    shown = opscope_command("study", "show", "conv-channels")
    assert "onnxruntime-cpu, openvino-cpu" in shown.stdout
    assert json.loads(opscope_command("study", "show", "conv-channels", "--json").stdout)["jobs"]


def test_a_study_on_a_shared_core_is_a_run_of_its_own(folder):
    command = ("study", "run", "mine.toml", "-p", "fake", "--json")
    runs = [
        json.loads(opscope_command(*command, *options, cwd=folder).stdout)["summary"]["run"]
        for options in ((), ("--shared-core",), ("--shared-core",), ())
    ]
    assert runs == [1, 2, 2, 1]
    with Store(folder / "opscope.db") as store:
        kept = {run.id: run.study.protocol.shared_core for run in store.runs("mine")}
        latencies = [t.trial.measurement("latency_s") for t in store.trials(store.run(2))]
    assert kept == {1: False, 2: True}
    assert all("a shared core counts too" in latency.isolation for latency in latencies)


def test_a_study_runs_finds_and_does_not_repeat_itself(folder):
    command = ("study", "run", "mine.toml", "-p", "fake:period=8,noise=0.001")
    first = opscope_process(*command, cwd=folder)
    assert first.returncode == 0, first.stderr
    assert "STEPS" in first.stdout
    assert re.search(r"run 1: 48 jobs, 48 ok; .* of it inside the runtimes", first.stdout)
    again = opscope_command(*command, "--json", cwd=folder)
    answer = json.loads(again.stdout)
    assert set(answer["summary"]) == SUMMARY
    assert answer["summary"]["found"] == 48
    assert answer["summary"]["outcomes"] == {}
    (finding,) = answer["findings"]
    assert finding["verdict"] == "steps"
    assert finding["guideline"]["allowed"] == [8, 16, 24, 32, 40, 48]
    assert finding["origin"] == "estimated"
    found = opscope_command("findings", "mine", "-p", "fake:noise=0.001,period=8", cwd=folder)
    assert "recommended  cout = 8, 16, 24, 32, 40, 48" in found.stdout
    same = opscope_command("findings", "mine.toml", "-p", "fake:noise=0.001,period=8", cwd=folder)
    assert same.stdout == found.stdout
    fresh = opscope_command(*command, "--fresh", "--json", cwd=folder)
    assert json.loads(fresh.stdout)["summary"]["run"] == 2


def test_what_is_shown_after_a_run_is_that_run(folder):
    command = ("study", "run", "mine.toml", "-p", "fake:period=8", "--json")
    opscope_command(*command, cwd=folder)
    (folder / "mine.toml").write_text((STUDY + QUICK).replace("stop = 48", "stop = 32"))
    opscope_command(*command, cwd=folder)
    (folder / "mine.toml").write_text(STUDY + QUICK)
    answer = json.loads(opscope_command(*command, cwd=folder).stdout)
    assert answer["summary"]["run"] == 1
    assert len(answer["findings"][0]["points"]) == 48


def test_a_run_with_failures_exits_with_1_and_can_be_retried(folder):
    command = ("study", "run", "mine.toml", "-p", "fake:fail_at=5", "--json")
    first = opscope_command(*command, cwd=folder)
    assert first.returncode == 1
    assert json.loads(first.stdout)["summary"]["outcomes"] == {"ok": 47, "failed": 1}
    assert json.loads(first.stdout)["findings"][0]["left_out"]
    (failure,) = json.loads(first.stdout)["failures"]
    assert failure == {
        "status": "failed",
        "platform": "fake:fail_at=5",
        "count": 1,
        "example": "conv:h=6,cin=3,cout=5,k=3@fp32",
        "reason": "the fake refuses cout=5, as it was told to.",
    }
    again = opscope_command(*command, "--retry", "failed,untrusted", cwd=folder)
    assert json.loads(again.stdout)["summary"]["outcomes"] == {"failed": 1}


def test_a_run_whose_failures_are_left_says_so_and_exits_with_1_again(folder):
    command = ("study", "run", "mine.toml", "-p", "fake:fail_at=5")
    first = opscope_command(*command, cwd=folder)
    again = opscope_command(*command, cwd=folder)
    assert (first.returncode, again.returncode) == (1, 1)
    assert "run 1: 48 jobs, 47 measured before, 1 failed before, nothing left" in again.stdout
    for page in (first.stdout, again.stdout):
        assert "1 of 48 jobs gave no figure; to try them again, add --retry failed\n" in page
        failure = "1 failed  fake:fail_at=5, as conv:h=6,cin=3,cout=5,k=3@fp32\n  the fake refuses"
        assert failure in page
    assert failure in opscope_command("findings", "mine", cwd=folder).stdout
    found = json.loads(opscope_command("findings", "mine", "--json", cwd=folder).stdout)
    assert [failure["count"] for failure in found["failures"]] == [1]


def test_a_finding_that_cannot_be_drawn_is_told_with_the_reason(folder):
    text = (folder / "mine.toml").read_text().replace("stop = 48", "stop = 4")
    (folder / "mine.toml").write_text(text)
    result = opscope_command("study", "run", "mine.toml", "-p", "fake:fail_at=3", cwd=folder)
    page = " ".join(result.stdout.split())
    why = "steps of latency_s over cout: 3 points, and it takes 6; 1 left out (the fake refuses"
    assert f"no finding fake:fail_at=3 · fp32 · conv:h=6,cin=3,k=3: {why}" in page
    found = json.loads(opscope_command("findings", "mine", "--json", cwd=folder).stdout)
    assert found["findings"] == []
    (unanswered,) = found["unanswered"]
    assert (unanswered["points"], unanswered["needed"]) == (3, 6)


def test_a_run_of_what_is_unsupported_exits_with_1(folder):
    text = (
        (folder / "mine.toml")
        .read_text()
        .replace("question =", 'precisions = ["int8"]\nquestion =')
    )
    (folder / "mine.toml").write_text(text)
    result = opscope_command("study", "run", "mine.toml", "-p", "fake", "--json", cwd=folder)
    assert result.returncode == 1
    assert json.loads(result.stdout)["summary"]["outcomes"] == {"unsupported": 48}


def test_steps_of_any_table(tmp_path):
    rows = [f"512,{x},{1.0 + (x - 1) // 16}" for x in range(1, 81)]
    rows += [f"256,{x},{x}" for x in range(1, 81)]
    (tmp_path / "t.csv").write_text("cin,cout,latency_ms\n" + "\n".join(rows))
    command = ("steps", "t.csv", "--x", "cout", "--y", "latency_ms")
    answer = opscope_command(*command, "--where", "cin=512", "--json", cwd=tmp_path)
    verdict = json.loads(answer.stdout)
    assert (verdict["verdict"], verdict["period"]) == ("steps", 16)
    assert verdict["recommended"] == [16, 32, 48, 64, 80]
    assert [(edge["low"], edge["high"]) for edge in verdict["edges"]] == [
        (16, 17),
        (32, 33),
        (48, 49),
        (64, 65),
    ]
    low, high = verdict["period_interval"]
    assert low <= 16 <= high
    page = opscope_command(*command, "--where", "cin=256", cwd=tmp_path).stdout
    assert "LINEAR" in page


def test_a_full_disk_anywhere_is_told_from_a_fault_of_opscope(monkeypatch):
    def run_out_of_room():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(api, "platforms", run_out_of_room)
    result = opscope_command("platforms")
    assert result.returncode == app.UNWRITABLE
    assert "opscope: No space left on device. Free space" in result.stderr


def test_trials_are_kept_where_one_says(folder):
    command = ("study", "run", "mine.toml", "-p", "fake", "--db", "there.db")
    assert opscope_command(*command, cwd=folder).returncode == 0
    assert not (folder / "opscope.db").exists()
    found = opscope_command("findings", "mine", "--db", "there.db", "--json", cwd=folder)
    (finding,) = json.loads(found.stdout)["findings"]
    assert len(finding["points"]) == 48


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("measure", "conv:h=8,cin=30,cout=4,k=3,groups=4", "-p", "fake"),
            2,
            "groups must divide cin",
        ),
        (("measure", "conv:h=8,cin=3,cout=4,k=3", "-p", "nope"), 2, "no platform 'nope'"),
        (("measure", "conv:h=8", "-p", "fake"), 2, "cin is missing"),
        (("measure", "conv:h=8,cin=3", *FAKE, "--precision", "int9"), 2, "not a precision"),
        (("study", "show", "nope"), 2, "there is no study 'nope'"),
        (("study", "run", "bad.toml", "-p", "fake"), 2, "bad.toml: is not TOML"),
        (("study", "run", "conv-channels", "--retry", "ok"), 2, "--retry ok"),
        (("findings", "conv-channels"), 4, "there is no such database"),
        (("findings", "conv-channels", "--db", "bad.toml"), 4, "not a database"),
        (("steps", "none.csv", "--x", "a", "--y", "b"), 2, "none.csv: cannot be read"),
        (("steps", "bad.toml", "--x", "a", "--y", "b"), 2, "there is no column 'a'"),
        (("steps", "bad.toml", "--x", "a", "--y", "b", "--where", "c"), 2, "COLUMN=VALUE"),
        (("nope",), 2, "No such command 'nope'"),
        (("study", "run", "conv-channels", "-p", "fake", "--db", "bad.toml/x.db"), 4, "written"),
    ],
)
def test_errors_are_one_line_on_stderr_with_their_code(tmp_path, arguments, code, message):
    (tmp_path / "bad.toml").write_text("= broken")
    result = opscope_command(*arguments, cwd=tmp_path)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_findings_of_what_was_never_run_say_how_to_run_it(folder):
    (folder / "other.toml").write_text(STUDY.replace('"mine"', '"other"'))
    assert opscope_command("study", "run", "mine.toml", "-p", "fake", cwd=folder).returncode == 0
    for asked, remedy in (
        ("other.toml", "'other' is kept there. Run it: opscope study run other.toml."),
        ("conv-channels", "Run it: opscope study run conv-channels."),
        ("mien", "Did you mean 'mine'? There are: mine. Or run its file: opscope study run FILE"),
    ):
        result = opscope_command("findings", asked, cwd=folder)
        assert result.returncode == 4
        assert remedy in result.stderr
    assert opscope_command("findings", "none.toml", cwd=folder).returncode == 2


def test_a_study_of_nothing_possible_names_file_and_space(folder):
    (folder / "mine.toml").write_text(STUDY.replace("k = 3", "k = 3, groups = 2"))
    result = opscope_command("study", "run", "mine.toml", "-p", "fake", cwd=folder)
    assert result.returncode == 2
    fault = "mine.toml: spaces[0]: conv(cin=3, groups=2): groups must divide cin"
    assert fault in result.stderr
    assert fault in opscope_command("study", "show", "mine.toml", cwd=folder).stderr
    found = opscope_command("findings", "mine", cwd=folder)
    assert (found.returncode, found.stdout) == (4, "")


def test_a_fault_of_opscope_itself_is_owned_up_to(monkeypatch):
    def break_down():
        raise ZeroDivisionError

    monkeypatch.setattr(api, "platforms", break_down)
    result = opscope_command("platforms")
    assert result.returncode == app.INTERNAL
    assert "a fault in opscope itself: ZeroDivisionError" in result.stderr
    monkeypatch.setenv("OPSCOPE_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["opscope", "platforms"])
    with pytest.raises(ZeroDivisionError):
        app.main()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["measure", "conv:h=8,cin=3,cout=4,k=3", "-p", "fake"], "nothing is stored"),
        (["study", "run", "conv-channels", "-p", "fake"], "the same command goes on"),
        (["platforms"], "interrupted"),
    ],
)
def test_an_interruption_promises_only_what_holds(monkeypatch, arguments, said):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    for function in ("measure", "run_study", "platforms"):
        monkeypatch.setattr(api, function, interrupt)
    result = opscope_command(*arguments)
    assert result.returncode == interruption.INTERRUPTED
    assert "interrupted" in result.stderr
    assert result.stderr.endswith(f"{said}\n")
    assert ("kept" in result.stderr) == (arguments[0] == "study")


def test_an_interruption_in_a_finalizer_is_not_lost():
    code = """
    import signal, time
    from opscope.cli import interruption

    class Kept:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)
            time.sleep(0)

    interruption.answer_once()
    kept = Kept()
    try:
        del kept
        print("lost", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        interruption.leave()
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (result.stdout, result.stderr) == ("lost\n", "opscope: interrupted\n")
    assert result.returncode == interruption.INTERRUPTED


def test_measuring_says_once_that_it_waits_for_another_opscope(folder):
    lock = folder / "lock"
    lock.touch()
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with started(
            *("measure", "conv:h=8,cin=3,cout=4,k=3", "-p", "fake"),
            cwd=folder,
            **{machine.LOCK_VARIABLE: str(lock)},
        ) as process:
            said = process.stderr.readline()
            fcntl.flock(held, fcntl.LOCK_UN)
            _, more = process.communicate()
    assert said == "opscope: waiting: this machine is being timed by another opscope\n"
    assert (process.returncode, more) == (0, "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.StudyError, 2),
        (errors.PlatformUnavailable, 3),
        (errors.StoreError, 4),
        (errors.WorkerError, 1),
        (KeyboardInterrupt, 130),
    ],
)
def test_every_kind_of_failure_has_its_exit_code(error, code):
    program = f"""
    from opscope import api, errors
    from opscope.cli import app
    def fail():
        raise {getattr(error, "__module__", "")}.{error.__name__}("it")
    api.platforms = fail
    app.main()
    """
    program = textwrap.dedent(program).replace("builtins.", "").replace("opscope.errors", "errors")
    result = subprocess.run(
        [sys.executable, "-c", program, "platforms"], capture_output=True, text=True, check=False
    )
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
