"""What a run's trials look like as a table, and what is left where one cannot be written."""

import sqlite3

import msgspec
import polars as pl
import pytest

from opscope import api
from opscope.core.execution import Execution
from opscope.core.measurement import Measurement, Scope, Spread, Trust, Verdict
from opscope.core.platform import Origin
from opscope.errors import ConfigurationError, InputError, StoreError
from opscope.store import Store
from opscope.store.exchange import write_table
from tests.builders import small_study
from tests.store.test_store import ENVIRONMENTS, INFO, trial_of


def detailed(trial):
    """Return the trial with everything that has a column, and a node's figure, which has none."""
    latency = msgspec.structs.replace(
        trial.measurements[0],
        interval=(0.5, 2.0),
        spread=Spread(samples=9, median=1.5, p95=3.0, p99=4.0),
        trust=Trust(verdict=Verdict.UNTRUSTED, reason="noise"),
        stopped="rounds",
    )
    node = msgspec.structs.replace(latency, value=7.0, scope=Scope(kind="node", node="n"))
    cycles = Measurement(
        quantity="cycles", value=12, unit="cycles", origin=Origin.ESTIMATED, derivation="counted"
    )
    execution = Execution(as_asked=0.25, output_error=1e-6)
    changes = {"measurements": (node, latency, cycles), "execution": execution}
    return msgspec.structs.replace(trial, **changes)


@pytest.fixture
def database(tmp_path):
    """Trials 1 to 4: detailed, plain, failed, and the second once more."""
    path = tmp_path / "trials.db"
    failed = msgspec.structs.replace(trial_of(3, status="failed"), reason='=it, "broke"\nhere')
    with Store(path, write=True) as store:
        run = store.open_run(small_study())
        session = store.open_session(run, ENVIRONMENTS)
        for key, trial in (
            ("a", detailed(trial_of(1))),
            ("b", trial_of(2)),
            ("c", failed),
            ("b", trial_of(2, value=5.0)),
        ):
            store.add_trial(run, session, key, INFO, trial)
    return path


def exported(database, name="table.parquet", **options):
    to = database.parent / name
    rows = api.export("small", database=database, to=to, **options)
    as_text = {"runtime_version": pl.String}
    csv = to.suffix == ".csv"
    table = pl.read_csv(to, schema_overrides=as_text) if csv else pl.read_parquet(to)
    assert len(table) == rows
    return table


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_a_row_holds_the_last_attempt_of_a_trial_and_all_that_is_said_of_it(database, name):
    table = exported(database, name)
    assert table["trial"].to_list() == [1, 3, 4]
    assert table["attempt"].to_list() == [0, 0, 1]
    row = table.row(0, named=True)
    expected = {
        "run": 1,
        "study": "small",
        "workload": "conv:h=6,cin=3,cout=1,k=3@fp32",
        "configuration": "conv:h=6,cin=3,cout=1,k=3",
        "kind": "conv",
        "name": None,
        "precision": "fp32",
        "batch": 1,
        "meter": "latency",
        "platform": "fake",
        "fingerprint": INFO.fingerprint,
        "runtime_version": INFO.runtime_version,
        "p_cout": 1,
        "p_act": "none",
        "latency_s": 1.0,
        "latency_low_s": 0.5,
        "latency_high_s": 2.0,
        "latency_median_s": 1.5,
        "latency_p95_s": 3.0,
        "latency_p99_s": 4.0,
        "latency_samples": 9,
        "latency_origin": "measured",
        "latency_trust": "untrusted",
        "latency_trust_reason": "noise",
        "latency_stopped": "rounds",
        "cycles": 12.0,
        "cycles_origin": "estimated",
        "status": "ok",
        "as_asked": 0.25,
        "output_error": 1e-6,
        "source_sha256": None,
    }
    assert {key: row[key] for key in expected} == expected
    assert table["latency_s"].to_list() == [1.0, None, 5.0]
    assert table["cycles"].to_list() == [12.0, None, None]


def test_a_text_that_a_spreadsheet_would_compute_is_made_inert_in_csv_alone(database):
    assert exported(database, "table.csv")["reason"][1] == '\'=it, "broke"\nhere'
    assert exported(database)["reason"][1] == '=it, "broke"\nhere'
    columns = {"name": ["+1", "@x", "-", "plain", None], "latency_s": [-1.5, 2.0, 1e-9, None, 0.0]}
    path = database.parent / "formulas.csv"
    write_table(columns, path)
    table = pl.read_csv(path)
    assert table["name"].to_list() == ["'+1", "'@x", "'-", "plain", None]
    assert table["latency_s"].to_list() == columns["latency_s"]


def test_platforms_and_run_may_be_chosen(database):
    with Store(database, write=True) as store:
        store.open_run(small_study(), fresh=True)
    assert len(exported(database)) == 0
    assert len(exported(database, run=1, platforms=["fake"])) == 3
    with pytest.raises(ConfigurationError, match="no trial on this platform is kept"):
        exported(database, run=1, platforms=["openvino-cpu"])
    with pytest.raises(StoreError, match="no run of a study"):
        exported(database, run=7)


def test_a_damaged_record_is_an_error_in_words(database):
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE trials SET record = '{' WHERE id = 3")
    with pytest.raises(StoreError, match="damaged"):
        exported(database)
    assert not (database.parent / "table.parquet").exists()


def test_columns_without_a_value_keep_their_type(database):
    with Store(database, write=True) as store:
        run = store.open_run(small_study(), fresh=True)
        session = store.open_session(run, ENVIRONMENTS)
        store.add_trial(run, session, "a", INFO, trial_of(1))
    table = exported(database)
    numbers = ["latency_low_s", "latency_p99_s", "as_asked", "load_s"]
    assert [table.schema[name] for name in numbers] == [pl.Float64] * 4
    assert table.schema["reason"] == pl.String


@pytest.mark.parametrize("name", ["table.txt", "table", "missing/table.csv", "folder.csv"])
def test_what_cannot_be_written_is_one_error_and_leaves_nothing(database, name):
    folder = database.parent / "out"
    (folder / "folder.csv").mkdir(parents=True)
    with pytest.raises(InputError, match=r"ends in \.parquet or \.csv|no such folder|is a folder"):
        api.export("small", database=database, to=folder / name)
    assert list(folder.rglob("*")) == [folder / "folder.csv"]


def test_a_table_takes_the_place_of_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    write_table({"a": [1]}, path)
    assert path.read_text() == "a\n1\n"
    assert list(tmp_path.iterdir()) == [path]
