"""What becomes of a table of figures taken elsewhere, and which tables are refused, and why."""

import hashlib
import math
import sqlite3
import subprocess
import sys
import textwrap

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opscope import api
from opscope.core.measurement import Verdict
from opscope.core.platform import Origin
from opscope.core.record import to_json
from opscope.core.study import Question
from opscope.core.table import Elsewhere, Figures, Reading
from opscope.core.trial import SourceTable
from opscope.errors import InputError, StudyError, TableError
from opscope.store import Store
from opscope.store.database import write_ahead
from tests.builders import small_study
from tests.store.test_store import ENVIRONMENTS, INFO, trial_of

BOARD = Elsewhere(platform="board", origin=Origin.MEASURED, device="Board X")
LATENCY = {"latency_s": Figures(value="ms", low="low", high="high", unit="ms")}
SWEEP = Reading(
    figures=LATENCY,
    kind="conv",
    parameters={"cout": "channels"},
    fixed={"h": 28, "cin": 320, "k": 3},
)
PLAIN = msgspec.structs.replace(SWEEP, figures={"latency_s": Figures(value="ms", unit="ms")})
TEXTS = Reading(figures={"energy_j": Figures(value="mj", unit="mJ")}, configuration="network")


def staircase(count=64, period=16):
    """Return a table whose latency rises by 2 ms every ``period`` channels."""
    rows = [f"{c},{2.0 * math.ceil(c / period)}" for c in range(1, count + 1)]
    bounds = [f"{2.0 * math.ceil(c / period) * 0.99},1000" for c in range(1, count + 1)]
    lines = [f"{row},{bound}" for row, bound in zip(rows, bounds, strict=True)]
    return "\n".join(["channels,ms,low,high", *lines, ""])


@pytest.fixture
def database(tmp_path):
    return tmp_path / "trials.db"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "board.csv"
    path.write_text(staircase())
    return path


def kept(database, run=1):
    with Store(database) as store:
        return [item.trial for item in store.trials(store.run(run))]


def rows_kept(database, run=1):
    with Store(database) as store:
        run = store.run(run)
        tables = {session.id: session.source for session in store.sessions(run)}
        return [tables[item.session].row(item.trial.source) for item in store.trials(run)]


