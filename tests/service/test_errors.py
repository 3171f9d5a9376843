import errno
import inspect
import os
import re

import pytest

from digits import errors as core
from digits.errors import DigitsError
from digits.service import errors
from digits.service.problems import PROBLEMS
from digits.service.routes.documented import documented
from tests.conftest import ROOT

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]
GROUPS = (errors.UploadError, errors.BatchError, errors.UnavailableError, errors.AccessError)


def test_the_tree_at_the_top_of_the_module_is_the_tree_of_its_classes() -> None:
    drawn: dict[str, tuple[str, ...]] = {}
    above: dict[int, str] = {}
    lines = re.findall(r"^([ │]*)[├└]── (\w+)(?: \((\w+)\))?", errors.__doc__ or "", re.MULTILINE)
    for indent, name, builtin in lines:
        above[len(indent)] = name
        parent = max((depth for depth in above if depth < len(indent)), default=None)
        drawn[name] = ("DigitsError" if parent is None else above[parent], *([builtin] if builtin else []))
    assert drawn == {error.__name__: tuple(base.__name__ for base in error.__bases__) for error in CLASSES}


@pytest.mark.parametrize("error", [item for item in CLASSES if item not in GROUPS])
def test_each_error_of_the_api_is_answered_with_a_problem(error: type[DigitsError]) -> None:
    assert error in PROBLEMS


def test_a_group_documents_each_of_its_problems_and_no_other() -> None:
    responses = documented(errors.UploadError, core.ImageError, without=(errors.BatchError, core.CrowdedImageError))
    names = {
        name for response in responses.values() for body in response["content"].values() for name in body["examples"]
    }
    expected = {
        problem.name
        for error, problem in PROBLEMS.items()
        if issubclass(error, (errors.UploadError, core.ImageError))
        and not issubclass(error, (errors.BatchError, core.CrowdedImageError))
    }
    assert names == expected
    assert {"missing-file", "no-ink"} <= names


def test_the_clients_page_lists_every_problem_with_its_status_and_title() -> None:
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \| (.+) \|$", page, re.MULTILINE)
    assert sorted(rows) == sorted((kind.name, str(kind.status), kind.title) for kind in PROBLEMS.values())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "open no more files"),
        (OSError(errno.ENFILE, "Too many open files in system"), "open no more files"),
        (ImportError("libheif.so: cannot open shared object file: Too many open files"), "open no more files"),
        (RuntimeError("can't start new thread"), "start no more threads"),
        (core.ProcessStartError("No process can be started."), "start no more processes"),
        (OSError(errno.ENOENT, "No such file or directory"), None),
        (OSError("image file is truncated"), None),
        (ImportError("No module named 'digit'"), None),
        (RuntimeError("dictionary changed size during iteration"), None),
    ],
)
def test_what_the_system_lacks_for_a_moment_is_told_from_faults(error: Exception, told: str | None) -> None:
    unavailable = errors.as_unavailable(error)
    assert (unavailable is None) == (told is None)
    assert told is None or told in str(unavailable)


def test_what_lacked_may_stand_behind_the_error() -> None:
    error = core.ModelFileError("A network cannot be read. Install Digits anew.")
    error.__cause__ = OSError(errno.EMFILE, "Too many open files")
    assert isinstance(errors.as_unavailable(error), errors.OverloadedError)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT, errno.ENOMEM])
def test_a_file_that_cannot_be_put_aside_is_told_as_that(number: int) -> None:
    error = core.PutAsideError("This file cannot be put aside.")
    error.__cause__ = OSError(number, os.strerror(number))
    assert "cannot put this file aside: it has no room on its disk" in str(errors.as_unavailable(error))


def test_a_process_that_lacks_memory_is_not_told_as_a_full_disk() -> None:
    error = core.ProcessStartError("No process can be started.")
    error.__cause__ = OSError(errno.ENOMEM, "Cannot allocate memory")
    assert "start no more processes" in str(errors.as_unavailable(error))
