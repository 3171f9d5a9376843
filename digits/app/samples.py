"""The sample pictures that come with the app."""

from pathlib import Path

import digits

SAMPLES = Path(digits.__file__).parent / "samples"
