"""From the bytes of an upload to pixels, safely."""
