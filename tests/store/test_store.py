import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from opscope.core.configuration import Workload
from opscope.core.environment import Environment
from opscope.core.measurement import Measurement, Trust, Verdict
from opscope.core.platform import Origin
from opscope.core.record import from_json
from opscope.core.study import Job
from opscope.core.trial import Trial
from opscope.errors import StoreError
from opscope.platforms.registry import open_platform
from opscope.store import Store
from opscope.store.tables import APPLICATION, VERSION
from tests.builders import small_study

ASSETS = Path(__file__).parent.parent / "assets"
ENVIRONMENT = Environment(opscope="0", python="3", system="s", kernel="k", cpu="c", cores=1)
INFO = open_platform("fake").info()
ENVIRONMENTS = {INFO.fingerprint: ENVIRONMENT}


def trial_of(cout, *, status="ok", value=1.0, trust=None):
    job = Job(workload=Workload.parse(f"conv:h=6,cin=3,cout={cout},k=3@fp32"), platform="fake")
    latency = Measurement(
        quantity="latency_s",
        value=value,
        unit="s",
        origin=Origin.MEASURED,
        derivation="none",
        trust=trust or Trust(),
    )
    return Trial(job=job, status=status, measurements=(latency,) if status == "ok" else ())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trials.db"


def filled(path, couts=(1, 2, 3)):
    with Store(path, write=True) as store:
        run = store.open_run(small_study())
        session = store.open_session(run, ENVIRONMENTS)
        for cout in couts:
            store.add_trial(run, session, f"key{cout}", INFO, trial_of(cout))
    return run


def test_what_was_added_is_read_back_whole(path):
    run = filled(path)
    with Store(path) as store:
        assert [item.trial for item in store.trials(run)] == [trial_of(c) for c in (1, 2, 3)]
        assert store.runs("small") == [run]
        assert store.platform(INFO.fingerprint) == INFO
        assert store.outcomes(run) == {"key1": "ok", "key2": "ok", "key3": "ok"}


def test_the_last_attempt_counts_and_the_first_is_kept(path):
    run = filled(path)
    with Store(path, write=True) as store:
        session = store.open_session(run, ENVIRONMENTS)
        again = store.add_trial(run, session, "key2", INFO, trial_of(2, value=5.0))
        assert again.attempt == 1
        values = {t.key: t.trial.measurement("latency_s").value for t in store.trials(run)}
    assert values == {"key1": 1.0, "key2": 5.0, "key3": 1.0}
    assert sqlite3.connect(path).execute("SELECT count(*) FROM trials").fetchone() == (4,)


def test_outcomes_tell_untrusted_from_ok(path):
    run = filled(path, couts=())
    doubt = Trust(verdict=Verdict.UNTRUSTED, reason="noise")
    with Store(path, write=True) as store:
        session = store.open_session(run, ENVIRONMENTS)
        store.add_trial(run, session, "a", INFO, trial_of(1, trust=doubt))
        store.add_trial(run, session, "b", INFO, trial_of(2, status="failed"))
        assert store.outcomes(run) == {"a": "untrusted", "b": "failed"}


def test_the_newest_run_of_a_study_is_gone_on_with_unless_fresh(path):
    with Store(path, write=True) as store:
        first = store.open_run(small_study())
        assert store.open_run(small_study()).id == first.id
        second = store.open_run(small_study(), fresh=True)
        assert store.open_run(small_study()).id == second.id != first.id
        assert [run.id for run in store.runs("small")] == [second.id, first.id]


def test_a_run_that_is_gone_on_with_takes_over_the_questions(path):
    with Store(path, write=True) as store:
        first = store.open_run(small_study(findings=()))
        asked = store.open_run(small_study(title="another title"))
        assert asked.id == first.id
        assert asked.started_at == first.started_at
        (kept,) = store.runs("small")
        assert kept.study == asked.study == small_study(title="another title")


