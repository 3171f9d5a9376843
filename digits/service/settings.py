"""The settings, which environment variables choose."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from digits.errors import SettingError
from digits.images.formats import FORMATS, format_name
from digits.images.limits import MAX_BYTES, MAX_PIXELS, ImageLimits
from digits.model.engine import AUTO, PrecisionChoice
from digits.service.limits.rate import read_limit

PREFIX = "DIGITS_"

_HOST = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\]")
_ORIGIN = re.compile(r"https?://[^/\s,*]+")
# A name that is this similar to that of a setting (difflib's ratio) is taken for a typing error.
_ALIKE = 0.85
# An image in JSON is held as text, decoded, and as an image: so many times its size in all.
_FORMS_OF_AN_IMAGE = 7
# What Pydantic says of a wrong value, and what people are told.
_REASONS = {
    "^Value error, ": "",
    "Input should be": "it should be",
    "a valid integer.*": "a whole number",
    "a valid number.*": "a number",
    "a valid boolean.*": "true or false",
    r"(greater|less) than or equal to (\S+)": r"\2 or \1",
    "be greater than": "be more than",
    "or greater": "or more",
}

# A variable with several values has commas between them.
Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The settings of the API; the variable of each is `DIGITS_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", env_ignore_empty=True, frozen=True)

    model: Path | None = Field(
        None, description="The model file. Default: models/mnist_model.keras if it exists, else the model that ships."
    )
    shadow_model: Path | None = Field(
        None,
        description="A second model file, which sees the same pictures after `/predict/` has answered them. `/metrics` "
        "counts how often it disagrees (`digits_shadow_pictures_total`). Pictures that come too fast are skipped.",
    )
    precision: PrecisionChoice = Field(
        AUTO,
        description="The numbers with which the network computes: `float32`, or `int8`, in which the network alone "
        "takes about half the time; a photo takes as long as with `float32`. Where the "
        "model file has no int8 form (`digits model quantize` adds one), or the processor no instructions for it "
        "(AVX-512 VNNI or AVX-VNNI, on Linux), `float32` answers, and the log and `/model` say so. `auto` is `int8` "
        "where it can answer and reads no fewer of the test images, and else `float32`.",
    )

    max_bytes: int = Field(ImageLimits.max_bytes, ge=1, le=MAX_BYTES, description="Largest image file, in bytes.")
    max_pixels: int = Field(
        ImageLimits.max_pixels, ge=1, le=MAX_PIXELS, description="Largest image, in pixels (width times height)."
    )
    max_frames: int = Field(
        ImageLimits.max_frames,
        ge=1,
        le=100_000,
        description="Most frames or pages in a file. The first frame of an animation is read.",
    )
    max_pages: int = Field(
        ImageLimits.max_pages,
        ge=1,
        le=100_000,
        description="Most pages of a document that one request to `/read/` may read. A request that names a `page` "
        "reads one.",
    )
    max_document_pixels: int = Field(
        ImageLimits.max_document_pixels,
        ge=1,
        le=2**40,
        description="Most pixels of all pages together that one request to `/read/` may read.",
    )
    formats: Names = Field(
        FORMATS, description="Formats that are read, separated by commas. The content of a file decides, not its name."
    )
    max_candidates: int = Field(
        ImageLimits.max_candidates,
        ge=1,
        le=1_000_000,
        description="Most candidates (digits, and marks that may be digits) on one page, else `crowded-image`. A "
        "thousand take about a second. Large strokes, and those that may be cut in many places, count for more.",
    )
    compute_seconds: float = Field(
        5.0,
        gt=0.0,
        le=3600.0,
        description="Most processor time to read one image, in seconds. A batch may take ten times as much. An image "
        "that takes less, and is not read after four times as long by the clock (at least ten seconds), gets "
        "503 (`processor-busy`): others keep the processor busy.",
    )
    compute_processes: bool = Field(
        True,
        description="Whether what takes longer than a small image is read in processes of their own, of 50 MB each. "
        "Else, and on Windows or with less than 500 MB of memory for each worker, small images wait longer for it.",
    )
    max_batch_files: int = Field(100, ge=1, le=10_000, description="Most files in one batch.")
    max_batch_bytes: int = Field(
        100 * 1024 * 1024, ge=1, le=MAX_BYTES, description="Largest size of all files of a batch together, in bytes."
    )
    receive_seconds: float = Field(
        30.0, gt=0.0, le=3600.0, description="Longest time for the body of a request to arrive, in seconds."
    )
    max_in_flight: int = Field(
        256,
        ge=1,
        le=100_000,
        description="Most requests that a worker handles at a time. Beyond it, the answer is 503.",
    )
    queue_seconds: float = Field(
        0.3,
        gt=0.0,
        le=3600.0,
        description="Longest time that an image is expected to wait for its turn, in seconds. Beyond it, the answer is "
        "503. A few images may always wait.",
    )
    max_buffered_bytes: int = Field(
        256 * 1024 * 1024,
        ge=1,
        description="Most bytes of request bodies that a worker holds at a time, with what they unpack to. Beyond it, "
        "the answer is 503; also where several bodies, with the images that are decoded, or 64 MiB for one, take more "
        "than 12 MiB over `DIGITS_MAX_DECODING_BYTES`. Must be at least `DIGITS_MAX_BATCH_BYTES`, and at least seven "
        "times `DIGITS_MAX_BYTES`, because an image in JSON is held in several forms.",
    )
    max_decoding_bytes: int | None = Field(
        None,
        ge=1,
        description="Most memory, in bytes, for all images that a worker decodes, or reads as numbers, at the same "
        "time. Bodies of other requests count where they take more than 12 MiB together, unless the image is the only "
        "one and needs no more than 64 MiB. An image that needs more than there is is decoded alone. A request gets "
        "503 if it waits for that memory for longer than `DIGITS_QUEUE_SECONDS`, or, once its page is decoded, for "
        "longer than 2 seconds. Default: 128 MiB or 64 MiB for each image decoded at a time, whichever is more, but no "
        "more than the container's memory leaves.",
    )
    max_image_memory: int = Field(
        160 * 1024 * 1024,
        ge=1,
        description="Most bytes of memory that decoding one image may take. It is known from the header. Enough for 50 "
        "megapixels of JPEG, and of PNG that is neither interlaced nor has 16 bits for each sample of a color; for 41 "
        "of colored TIFF and TGA, 33 of HEIC from a phone, 20 of WebP and 18 of AVIF, which take more for each pixel.",
    )
    header_seconds: float = Field(
        10.0,
        gt=0.0,
        le=3600.0,
        description="Longest time for the headers of a request to arrive, in seconds. Only `digits serve`.",
    )
    max_connections: int = Field(
        900,
        ge=1,
        le=1_000_000,
        description="Most connections that a worker holds. Beyond it, the answer is 503; a few more are taken for "
        "health checks. The process must be allowed to open 64 files more than that (`ulimit -n`); `digits serve` "
        "asks for it, and ends with a message if the system does not allow that. Only `digits serve`.",
    )
    max_connections_per_address: int | None = Field(
        None,
        ge=1,
        description="Most connections that a worker holds from one address: an IPv4 address or an IPv6 network of 64 "
        "bits. All that come through a proxy have the address of the proxy. Default: half of "
        "`DIGITS_MAX_CONNECTIONS`. Only `digits serve`.",
    )

    api_keys: SecretStr | None = Field(
        None,
        description="API keys, separated by commas: each is a name, a space, and a key of at least 16 characters. "
        "Without any key, the API asks for none.",
    )
    api_keys_file: Path | None = Field(
        None, description="A file with more API keys, one per line. It is read again when it changes."
    )
    rate_limit: str | None = Field(
        None,
        description="Most requests per key or address, such as 100/minute, counted over all workers of one machine.",
    )
    cors_origins: Names = Field(
        (),
        description="Web origins whose pages may call the API (CORS), separated by commas, such as "
        "https://example.com,http://localhost:3000, or * for all. Default: none, so browsers refuse them the answers.",
    )
    trusted_hosts: Names = Field(
        (), description="Host names that the API answers to, such as *.example.com. Default: all."
    )

    drain_seconds: float = Field(
        0.0,
        ge=0.0,
        le=3600.0,
        description="How long the API takes new requests after SIGTERM, while it is not ready, in seconds.",
    )
    shutdown_seconds: int = Field(
        30, ge=1, le=3600, description="How long `digits serve` then waits for accepted requests to end, in seconds."
    )
    metrics: bool = Field(True, description="Whether the API keeps metrics and answers `/metrics`.")
    log_format: Literal["text", "json"] = Field("text", description="Format of the log: `text` or `json`.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is logged: debug, info, warning or error."
    )
    access_log: bool = Field(True, description="Whether each request is logged.")
    traces: Literal["off", "console", "otlp"] = Field(
        "off",
        description="Where OpenTelemetry traces go: off, console or otlp. OpenTelemetry's variables configure otlp.",
    )

    @field_validator("formats", "cors_origins", "trusted_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("log_level", "log_format", "traces", "precision", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("rate_limit")
    @classmethod
    def _readable_limit(cls, value: str | None) -> str | None:
        if value is not None:
            read_limit(value)
        return value

    @field_validator("trusted_hosts")
    @classmethod
    def _plain_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no host name; name it without scheme and port, as digits.example.com")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _whole_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; name scheme and host alone, such as https://example.com")
        return value

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        formats = tuple(format_name(word) for word in value)
        if unknown := sorted(set(formats) - set(FORMATS)):
            raise ValueError(f"{unknown[0]} is not among {', '.join(FORMATS)}")
        if not formats:
            raise ValueError(f"name some of {', '.join(FORMATS)}")
        return formats

    @property
    def limits(self) -> ImageLimits:
        """The limits of one image."""
        return ImageLimits(**{limit.name: getattr(self, limit.name) for limit in fields(ImageLimits)})

    def effective(self) -> dict[str, str]:
        """Returns the variable of each setting and its value as text; secrets are masked."""
        return {variable_of(name): text_of(getattr(self, name)) for name in type(self).model_fields}


def variable_of(name: str) -> str:
    """Returns the environment variable of a setting."""
    return PREFIX + name.upper()


def text_of(value: object) -> str:
    """Returns a value as its variable would hold it, and a secret as asterisks."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(value)
        case _:
            return str(value)


