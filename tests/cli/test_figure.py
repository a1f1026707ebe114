import pytest

from opscope import api
from opscope.store import Store
from tests.builders import small_study
from tests.cli.running import opscope_command
from tests.test_api import FAKE, add


@pytest.fixture
def folder(tmp_path):
    with Store(tmp_path / "opscope.db", write=True) as store:
        add(store, store.open_run(small_study()), FAKE, range(1, 25), period=8)
    return tmp_path


def test_without_a_name_the_figures_are_listed(folder):
    done = opscope_command("figure", "small", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "conv-cout-fp32" in done.stdout
    assert "latency-macs" in done.stdout


@pytest.mark.parametrize(("name", "start"), [("a.svg", b"<?xml"), ("a.PNG", b"\x89PNG")])
def test_a_figure_is_drawn_in_the_form_that_its_file_names(folder, name, start):
    done = opscope_command("figure", "small", "conv-cout-fp32", "-o", name, cwd=folder)
    assert done.returncode == 0
    written = (folder / name).read_bytes()
    assert written.startswith(start)
    assert done.stdout == f"{name}: {len(written):,} bytes\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("conv-cuot-fp32", "-o", "a.svg"), "Did you mean 'conv-cout-fp32'?"),
        (("latency-macs", "-o", "a.pdf"), "End it in .svg or .png."),
        (("latency-macs",), "Give both NAME and -o FILE"),
        (("-o", "a.svg"), "Give both NAME and -o FILE"),
    ],
)
def test_what_cannot_be_drawn_says_why(folder, arguments, complaint):
    done = opscope_command("figure", "small", *arguments, cwd=folder)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert not list(folder.glob("a.*"))


def test_the_overview_says_where_and_how_much_of_the_study_is_done(folder):
    found = api.overview("small", database=folder / "opscope.db")
    assert (found.run, found.jobs, len(found.rows)) == (1, 24, 24)
    assert found.rows[0].macs == 6 * 6 * 3 * 9 * found.rows[0].parameters["cout"]
    assert [len(site.environments) for site in found.sites] == [1]
    (sweep,) = found.sweeps
    assert sweep.curves[0].recommended == (8, 16, 24)


def test_json_gives_the_chart_itself(folder):
    done = opscope_command("figure", "small", "latency-macs", "--json", cwd=folder)
    assert '"name": "latency-macs"' in done.stdout