def test_an_import_that_is_killed_leaves_nothing_and_can_be_done_again(database, table):
    code = f"""
    import os
    from pathlib import Path
    from opscope import api
    from opscope.store import store
    from tests.store.test_import import BOARD, SWEEP
    insert = store.insert_rows
    def killed(connection, rows):
        connection.exec_driver_sql("PRAGMA cache_size = 1")  # so that pages reach the file
        insert(connection, rows)
        os._exit(9)
    store.insert_rows = killed
    api.import_table(Path({str(table)!r}), SWEEP, BOARD, database=Path({str(database)!r}))
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert killed.returncode == 9
    assert b"conv:h=28" in database.read_bytes()
    with Store(database) as store:
        assert store.studies() == []
    api.import_table(table, SWEEP, BOARD, database=database)
    assert len(kept(database)) == 64
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_reader_who_stays_while_a_table_is_imported_does_not_undo_it(
    database, table, monkeypatch
):
    def switch(engine):
        with sqlite3.connect(database) as reader:
            reader.execute("SELECT * FROM trials").fetchone()
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout = 1")
            write_ahead(engine)

    monkeypatch.setattr("opscope.store.store.write_ahead", switch)
    api.import_table(table, SWEEP, BOARD, database=database)
    assert len(kept(database)) == 64


def test_a_row_becomes_a_trial_that_keeps_where_it_is_from(database, table):
    taken = api.import_table(table, SWEEP, BOARD, database=database)
    assert (taken.study, taken.run, taken.rows) == ("board", 1, 64)
    trials = kept(database)
    (latency,) = trials[16].measurements
    assert str(trials[16].job.workload) == "conv:h=28,cin=320,cout=17,k=3@fp32"
    assert trials[16].job.meter.name == "layer-latency"
    assert (latency.value, latency.unit) == (0.004, "s")
    assert latency.interval == (pytest.approx(0.00396), 1.0)
    assert (latency.origin, latency.trust.verdict) == (Origin.MEASURED, Verdict.NOT_ASSESSED)
    assert trials[16].source.number == 18
    row = {"channels": "17", "ms": "4.0", "low": "3.96", "high": "1000"}
    assert rows_kept(database)[16] == row
    with Store(database) as store:
        (session,) = store.sessions(store.run(1))
        assert session.environments == {}
        assert session.source == SourceTable(
            file=str(table),
            sha256=hashlib.sha256(table.read_bytes()).hexdigest(),
            columns=tuple(row),
        )
        (info,) = store.platforms(store.run(1)).values()
    assert (info.device, info.runtime, info.deployments) == ("Board X", "", "reporting")


def test_findings_hold_for_what_was_imported_and_say_that_trust_is_not_assessed(database, table):
    api.import_table(table, SWEEP, BOARD, database=database, steps=["cout"])
    (finding,) = api.findings("board", database=database).findings
    assert finding.guideline.allowed == (16, 32, 48, 64)
    assert finding.trust.verdict is Verdict.NOT_ASSESSED
    assert finding.trust.reason == "64 of 64 figures were imported"
    assert finding.cause == "not established: the platform's instruction set is not known"
    with pytest.raises(InputError, match="--steps k: no two configurations differ"):
        api.import_table(table, SWEEP, BOARD, database=database, steps=["k"], fresh=True)


def test_figures_stand_beside_those_measured_here(database, table):
    with Store(database, write=True) as store:
        run = store.open_run(small_study())
        session = store.open_session(run, ENVIRONMENTS)
        for cout in range(1, 25):
            trial = trial_of(cout, value=math.ceil(cout / 8))
            store.add_trial(run, session, f"{cout}", INFO, trial)
    reading = msgspec.structs.replace(SWEEP, fixed={"h": 6, "cin": 3, "k": 3})
    taken = api.import_table(table, reading, BOARD, database=database, study="small")
    assert (taken.study, taken.run) == ("small", 1)
    found = {f.platform: f.trust.verdict for f in api.findings("small", database=database).findings}
    assert found == {"fake": Verdict.TRUSTED, "board": Verdict.NOT_ASSESSED}
    fake = msgspec.structs.replace(BOARD, platform="fake")
    with pytest.raises(TableError, match=r"--platform fake: run 1 .* has figures that opscope"):
        api.import_table(table, reading, fake, database=database, study="small")
    with pytest.raises(StudyError, match="there is no study 'smal'"):
        api.import_table(table, reading, fake, database=database, study="smal")


def test_runs_that_were_imported_can_be_compared(database, table, tmp_path):
    api.import_table(table, SWEEP, BOARD, database=database)
    other = tmp_path / "other.csv"
    other.write_text(staircase(period=8))
    reading = msgspec.structs.replace(SWEEP, figures={"latency_s": Figures(value="ms", unit="ms")})
    api.import_table(other, reading, BOARD, database=database)
    found = api.compare("run:1", "run:2", database=database)
    assert len(found.configurations) == 64
    last = found.configurations[-1]
    assert (last.ratio, last.interval) == (2.0, None)
    assert last.statement.endswith("as reported, without interval")


def test_whole_texts_name_workloads_too_and_rows_can_be_chosen(database, tmp_path):
    path = tmp_path / "paper.csv"
    path.write_text(
        "network,mj,bits\n"
        "zoo:resnet18,12,8\n"
        'zoo:mobilenet_v2@int8,"3",8.0\n'
        '"conv:h=28,cin=64,cout=64,k=3",0.5,32\n'
    )
    reading = msgspec.structs.replace(TEXTS, where={"bits": "8"})
    estimated = msgspec.structs.replace(BOARD, origin=Origin.ESTIMATED)
    api.import_table(path, reading, estimated, database=database)
    workloads = {str(t.job.workload): t.measurement("energy_j").value for t in kept(database)}
    assert workloads == {"zoo:resnet18@fp32": 0.012, "zoo:mobilenet_v2@int8": 0.003}
    assert {m.origin for t in kept(database) for m in t.measurements} == {Origin.ESTIMATED}


def test_a_parquet_file_and_columns_of_precision_and_batch(database, tmp_path):
    path = tmp_path / "table.parquet"
    columns = {"c": [8.0, 8.0, 16.0], "p": ["INT8", "fp32", "fp32"], "b": [1, 4, 1], "t": [1, 2, 3]}
    pl.DataFrame(columns).write_parquet(path)
    reading = Reading(
        figures={"latency_s": Figures(value="t", unit="us")},
        kind="conv",
        parameters={"cout": "c"},
        fixed={"h": 6, "cin": 3, "k": 3},
        precision_column="p",
        batch_column="b",
    )
    api.import_table(path, reading, BOARD, database=database)
    assert [str(trial.job.workload) for trial in kept(database)] == [
        "conv:h=6,cin=3,cout=8,k=3@int8",
        "conv:h=6,cin=3,cout=8,k=3@fp32,batch=4",
        "conv:h=6,cin=3,cout=16,k=3@fp32",
    ]
    assert [trial.source.number for trial in kept(database)] == [1, 2, 3]


def test_what_was_exported_can_be_imported(database, table, tmp_path):
    api.import_table(table, SWEEP, BOARD, database=database)
    exported = tmp_path / "exported.csv"
    assert api.export("board", database=database, to=exported) == 64
    figures = Figures(value="latency_s", low="latency_low_s", high="latency_high_s")
    reading = Reading(figures={"latency_s": figures}, configuration="workload")
    again = api.import_table(exported, reading, BOARD, database=database)
    first, second = kept(database, 1), kept(database, again.run)
    assert [t.job for t in first] == [t.job for t in second]
    values = [[(m.value, m.interval) for m in t.measurements] for t in (*first, *second)]
    assert values[:64] == values[64:]


REFUSED = [
    ("17,4.0", "17,", "line 18: '' in column ms is not a finite number"),
    ("17,4.0", "17,fast", "line 18: 'fast' in column ms is not a finite number"),
    ("17,4.0", "17,4_0.0", "line 18: '4_0.0' in column ms is not a finite number"),
    ("17,4.0", "17,inf", "line 18: 'inf' in column ms is not a finite number"),
    ("17,4.0", "17,-4", "line 18: -4 in column ms is negative"),
    ("17,4.0", ",4.0", "line 18: column channels is empty"),
    ("17,4.0", "16,4.0", r"line 18: conv:.*cout=16.* stands in line 17 already"),
    ("17,4.0", "1.5,4.0", r"line 18: conv:.*: cout=1.5 does not fit"),
    ("17,4.0", "0,4.0", r"line 18: conv:.*: cout=0 does not fit"),
    ("17,4.0", "17,2000", "line 18: ms lies outside its interval"),
    ("17,4.0", "17,4.0,1", "line 18: has 5 values, and the header names 4 columns"),
    ("channels,", "chanels,", "there is no column 'channels'. Did you mean 'chanels'"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_a_table_with_one_bad_row_is_refused_whole(database, table, old, new, message):
    table.write_text(
        staircase().replace(
            f"\n{old}" if old[0] == "1" else old, f"\n{new}" if old[0] == "1" else new
        )
    )
    with pytest.raises(TableError, match=message):
        api.import_table(table, SWEEP, BOARD, database=database)
    with Store(database, write=True) as store:
        assert store.studies() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "cnv"}, r"line 2: cnv:.*: there is no kind 'cnv'. Did you mean"),
        ({"fixed": {"hh": 28}}, r"line 2: conv:.*: unknown parameter 'hh'"),
        ({"kind": ""}, "it is not said what was measured"),
        ({"configuration": "channels"}, "it is not said what was measured"),
        ({"figures": {}}, "no column of figures is named"),
        ({"fixed": {"cout": 3}}, "cout has a column and a fixed value"),
        ({"figures": {"latency_s": Figures(value="ms", low="low")}}, "one bound of an interval"),
        ({"figures": {"latency_s": Figures(value="ms", unit="mJ")}}, "latency_s is not in mJ"),
        ({"where": {"ms": "7"}}, "no row is left"),
        ({"batch": 0}, "batch=0 is not a batch"),
    ],
)
def test_a_reading_that_cannot_be_meant_is_refused(database, table, changes, message):
    with pytest.raises(InputError, match=message):
        api.import_table(table, msgspec.structs.replace(SWEEP, **changes), BOARD, database=database)


def test_the_same_figures_are_never_there_twice(database, table, tmp_path):
    api.import_table(table, SWEEP, BOARD, database=database)
    with pytest.raises(TableError, match="this very file was imported into run 1 of board already"):
        api.import_table(table, SWEEP, BOARD, database=database)
    table.write_text(staircase(period=4))
    with pytest.raises(TableError, match=r"line \d+: conv:.* was imported into run 1 of board"):
        api.import_table(table, SWEEP, BOARD, database=database)
    assert len(kept(database)) == 64
    taken = api.import_table(table, SWEEP, BOARD, database=database, fresh=True)
    assert taken.run == 2
    simulated = msgspec.structs.replace(BOARD, origin=Origin.SIMULATED)
    with pytest.raises(TableError, match="its figures are kept as measured, not simulated"):
        api.import_table(table, SWEEP, simulated, database=database, fresh=True)


def test_the_study_of_a_table_holds_its_configurations_and_no_other(database, table):
    api.import_table(table, SWEEP, BOARD, database=database)
    with Store(database) as store:
        study = store.run(1).study
    assert api.count_jobs(study, ["board"]) == 64
    table = table.rename(table.with_name("conv-channels.csv"))
    with pytest.raises(InputError, match="Use --study conv-channels to add it to that"):
        api.import_table(table, SWEEP, BOARD, database=database)


def test_figures_stand_for_the_meter_that_is_named(database, table, tmp_path):
    def read_by(trials):
        return {trial.job.meter.name for trial in trials}

    api.import_table(table, SWEEP, BOARD, database=database, meter="call-latency")
    assert read_by(kept(database)) == {"call-latency"}
    assert api.import_table(table, SWEEP, BOARD, database=database).run == 2
    assert read_by(kept(database, 2)) == {"layer-latency"}
    with pytest.raises(InputError, match="--meter latencies: there is no such meter"):
        api.import_table(table, SWEEP, BOARD, database=database, meter="latencies")
    options = {"study": "conv-channels", "meter": "throughput"}
    with pytest.raises(InputError, match="the study conv-channels does not ask for it"):
        api.import_table(table, SWEEP, BOARD, database=database, **options)
    path = tmp_path / "paper.csv"
    path.write_text("network,mj\nzoo:resnet18,12\n")
    with pytest.raises(TableError, match="line 2: zoo:resnet18@fp32 is a whole network"):
        api.import_table(path, TEXTS, BOARD, database=database, meter="layer-latency")


def test_more_may_be_asked_of_what_was_imported(database, table):
    api.import_table(table, SWEEP, BOARD, database=database)
    assert api.findings("board", database=database).findings == ()
    questions = [Question(kind="steps", x="cout")]
    (finding,) = api.findings("board", database=database, questions=questions).findings
    assert finding.guideline.allowed == (16, 32, 48, 64)
    found = api.overview("board", database=database, questions=questions)
    assert found.sweeps[0].curves[0].recommended == (16, 32, 48, 64)
    assert api.findings("board", database=database).findings == ()
    with pytest.raises(InputError, match="cuot: no configuration has this parameter"):
        api.findings("board", database=database, questions=[Question(kind="steps", x="cuot")])


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=25, deadline=None)
@given(
    cells=st.lists(st.tuples(st.floats(0, 1e15), CELLS, CELLS), min_size=1, max_size=5),
    ending=st.sampled_from(["csv", "parquet"]),
)
def test_what_is_kept_of_a_row_is_the_record_of_its_trial(tmp_path_factory, cells, ending):
    folder = tmp_path_factory.mktemp("rows")
    columns = {
        "channels": [*range(1, len(cells) + 1)],
        "ms": [value for value, _, _ in cells],
        "note": [note for _, note, _ in cells],
        '"we, ird"': [note for _, _, note in cells],
    }
    frame, table = pl.DataFrame(columns), folder / f"table.{ending}"
    (frame.write_csv if ending == "csv" else frame.write_parquet)(table)
    api.import_table(table, PLAIN, BOARD, database=folder / "x.db")
    trials = kept(folder / "x.db")
    rows = sqlite3.connect(folder / "x.db").execute("SELECT record FROM trials ORDER BY id")
    assert [record for (record,) in rows] == [to_json(trial) for trial in trials]
    assert [trial.measurement("latency_s").value for trial in trials] == [
        value / 1e3 for value in columns["ms"]
    ]
    for name in ("note", '"we, ird"'):
        assert [row[name] for row in rows_kept(folder / "x.db")] == columns[name]
