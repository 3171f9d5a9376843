import pytest

from benchmarks.accuracy import photos


def test_every_photo_is_counted_once_for_each_way_to_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert photos.main(["--count", "3"]) == 0
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("|")][2:]
    for way in ("whole", "copy"):
        counts = [list(map(int, row[2:])) for row in rows if row[1] == way]
        assert sum(row[0] for row in counts) == 3
        assert all(row[0] == sum(row[1:]) for row in counts)