def read_settings(chosen: Mapping[str, Any] | None = None) -> Settings:
    """Returns the settings.

    Args:
        chosen: settings by name; they take precedence over the environment.

    Raises:
        SettingError: a setting has a wrong value, or one that does not go with another; a variable has almost the name
            of a setting; or a chosen setting does not exist.
    """
    _check_names()
    chosen = chosen or {}
    for name in chosen:
        if name not in Settings.model_fields:
            raise SettingError(f"There is no setting {name}; there are {', '.join(Settings.model_fields)}.")
    try:
        settings = Settings(**chosen)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        shown = "" if name == "api_keys" else f" {first['input']!r}"
        reason, default = first["msg"], Settings.model_fields[name].default
        for pattern, words in _REASONS.items():
            reason = re.sub(pattern, words, reason)
        if reason.endswith("number") and default is not None:
            reason += f", such as {default}"
        raise SettingError(f"{variable_of(name)} is{shown}: {reason}.") from None
    _check_room(settings)
    return settings


def _check_room(settings: Settings) -> None:
    """Refuses to hold less than one request may send: it would get 503 however often it is sent."""
    for name, times in (("max_batch_bytes", 1), ("max_bytes", _FORMS_OF_AN_IMAGE)):
        least, part = times * getattr(settings, name), variable_of(name)
        if settings.max_buffered_bytes < least:
            raise SettingError(
                f"DIGITS_MAX_BUFFERED_BYTES is {settings.max_buffered_bytes}: it should be {least} or more, which is "
                f"{f'{times} times ' if times > 1 else ''}{part}. Raise it, or lower {part}."
            )


def _check_names() -> None:
    """Refuses names that are almost those of settings: a limit that a typing error leaves unset is worse than none."""
    known = {variable_of(name) for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            meant = difflib.get_close_matches(name, known, 1, _ALIKE)
            if meant:
                raise SettingError(f"{name} is no setting. Is {meant[0]} meant? docs/settings.md lists them all.")
