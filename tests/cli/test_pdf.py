"""`digits read` and `digits predict` with PDF files."""

import io
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.hostile.pdf_files import encrypted
from digits.cli.main import main
from digits.data.mnist import Mnist
from tests.pictures import handwritten


def test_a_scan_is_read_page_by_page_and_an_encrypted_one_is_refused(
    mnist: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (Image.fromarray(handwritten(mnist, text)[0]) for text in ("2", "39"))
    file = io.BytesIO()
    first.save(file, "PDF", resolution=200, save_all=True, append_images=[second])
    Path("scan.pdf").write_bytes(file.getvalue())
    Path("secret.pdf").write_bytes(encrypted())
    assert main(["read", "."]) == 1
    output = capsys.readouterr()
    assert output.out.splitlines() == ["scan.pdf, page 1 of 2: 2", "scan.pdf, page 2 of 2: 39"]
    assert "digits: secret.pdf: The PDF file is encrypted and needs a password." in output.err
    assert main(["predict", "scan.pdf"]) == 0
    assert capsys.readouterr().out.endswith(", page 1 of 2)\n")
