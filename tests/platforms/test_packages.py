"""A distribution ``frail``, which ``needy`` needs in some version, in several states of decay."""

import importlib
import re
import shutil
import sys

import pytest

from opscope.errors import PlatformUnavailable
from opscope.platforms.packages import comes_by_extra, load_package, missing_package


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a folder of installed packages: frail 2.1, and needy, which needs 2.x of it."""
    describe(tmp_path, "needy", "1", "Requires-Dist: frail (<3,>=2) ; extra == 'x'\n")
    describe(tmp_path, "frail", "2.1")
    write(tmp_path, "Core = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "frail", raising=False)
    yield tmp_path
    sys.modules.pop("frail", None)


def describe(folder, name, version, more=""):
    for old in folder.glob(f"{name}-*.dist-info"):
        shutil.rmtree(old)
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"
    )
    importlib.invalidate_caches()


def write(folder, code):
    (folder / "frail").mkdir(parents=True, exist_ok=True)
    (folder / "frail" / "__init__.py").write_text(code)
    importlib.invalidate_caches()


@pytest.mark.parametrize("version", ["2.1", "2", "2.9.dev3"])
def test_a_version_that_is_declared_will_do(site, version):
    describe(site, "frail", version)
    assert missing_package("frail", declared_by="needy") == ""


@pytest.mark.parametrize("version", ["1.9", "3.0"])
def test_a_version_outside_the_declared_range_is_told_with_what_mends_it(site, version):
    describe(site, "frail", version)
    reason = missing_package("frail", declared_by="needy")
    assert reason == (
        f"frail {version} is installed, and frail<3,>=2 is needed: pip install 'frail<3,>=2'"
    )


def test_any_version_will_do_where_none_is_declared(site):
    describe(site, "frail", "9")
    assert missing_package("frail", declared_by="nobody") == ""


def test_what_only_an_extra_needs_comes_by_it(site):
    describe(site, "needy", "1", "Requires-Dist: frail ; extra == 'x'\nRequires-Dist: firm>=1\n")
    assert comes_by_extra("frail", declared_by="needy")
    assert not comes_by_extra("firm", declared_by="needy")
    assert not comes_by_extra("frail", declared_by="nobody")


def test_a_missing_package_is_told_with_what_installs_it(site):
    shutil.rmtree(site / "frail-2.1.dist-info")
    reason = missing_package("frail", declared_by="needy")
    assert reason.endswith("is missing; install it with: pip install 'frail<3,>=2'")


def test_a_package_without_its_description_is_installed_in_part(site):
    (site / "frail-2.1.dist-info" / "METADATA").write_text("")
    assert "pip install --force-reinstall 'frail<3,>=2'" in missing_package(
        "frail", declared_by="needy"
    )


def test_a_sound_package_is_imported(site):
    assert load_package("frail", ("Core",), declared_by="needy").Core == 1


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("raise ImportError('libx.so: cannot\\n open')", "ImportError: libx.so: cannot open"),
        ("raise OSError('truncated')", "OSError: truncated"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("", "it has no Core"),
    ],
)
def test_a_broken_package_says_where_it_lies_and_how_to_reinstall_it(site, code, fault):
    write(site, code)
    with pytest.raises(PlatformUnavailable) as caught:
        load_package("frail", ("Core",), declared_by="needy")
    assert str(caught.value) == (
        f"the package frail in {site}/frail is broken: {fault}. "
        "Reinstall it: pip install --force-reinstall 'frail<3,>=2'"
    )


def test_a_package_whose_files_are_gone_is_broken(site):
    shutil.rmtree(site / "frail")
    with pytest.raises(PlatformUnavailable, match=r"No module named 'frail'\. .*--force-reinstall"):
        load_package("frail", declared_by="needy")


def test_a_package_that_hides_the_installed_one_is_told_apart(site, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    write(other, "")
    monkeypatch.syspath_prepend(other)
    with pytest.raises(PlatformUnavailable, match=re.escape(f"{other}/frail is broken")) as caught:
        load_package("frail", ("Core",), declared_by="needy")
    assert "hides the installed one" in caught.value.remedy
