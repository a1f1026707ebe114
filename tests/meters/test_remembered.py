import pytest

from opscope.meters import remembered
from opscope.meters.remembered import is_well_known, keep_contention, least_contention


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Give each test a user's folder of its own, and return the file in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "opscope" / "contention.json"


def test_what_is_kept_is_known_later():
    assert least_contention() is None
    for level, known in ((1.5, 1.5), (1.2, 1.2), (1.6, 1.2)):
        keep_contention(level)
        assert least_contention() == pytest.approx(known, rel=0.01)


def test_of_many_cohorts_one_may_err():
    for number in range(200):
        keep_contention(0.5 if number == 7 else 1.2)
    assert least_contention() == 1.2


def test_a_machine_is_well_known_after_ten_cohorts():
    for _ in range(9):
        keep_contention(1.2)
    assert not is_well_known()
    keep_contention(1.5)
    assert is_well_known()


def test_only_the_last_cohorts_count():
    for level in (*[1.0] * 20, *[1.5] * 980):
        keep_contention(level)
    assert least_contention() == 1.0
    for _ in range(20):
        keep_contention(1.5)
    assert least_contention() == 1.5


def test_another_processor_or_numpy_has_a_level_of_its_own(monkeypatch):
    keep_contention(1.2)
    with monkeypatch.context() as patch:
        patch.setattr(remembered.np, "__version__", "another")
        assert least_contention() is None
        keep_contention(1.4)
        assert least_contention() == 1.4
    assert least_contention() == 1.2
    monkeypatch.setattr(remembered.cpu, "describe", lambda: ("another", ()))
    assert least_contention() is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b'{"x": ["y"]}',
        b"\xff",
        b'{"x": [NaN]}',
        b'{"x": [0]}',
        b'{"x\xff": [1]}',
    ],
)
def test_a_damaged_file_says_nothing_and_is_replaced(place, content):
    place.parent.mkdir()
    place.write_bytes(content)
    assert least_contention() is None
    keep_contention(1.2)
    assert least_contention() == 1.2
    assert list(place.parent.iterdir()) == [place]


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep_contention(1.2)
    assert least_contention() is None


def test_the_users_home_serves_unless_another_folder_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    keep_contention(1.2)
    assert (tmp_path / "home/.cache/opscope/contention.json").exists()
    assert not (tmp_path / "relative").exists()


def test_without_a_home_nothing_is_kept(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(remembered.Path, "home", homeless)
    keep_contention(1.2)
    assert least_contention() is None
