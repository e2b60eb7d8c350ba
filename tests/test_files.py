"""Files are there whole or not at all."""

import os
from importlib.metadata import version

import pytest

from caloris.errors import InputError
from caloris.files import output_folder, versions, whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_at_the_end(tmp_path):
    target = tmp_path / "table.csv"
    with whole(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.suffix == ".csv"
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["table.csv"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def write():
        with whole(target) as temporary:
            temporary.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    def write():
        with whole(tmp_path / "table.csv"):
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="cannot write: No space left on device"):
        write()
    assert names(tmp_path) == []


def test_a_new_file_can_be_read_like_any_other(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    with whole(tmp_path / "made") as temporary:
        temporary.write_text("")
    assert (tmp_path / "made").stat().st_mode == plain.stat().st_mode


def refused(path):
    with pytest.raises(InputError) as caught, whole(path) as temporary:
        temporary.write_text("text")
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_places_that_cannot_be_written(tmp_path):
    assert "no folder" in refused(tmp_path / "absent" / "file.h5")
    (tmp_path / "folder").mkdir()
    assert "it is a folder" in refused(tmp_path / "folder")
    (tmp_path / "file").write_text("")
    assert "no folder" in refused(tmp_path / "file" / "below.h5")
    assert "cannot write" in refused(tmp_path / ("n" * 300 + ".h5"))
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert "cannot write" in refused(closed / "file.h5")
    with pytest.raises(InputError, match="cannot write results there"):
        output_folder(closed / "below")


def test_a_folder_for_results_is_made_and_left_empty(tmp_path):
    folder = output_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert names(folder) == []
    assert output_folder(folder) == folder
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot write results there") as caught:
            output_folder(place)
        assert len(str(caught.value).splitlines()) == 1


def test_versions_are_those_installed():
    found = versions()
    for package in ("numpy", "scipy", "scipp", "scikit-fem"):
        assert found[package] == version(package)
