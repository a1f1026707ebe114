"""What is where a file was to be written, and what is left beside it: the whole, or what was."""

import os
from pathlib import Path

import pytest

from opscope.errors import InputError
from opscope.store.files import written_whole


def test_a_file_takes_the_place_of_what_was_there_only_when_all_is_written(tmp_path):
    path = tmp_path / "file.txt"
    path.write_bytes(b"before")
    with written_whole(path) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_if_writing_fails(tmp_path):
    path = tmp_path / "file.txt"
    path.write_bytes(b"before")
    with pytest.raises(TypeError), written_whole(path) as file:
        file.writelines([b"half", None])
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_error_with_a_remedy(tmp_path):
    path = tmp_path / "file.txt"
    full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 - closed below
    with pytest.raises(InputError) as caught, written_whole(path), full:
        full.write(b"x")
    assert str(caught.value) == (
        f"{path}: cannot be written: No space left on device. "
        "Name a file in a folder that can be written."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_link_goes_on_naming_what_it_names(tmp_path):
    path, link = tmp_path / "file.txt", tmp_path / "link.txt"
    link.symlink_to(path)
    with written_whole(link) as file:
        file.write(b"all")
    assert path.read_bytes() == b"all"
    assert link.readlink() == path


def test_a_file_has_the_permissions_of_any_new_one(tmp_path):
    (tmp_path / "plain").touch()
    with written_whole(tmp_path / "file.txt"):
        pass
    assert (tmp_path / "file.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_is_no_place_for_a_file_is_refused_and_left(tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path, "it is a folder. Name a file in it."),
        (tmp_path / "pipe", "it is no regular file. Name a file in a folder that can be written"),
        (tmp_path / "none" / "x", "none: there is no such folder. Make it, or name another."),
        (tmp_path / "file" / "x", "file: there is no such folder. Make it, or name another."),
        (tmp_path / ("x" * 300), "File name too long."),
    ):
        with pytest.raises(InputError) as caught, written_whole(path):
            pass
        assert message in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "pipe"]