def test_the_file_is_durable_and_marked(path):
    filled(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    with Store(path, write=True) as store, store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_readers_look_on_while_a_writer_writes(path):
    run = filled(path)
    with Store(path, write=True) as writer, Store(path) as reader:
        session = writer.open_session(run, ENVIRONMENTS)
        writer.add_trial(run, session, "key9", INFO, trial_of(9))
        assert len(reader.trials(run)) == 4


def test_a_file_in_a_folder_that_nothing_can_be_put_into_is_read(path, monkeypatch):
    run = filled(path)
    (path.parent / "trials.db.lock").unlink()
    monkeypatch.setattr("os.access", lambda *_: False)
    with Store(path) as store:
        assert len(store.trials(run)) == 3
        assert [*path.parent.iterdir()] == [path]


def test_a_second_writer_is_refused_until_the_first_is_gone_even_by_a_crash(path):
    code = f"""
    import sys, time
    from pathlib import Path
    from opscope.store import Store
    store = Store(Path({str(path)!r}), write=True)
    print("open", flush=True)
    time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="another opscope is writing"):
            Store(path, write=True)
        other.kill()
    Store(path, write=True).close()


def test_a_missing_file_is_not_made_by_reading(path):
    with pytest.raises(StoreError, match="there is no such database"):
        Store(path)
    assert not path.exists()


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("foreign", ["a text", "another database", "one with a log", "newer"])
def test_foreign_files_are_refused_and_left_as_they_are(path, write, foreign):
    if foreign == "a text":
        path.write_bytes(b"name,age\nx,1\n" * 100)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE birds (name)")
            if foreign == "one with a log":
                connection.execute("PRAGMA journal_mode = WAL")
            if foreign == "newer":
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"left as it is|Name another|name another"):
        Store(path, write=write)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_what_is_no_file_is_refused_and_nothing_is_left_beside_it(path):
    path.mkdir()
    with pytest.raises(StoreError, match=r"this is not a file\. Name another --db FILE"):
        Store(path, write=True)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("write", [False, True])
def test_a_database_whose_tables_are_missing_is_damaged(path, write):
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE trials")
    connection.close()
    with pytest.raises(StoreError) as caught:
        Store(path, write=write)
    assert str(caught.value) == (
        f"{path}: it is damaged: it lacks the tables trials. "
        "Restore it from a copy, or name another --db FILE."
    )


def test_a_column_that_is_missing_is_damage_and_no_want_of_room(path):
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN started_at")
    connection.close()
    with Store(path) as store, pytest.raises(StoreError, match="is damaged: no such column"):
        store.runs("small")


def test_a_database_that_another_program_holds_is_waited_for_in_words(path):
    filled(path)
    with Store(path, write=True) as store:
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="Wait for whoever else has it open"):
            store.open_run(small_study(), fresh=True)
        other.close()


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_is_no_way_round_the_lock(tmp_path, link):
    folder = tmp_path / "there"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder / "x.db" if link == "file" else folder)
    other = tmp_path / "link" if link == "file" else tmp_path / "link" / "x.db"
    with Store(folder / "x.db", write=True):
        with pytest.raises(StoreError, match="another opscope is writing"):
            Store(other, write=True)
        assert Store(other).runs("small") == []


def test_an_empty_file_holds_nothing_yet(path):
    path.touch()
    with pytest.raises(StoreError, match=r"nothing is stored in it\. Run a study first"):
        Store(path)
    filled(path)


def test_a_file_whose_making_was_cut_short_is_made_again(path):
    code = f"""
    import os
    from pathlib import Path
    from opscope.store import Store
    from opscope.store.tables import metadata, runs
    def cut_short(connection):
        runs.create(connection)
        os._exit(9)
    metadata.create_all = cut_short
    Store(Path({str(path)!r}), write=True)
    """
    cut = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert cut.returncode == 9
    assert path.is_file()
    filled(path)


@pytest.mark.parametrize("write", [False, True])
def test_a_newer_format_is_refused_in_words(path, write):
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match=f"format {VERSION + 1}.*reads formats up to {VERSION}"):
        Store(path, write=write)


@pytest.mark.parametrize("record", ["{}", "{", ""])
def test_a_damaged_record_is_an_error_in_words(path, record):
    run = filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE trials SET record = ? WHERE id = 2", (record,))
    connection.close()
    with Store(path) as store, pytest.raises(StoreError, match="damaged"):
        store.trials(run)


def test_a_place_that_cannot_be_written_is_an_error_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "x.db", write=True)


@pytest.mark.parametrize("write", [False, True])
def test_a_place_that_cannot_be_reached_is_an_error_in_words(tmp_path, write):
    with pytest.raises(StoreError, match="cannot be reached: File name too long"):
        Store(tmp_path / ("x" * 256), write=write)


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(StoreError, match=r"No such file or directory. Name another --db FILE"):
        Store(tmp_path / "none" / "x.db", write=True)
    assert not list(tmp_path.iterdir())


def test_a_path_with_odd_characters_is_a_path(tmp_path):
    path = tmp_path / "a b?mode=ro&#%20.db"
    filled(path)
    assert path.is_file()
    with Store(path) as store:
        assert store.runs("small")


def test_a_database_of_the_first_format_still_opens():
    with Store(ASSETS / "format1.db") as store:
        (run,) = store.runs("small")
        trials = store.trials(run)
    assert len(trials) == 24
    assert {item.trial.status for item in trials} == {"ok"}
    assert trials[0].trial.measurement("latency_s").interval_note


def sessions(path):
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT environments, wall_s, runtime_s, waited_s FROM sessions ORDER BY id"
    ).fetchall()
    connection.close()
    return [(from_json(text, dict[str, Environment]), *times) for text, *times in rows]


def test_each_platforms_environment_and_a_sessions_times_are_kept(path):
    other = msgspec.structs.replace(ENVIRONMENT, python="4")
    environments = {INFO.fingerprint: ENVIRONMENT, "other": other}
    with Store(path, write=True) as store:
        session = store.open_session(store.open_run(small_study()), environments)
        store.close_session(session, wall_s=9.0, runtime_s=2.0, waited_s=4.0)
    assert sessions(path) == [(environments, 9.0, 2.0, 4.0)]


def test_a_writer_brings_a_database_of_the_first_format_up_to_date(path):
    shutil.copy(ASSETS / "format1.db", path)
    with sqlite3.connect(path) as connection:
        ((old, wall_s),) = connection.execute("SELECT environment, wall_s FROM sessions").fetchall()
    connection.close()
    with Store(path) as store:
        before = store.trials(store.runs("small")[0])
    with Store(path, write=True) as store:
        (run,) = store.runs("small")
        assert store.trials(run) == before
        store.open_session(run, ENVIRONMENTS)
    (migrated, *times), added = sessions(path)
    assert migrated == {before[0].fingerprint: from_json(old, Environment)}
    assert (times[0], times[2]) == (wall_s, None)
    assert added[0] == ENVIRONMENTS
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (VERSION,)


@pytest.fixture
def second(path):
    """A database of the second format, which kept columns' names in every imported trial."""
    shutil.copy(ASSETS / "format2.db", path)
    return path


def imported(path):
    """Return what is kept of the tables that the study a was imported from, row by row."""
    with Store(path) as store:
        (run,) = store.runs("a")
        tables = {session.id: session.source for session in store.sessions(run)}
        trials = store.trials(run)
    found = [(tables[item.session], item.trial.source) for item in trials]
    return [(table.file, source.number, table.row(source)) for table, source in found]


ROWS = [
    *(
        (
            "a.csv",
            2 + n,
            {
                "configuration": f"conv:h=8,cin=4,cout={4 * (n + 1)},k=3",
                "ms": f"0.{5 + n}",
                "low": f"0.{4 + n}",
                "high": f"0.{6 + n}",
                "remark": remark,
            },
        )
        for n, remark in enumerate(["", "hot, humid", ""])
    ),
    ("b.csv", 2, {"channels": "4", "s": "0.00125"}),
    ("b.csv", 3, {"channels": "8", "s": "0.0025"}),
]


def test_a_reader_leaves_a_database_of_the_second_format_as_it_is(second):
    before = second.read_bytes()
    assert imported(second) == ROWS
    assert second.read_bytes() == before


def test_a_writer_moves_columns_names_from_trials_to_their_session(second):
    with sqlite3.connect(second) as connection:
        query = "SELECT record FROM trials WHERE platform = 'fake' ORDER BY id"
        measured = connection.execute(query).fetchall()
    Store(second, write=True).close()
    assert imported(second) == ROWS
    with sqlite3.connect(second) as connection:
        assert connection.execute(query).fetchall() == measured
        digests = connection.execute("SELECT json_extract(source, '$.sha256') FROM sessions")
        assert [digest and len(digest) for (digest,) in digests] == [64, 64, None]
    with Store(second) as store:
        latencies = [item.trial.measurement("latency_s") for item in store.trials(store.run(1))]
    assert [latency.value for latency in latencies] == [0.0005, 0.0006, 0.0007, 0.00125, 0.0025]
    assert latencies[0].interval == (0.0004, 0.0006)


def test_a_copy_made_for_a_reader_does_not_outlive_him(second, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with Store(second) as store:
        assert len(store.studies()) == 2
        assert [*folder.iterdir()]
    assert not [*folder.iterdir()]


def test_a_copy_that_cannot_be_made_is_an_error_in_words(second, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match=r"an older one, and no copy can be made.*TMPDIR"):
        Store(second)


@pytest.mark.parametrize("record", ['{"a', "{}", b"\xff"])
def test_a_damaged_record_of_the_second_format_hides_no_other(second, record):
    with sqlite3.connect(second) as connection:
        connection.execute("UPDATE trials SET record = ? WHERE id = 2", (record,))
    for write in (False, True, False):
        with Store(second, write=write) as store:
            assert len(store.trials(*store.runs("small"))) == 2
            with pytest.raises(StoreError, match="damaged"):
                store.trials(*store.runs("a"))


def test_a_session_without_environment_need_not_be_an_imported_one(second):
    with sqlite3.connect(second) as connection:
        connection.execute("UPDATE sessions SET environments = '{}'")
    assert imported(second) == ROWS


def test_a_migration_that_is_cut_short_leaves_the_file_as_it_was(path, monkeypatch):
    shutil.copy(ASSETS / "format1.db", path)

    def cut_short(connection):
        connection.exec_driver_sql("ALTER TABLE sessions RENAME COLUMN environment TO lost")
        raise KeyboardInterrupt

    monkeypatch.setattr("opscope.store.migrations._STEPS", {1: cut_short})
    with pytest.raises(KeyboardInterrupt):
        Store(path, write=True)
    monkeypatch.undo()
    Store(path, write=True).close()
    assert len(sessions(path)) == 1
