"""The pictures that come with the app, for those who have none at hand."""

from pathlib import Path

import digits

SAMPLES = Path(digits.__file__).parent / "samples"
