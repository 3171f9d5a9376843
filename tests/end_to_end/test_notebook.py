"""The notebook runs top to bottom, and says what its text says."""

from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks" / "mnist_to_photo.ipynb"


def test_the_notebook_runs_from_the_first_cell_to_the_last() -> None:
    notebook: Any = nbformat.reads(  # type: ignore[no-untyped-call]
        NOTEBOOK.read_text(encoding="utf-8"), as_version=4
    )
    assert not any(cell.get("outputs") for cell in notebook.cells), "save it without outputs"
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(ROOT)}}).execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output
    )
    accuracy = float(printed.split("test accuracy ")[1].split("%")[0])
    assert accuracy > 94.0
    assert "the model that ships says 3" in printed
    assert "accepted is False" in printed
