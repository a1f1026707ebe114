import pytest

from opscope.testing.mutations import KINDS, Trespass, mutation, prepare, read_watched, watch


@pytest.fixture
def folder(tmp_path):
    """A folder with the weights of the model whose weights are beside it."""
    prepare(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_end_in_a_graph_or_in_words(folder, kind):
    ends = [read_watched(mutation(kind, seed), kind, folder) for seed in range(100)]
    assert sum(end == "imported" for end in ends) < 60
    assert len(set(ends)) > 10
    assert all(str(folder) in end for end in ends if end != "imported")


def test_the_watch_sees_what_it_is_for(tmp_path):
    with pytest.raises(Trespass, match="open"), watch(tmp_path):
        open(__file__).close()  # noqa: PTH123 - what the watch is to see
    with watch(tmp_path):
        (tmp_path / "inside").write_text("")
