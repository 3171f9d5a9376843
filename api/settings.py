"""What an operator can set, from environment variables."""

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from digits.errors import SettingError
from digits.image import MAX_BYTES, MAX_PIXELS, ImageLimits


class Settings(BaseSettings):
    """The API's settings; each is read from `DIGITS_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="DIGITS_", extra="ignore", env_ignore_empty=True)

    model: Path | None = Field(
        None, description="Model file; without it models/mnist_model.keras, else the one that ships."
    )
    max_bytes: int = Field(ImageLimits.max_bytes, ge=1, le=MAX_BYTES, description="Largest image file, in bytes.")
    max_pixels: int = Field(
        ImageLimits.max_pixels, ge=1, le=MAX_PIXELS, description="Largest image, width times height."
    )

    max_in_flight: int = Field(
        256, ge=1, le=100_000, description="Most requests that are answered at a time; beyond it, 503."
    )
    receive_seconds: float = Field(30.0, gt=0.0, le=3600.0, description="Longest time for a request's body to arrive.")
    max_batch_files: int = Field(100, ge=1, le=10_000, description="Most files in one batch.")
    max_batch_bytes: int = Field(
        100 * 1024 * 1024, ge=1, le=MAX_BYTES, description="All files of a batch together, in bytes."
    )

    @property
    def limits(self) -> ImageLimits:
        """What one image may cost."""
        return ImageLimits(max_bytes=self.max_bytes, max_pixels=self.max_pixels)


def read_settings() -> Settings:
    """The settings from the environment.

    Raises:
        SettingError: a variable has a wrong value; the message names it and what is right.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        variable = "DIGITS_" + str(first["loc"][0]).upper()
        raise SettingError(f"{variable} is {first['input']!r}: {first['msg']}.") from None
