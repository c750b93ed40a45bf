"""Pictures people hand in: what they are is read from their first bytes, not from their name."""

from dataclasses import dataclass

from rental.core.errors import Invalid


class NotAnImage(Invalid):
    """Neither JPEG, PNG nor WebP, or larger than we take."""

    code = "core.not_an_image"
    field = "photo"


LARGEST_IMAGE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Image:
    """The kind of a picture."""

    media_type: str
    suffix: str


def read_image(content: bytes) -> Image:
    """What kind of picture these bytes are. Raises NotAnImage."""
    if len(content) <= LARGEST_IMAGE:
        if content.startswith(b"\xff\xd8\xff"):
            return Image("image/jpeg", "jpg")
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return Image("image/png", "png")
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return Image("image/webp", "webp")
    raise NotAnImage(megabytes=LARGEST_IMAGE // 1024 // 1024)
