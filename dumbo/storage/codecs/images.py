"""PIL's images: as PNG where that loses nothing and the image is not large, else as raw pixels.

Law: mode, size, every pixel, the palette and the plain part of ``info`` come back as they were; an
image whose ``info`` or palette is of another kind is declined. Opening allocates what the row says
at most, and the row says no more than 64 MiB of pixels for a PNG.

Exact ``PIL.Image.Image`` only: an opened file (``PngImageFile``) is an image with a file behind it.
"""

from __future__ import annotations

import io
from typing import Any, Final

from dumbo.storage.codecs.parts import Declined, PartsCodec, Taken

_PNG_MODES: Final = frozenset({"1", "L", "LA", "RGB", "RGBA"})
_PNG_BYTES: Final = 64 * 1024 * 1024
_RAW_MODES: Final = (
    _PNG_MODES
    | {"P", "PA", "I", "F", "I;16", "I;16B", "I;16L", "CMYK", "YCbCr"}
    | {
        "HSV",
        "LAB",
        "La",
        "RGBa",
        "RGBX",
    }
)
_PALETTE_MODES: Final = ("RGB", "RGBA")


class ImageCodec(PartsCodec):
    """Images in memory."""

    name = "image/1"

    def take(self, value: Any) -> Taken:
        """Compress if the pixels come back."""
        from PIL import Image

        if type(value) is not Image.Image or value.mode not in _RAW_MODES:
            raise Declined("an image of another class or mode")
        parts = {
            "mode": value.mode,
            "size": list(value.size),
            "info": dict(value.info),
            "palette": _palette_of(value),
            **_pixels_of(value),
        }
        facts = {"shape": [value.height, value.width], "dtype": value.mode, "ndim": 2}
        return Taken(parts, {**facts, "len": value.height}, lazy=False)

    def make(self, parts: dict[str, Any]) -> object:
        """Decode, or take the raw pixels."""
        mode, (width, height) = parts["mode"], parts["size"]
        if mode not in _RAW_MODES or not all(type(n) is int and n >= 0 for n in (width, height)):
            raise ValueError("there is no image of this mode and size")
        if "png" in parts:
            made = _decoded(bytes(parts["png"]), mode, (width, height))
        else:
            made = _from_raw(parts["raw"], mode, (width, height))
        if parts["palette"] is not None:
            _put_palette(made, parts["palette"])
        made.info = dict(parts["info"])
        return made


def _palette_of(image: Any) -> dict[str, Any] | None:
    palette = image.palette
    if palette is None:
        return None
    image.load()  # a palette that was only set is then in the image
    if palette.mode not in _PALETTE_MODES or palette.rawmode or image.mode not in {"P", "PA"}:
        raise Declined("a palette of another kind")
    return {"mode": palette.mode, "colours": bytes(palette.palette)}


def _put_palette(image: Any, palette: dict[str, Any]) -> None:
    mode, colours = palette["mode"], palette["colours"]
    fits = mode in _PALETTE_MODES and len(colours) <= 256 * len(mode)
    if not fits or image.mode not in {"P", "PA"}:
        raise ValueError("an image of this mode has no such palette")
    image.putpalette(palette["colours"], palette["mode"])


def _pixels_of(image: Any) -> dict[str, Any]:
    import numpy as np

    raw = image.tobytes()
    if image.mode in _PNG_MODES and 0 < len(raw) <= _PNG_BYTES:
        file = io.BytesIO()
        # A bare copy: PNG would also write what info says.
        _from_raw(raw, image.mode, image.size).save(file, "PNG", compress_level=1)
        png = file.getvalue()
        if len(png) < len(raw) and _decoded(png, image.mode, image.size).tobytes() == raw:
            return {"png": png}
    return {"raw": np.frombuffer(raw, "u1")}


def _from_raw(raw: Any, mode: str, size: tuple[int, int]) -> Any:
    from PIL import Image

    content = bytes(raw)
    if not content:
        if 0 not in size:
            raise ValueError("an image without pixels")
        return Image.new(mode, size)
    _check_size(content, mode, size)
    return Image.frombytes(mode, size, content)


def _check_size(raw: bytes, mode: str, size: tuple[int, int]) -> None:
    """Refuse a size that the bytes do not fill, before memory is taken for it."""
    width, height = size
    least = width * height // 8 if mode == "1" else width * height
    if not least <= len(raw) <= 16 * (width + 8) * height:
        raise ValueError(f"{len(raw)} bytes are no image of {width} x {height}")


def _decoded(png: bytes, mode: str, size: tuple[int, int]) -> Any:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as opened:
            # Told by the header, before anything is decoded.
            if opened.size != size or opened.mode != mode or 4 * size[0] * size[1] > 4 * _PNG_BYTES:
                raise ValueError(f"the picture is {opened.mode} {opened.size}")
            opened.load()
            return _from_raw(opened.tobytes(), mode, size)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"no picture: {error}") from error
