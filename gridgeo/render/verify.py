"""Verification: reopens finished sheets and looks whether all is there that should be, to be read and to be seen.

Text extraction alone proves nothing (a page can be blank with all its text extractable), nor does a picture alone. So
every string that went in is looked for in the text of the page, and at each of its places ink is looked for that
stands out from its ground. Beside that: pages of the right number and size, tagged and archivable, all fonts embedded,
nothing that refers to anything outside, a QR code that leads where it should, names on the map that don't touch.

A picture has no text. The same notice as PDF, its twin, says where letters must be, and there the picture must show
ink of the same shape. Tiles are put together again: each must show its part of the notice that they were cut of.

It reads PDF with pypdf and pypdfium2 and QR codes with zxing-cpp, of the extra ``gridgeo[check]``.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.render.labels import Label
from gridgeo.render.notice import Notice, texts_of
from gridgeo.render.printed_page import LEAST_CONTRAST, Pixels, PrintedPage, contrast_of, squeezed
from gridgeo.render.sheet import PICTURE_PIXELS, PaperName, Sheet
from gridgeo.render.tiles import MARGIN, cut

_LEAST_LIKENESS = 0.75
"""Correlation of each letter of a picture with that of its twin. Two programs that draw the same letter come to 0.87
and more; letters as alike as 国 and 图 to 0.64, most to under 0.4."""
_SURELY_ALIKE = 0.9
_SHIFTS = sorted(product((-1.0, -0.5, 0.0, 0.5, 1.0), (-0.5, 0.0, 0.5)), key=lambda shift: math.hypot(*shift))
"""Pixels by which the same letter may lie lower and further right on the twin, the least first."""
_TILE_SCALE, _SQUARE = 2, 8
"""Pixels to a millimetre at which tiles are compared with their notice, and the squares of pixels that are compared:
edges of letters fall on other pixels."""
_MOST_UNLIKE, _MOST_UNLIKE_ON_AVERAGE = 64.0, 5.0
"""Levels of 255 by which a square of a tile may differ from the same square of the notice, and all of them may: a part
that begins between two pixels comes to 45, and to 2.4 where a QR code fills much of it."""
_MILLIMETRES = 25.4 / 72
_TOUCH = 0.01
"""Square millimetres by which the boxes of two names may overlap by rounding."""

_NEEDS_EXTRA = Message(
    "checking finished notices needs the packages of gridgeo[check]: pip install 'gridgeo[check]'",
    "检查成品需要 gridgeo[check] 中的软件包：pip install 'gridgeo[check]'",
)
_PAGES = Message("has {count} pages instead of {wanted}", "有 {count} 页，应为 {wanted} 页")
_SIZE = Message("is {wide:.0f} x {high:.0f} mm instead of {paper}", "尺寸为 {wide:.0f} × {high:.0f} 毫米，应为 {paper}")
_NOT_TAGGED = Message("is not tagged, so a screen reader can't read it", "没有标签，屏幕阅读器无法朗读")
_NO_STANDARD = Message("doesn't declare {standard}", "未声明符合 {standard}")
_NOT_EMBEDDED = Message("the font {font} is not embedded", "字体 {font} 未嵌入")
_REFERS = Message("refers to something outside of it ({kind})", "引用了外部内容（{kind}）")
_NOT_FOUND = Message("lacks the text {text}", "缺少文字“{text}”")
_NOT_SEEN = Message(
    "the text {text} can hardly be seen (contrast {contrast:.1f})", "文字“{text}”难以看清（对比度 {contrast:.1f}）"
)
_OFF_PAGE = Message("the text {text} leaves the page", "文字“{text}”超出页面")
_NO_QR = Message("its QR code can't be read", "二维码无法识别")
_OTHER_QR = Message("its QR code leads to {found} instead of {address}", "二维码指向 {found}，应为 {address}")
_LABELS = Message("two names on the map touch: {first} and {second}", "地图上两个名称相互重叠：{first}、{second}")
_UNREADABLE = Message("can't be opened ({reason})", "无法打开（{reason}）")
_PIXELS = Message("is {wide} pixels wide instead of {wanted}", "宽 {wide} 像素，应为 {wanted}")
_BLANK = Message("is blank", "是空白图片")
_UNLIKE = Message("doesn't show the text {text} where it should be", "应有文字“{text}”的位置上看不到该文字")
_HIGH = Message("is {high} pixels high instead of {wanted}", "高 {high} 像素，应为 {wanted}")
_PART = Message("sheet {number} doesn't show its part of the notice", "第 {number} 张与公示图的对应部分不符")

_OUTSIDE_KINDS = ("/URI", "/GoToR", "/Launch", "/JavaScript", "/JS", "/ImportData", "/SubmitForm", "/EmbeddedFile")


def require_readers() -> None:
    """Refuse to start without the packages that read finished files.

    Raises
    ------
    InputError
        When one of them is not installed.
    """
    if any(find_spec(name) is None for name in ("pypdf", "pypdfium2", "zxingcpp")):
        raise InputError(Problem("", _NEEDS_EXTRA))


def verify_notice(
    content: bytes, notice: Notice, sheet: Sheet, labels: Iterable[Label], place: str, *, twin: bytes | None = None
) -> list[Problem]:
    """Return everything that is wrong with a finished notice; nothing where all is well.

    Parameters
    ----------
    content : bytes
        The file: a PDF, or the PNG of a picture sheet.
    notice : Notice
        What it should say.
    sheet : Sheet
        On what it was made.
    labels : iterable of Label
        The names on its map.
    place : str
        Its name, for messages.
    twin : bytes, optional
        The same picture as PDF (`gridgeo.render.poster.Press.twin`); without it the words of a picture aren't looked
        for.
    """
    words = [notice.title, *(words for _, words in texts_of(notice))]
    if sheet.is_picture:
        look = _picture_faults(content, words, notice.address, twin)
    else:
        look = _pdf_faults(content, words, notice.address, sheet, most_pages=1)
    return [Problem(place, what, values) for found in (look, _label_faults(list(labels))) for what, values in found]


def verify_index(
    content: bytes, words: Iterable[str], sheet: Sheet, labels: Iterable[Label], place: str
) -> list[Problem]:
    """Return everything that is wrong with a finished index sheet, whose table may run over to more pages.

    Parameters
    ----------
    content : bytes
        A PDF.
    words : iterable of str
        What it should say.
    sheet, labels, place
        As of `verify_notice`.
    """
    looks = (_pdf_faults(content, words, "", sheet), _label_faults(list(labels)))
    return [Problem(place, what, values) for found in looks for what, values in found]


def verify_tiles(
    content: bytes, notice: bytes, words: Iterable[str], page: tuple[float, float], onto: PaperName, place: str
) -> list[Problem]:
    """Return everything that is wrong with the tiles of a notice.

    Parameters
    ----------
    content, notice : bytes
        The PDFs of the tiles, and of the notice that they were cut of.
    words : iterable of str
        What the notice says: all of it stands on the plan of the tiles too.
    page : tuple of float
        Width and height of the notice in millimetres.
    onto : {"A4", "A3", ...}
        The paper of the tiles.
    place : str
        Name of the file, for messages.
    """
    return [Problem(place, what, values) for what, values in _tile_faults(content, notice, words, page, onto)]


Finding = tuple[Message, dict[str, object]]


# ------------------------------------------------------------------------------------------------------- pictures


def _picture_faults(content: bytes, words: Iterable[str], address: str, twin: bytes | None) -> Iterator[Finding]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as opened:
            pixels = np.asarray(opened.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        yield _UNREADABLE, {"reason": type(error).__name__}
        return
    if pixels.shape[1] != PICTURE_PIXELS:
        yield _PIXELS, {"wide": pixels.shape[1], "wanted": PICTURE_PIXELS}
    if int(pixels.max()) - int(pixels.min()) < 128:
        yield _BLANK, {}
    elif pixels.shape[1] == PICTURE_PIXELS:
        if twin is not None:
            yield from _shape_faults(pixels, words, twin)
        if address:
            yield from _qr_faults(pixels, address)


def _shape_faults(pixels: Pixels, words: Iterable[str], twin: bytes) -> Iterator[Finding]:
    """Look whether a picture shows words where its twin has them, in ink of the same shape."""
    import pypdfium2

    page = PrintedPage(pypdfium2.PdfDocument(twin)[0])
    wanted = page.pixels(PICTURE_PIXELS / page.size[0])
    if abs(wanted.shape[0] - pixels.shape[0]) > 2:
        yield _HIGH, {"high": pixels.shape[0], "wanted": wanted.shape[0]}
        return
    for text in dict.fromkeys(words):
        if not text.strip():
            continue
        places = [[letter for letter in place if page.has_body(letter)] for place in page.places_of(text)]
        if not places:
            yield _NOT_FOUND, {"text": text}
        elif (seen := min((contrast_of(pixels[page.within(k, pixels)]) for p in places for k in p), default=9.9)) < (
            LEAST_CONTRAST
        ):
            yield _NOT_SEEN, {"text": text, "contrast": seen}
        elif any(_likeness(page, letter, pixels, wanted) < _LEAST_LIKENESS for place in places for letter in place):
            yield _UNLIKE, {"text": text}


def _likeness(page: PrintedPage, letter: int, one: Pixels, other: Pixels) -> float:
    """Return the correlation of two pictures of a page where a letter is; the second may lie up to a pixel off."""
    rows, columns = page.within(letter, one)
    first = _grey(one[rows, columns])
    best = 0.0
    for down, right in _SHIFTS:
        second = _moved(other, rows, columns, down, right)
        if second.shape == first.shape:
            best = max(best, float(np.corrcoef(first.ravel(), second.ravel())[0, 1]))
        if best > _SURELY_ALIKE:
            break
    return best


def _moved(picture: Pixels, rows: slice, columns: slice, down: float, right: float) -> npt.NDArray[np.float64]:
    """Return a part of a picture in grey, moved by whole or half pixels."""
    parts = []
    for y, x in product({math.floor(down), math.ceil(down)}, {math.floor(right), math.ceil(right)}):
        moved = picture[max(rows.start + y, 0) : rows.stop + y, max(columns.start + x, 0) : columns.stop + x]
        parts.append(_grey(moved))
    return sum(parts[1:], parts[0]) / len(parts) if len({part.shape for part in parts}) == 1 else parts[0]


def _grey(pixels: Pixels) -> npt.NDArray[np.float64]:
    """Return the sum of red, green and blue."""
    grey: npt.NDArray[np.float64] = pixels.sum(axis=2, dtype=np.float64)
    return grey


# ------------------------------------------------------------------------------------------------------- PDF


def _pdf_faults(
    content: bytes, words: Iterable[str], address: str, sheet: Sheet, *, most_pages: int | None = None
) -> Iterator[Finding]:
    opened = _opened(content)
    if isinstance(opened, str):
        yield _UNREADABLE, {"reason": opened}
        return
    reader, document = opened
    if most_pages is not None and len(document) > most_pages:
        yield _PAGES, {"count": len(document), "wanted": most_pages}
        return
    pages = [PrintedPage(page, sheet.factor) for page in document]
    for page in pages:
        yield from _size_faults(page, sheet.paper)
    yield from _standard_faults(reader)
    yield from _embedding_faults(reader)
    yield from _text_faults(pages, words)
    if address:
        yield from _qr_faults(pages[0].pixels(), address)


def _opened(content: bytes) -> tuple[Any, Any] | str:
    """Return a PDF as two readers see it, or why it can't be opened."""
    import pypdf
    import pypdfium2

    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        _ = len(reader.pages)
        return reader, pypdfium2.PdfDocument(content)
    except (pypdf.errors.PyPdfError, pypdfium2.PdfiumError, ValueError, KeyError) as error:
        return type(error).__name__


def _size_faults(page: PrintedPage, paper: tuple[float, float]) -> Iterator[Finding]:
    wide, high = (side * _MILLIMETRES for side in page.size)
    if abs(wide - paper[0]) > 0.5 or abs(high - paper[1]) > 0.5:
        yield _SIZE, {"wide": wide, "high": high, "paper": f"{paper[0]:.0f} x {paper[1]:.0f} mm"}


def _standard_faults(reader: Any) -> Iterator[Finding]:
    root = reader.trailer["/Root"]
    if not root.get("/MarkInfo", {}).get("/Marked") or "/StructTreeRoot" not in root or not root.get("/Lang"):
        yield _NOT_TAGGED, {}
    declared = root["/Metadata"].get_data().decode("utf-8", "replace") if "/Metadata" in root else ""
    archive = re.search(r"pdfaid:part\D*2\b", declared) and re.search(r"pdfaid:conformance[^A-Z]*A\b", declared)
    for standard, found in (("PDF/A-2a", archive), ("PDF/UA-1", re.search(r"pdfuaid:part\D*1\b", declared))):
        if not found:
            yield _NO_STANDARD, {"standard": standard}


def _embedding_faults(reader: Any) -> Iterator[Finding]:
    """Look for fonts that are not in the file, and for whatever leads out of it."""
    for thing in _dictionaries(reader):
        if thing.get("/Type") == "/FontDescriptor" and not any(f"/FontFile{k}" in thing for k in ("", "2", "3")):
            yield _NOT_EMBEDDED, {"font": str(thing.get("/FontName"))}
        kinds = {thing.get("/S"), thing.get("/Type"), *thing}
        for kind in _OUTSIDE_KINDS:
            if kind in kinds:
                yield _REFERS, {"kind": kind}


def _dictionaries(reader: Any) -> Iterator[dict[str, Any]]:
    """Yield every dictionary of a document, also those within others."""
    numbers = sorted({*reader.xref.get(0, {}), *reader.xref_objStm} - {0})
    waiting = [reader.get_object(number) for number in numbers]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, dict):
            yield thing
            waiting.extend(dict.values(thing))
        elif isinstance(thing, list):
            waiting.extend(list.__iter__(thing))


def _text_faults(pages: Sequence[PrintedPage], words: Iterable[str]) -> Iterator[Finding]:
    """Look for texts, and for ink at every place where they stand."""
    for text in dict.fromkeys(words):
        if not text.strip():
            continue
        letters = [(page, letter) for page in pages for place in page.places_of(text) for letter in place]
        if not letters:
            yield _NOT_FOUND, {"text": text}
        elif not all(page.is_on_page(letter) for page, letter in letters):
            yield _OFF_PAGE, {"text": text}
        elif (seen := min(page.contrast(letter) for page, letter in letters)) < LEAST_CONTRAST:
            yield _NOT_SEEN, {"text": text, "contrast": seen}


def _qr_faults(pixels: Pixels, address: str) -> Iterator[Finding]:
    import zxingcpp

    formats: Any = zxingcpp.BarcodeFormat.QRCode
    codes = zxingcpp.read_barcodes(
        np.ascontiguousarray(pixels), formats=formats, try_rotate=False, try_downscale=False, try_invert=False
    )
    found = [code.text for code in codes]
    if not found:
        yield _NO_QR, {}
    elif address not in found:
        yield _OTHER_QR, {"found": found[0], "address": address}


def _label_faults(labels: list[Label]) -> Iterator[Finding]:
    shapes = np.array([label.shape for label in labels], object)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for one, other in zip(first[first < second].tolist(), second[first < second].tolist(), strict=True):
        if shapely.intersection(shapes[one], shapes[other]).area > _TOUCH:
            yield _LABELS, {"first": labels[one].text, "second": labels[other].text}


# ------------------------------------------------------------------------------------------------------- tiles


def _tile_faults(
    content: bytes, notice: bytes, words: Iterable[str], size: tuple[float, float], onto: PaperName
) -> Iterator[Finding]:
    opened, source = _opened(content), _opened(notice)
    if isinstance(opened, str) or isinstance(source, str):
        yield _UNREADABLE, {"reason": opened if isinstance(opened, str) else str(source)}
        return
    (reader, document), (_, whole) = opened, source
    tiling = cut(size, onto)
    if len(document) != len(tiling) + 1:
        yield _PAGES, {"count": len(document), "wanted": len(tiling) + 1}
        return
    for sheet in document:
        yield from _size_faults(PrintedPage(sheet), tiling.sheet)
    yield from _embedding_faults(reader)
    plan = PrintedPage(document[0]).text
    for text in dict.fromkeys(words):
        if squeezed(text) not in plan:
            yield _NOT_FOUND, {"text": text}
    page = _at_scale(whole[0])
    edge = round(MARGIN * _TILE_SCALE)
    for number, (y, x) in enumerate(product(tiling.rows, tiling.columns), 1):
        left, top = round(x * _TILE_SCALE), round(y * _TILE_SCALE)
        wide, high = (int(length * _TILE_SCALE) for length in tiling.part)
        wanted = _squares(page[top : top + high, left : left + wide])
        shown = _squares(_at_scale(document[number])[edge : edge + high, edge : edge + wide])
        apart = np.abs(wanted[: len(shown), : shown.shape[1]] - shown[: len(wanted), : wanted.shape[1]])
        if apart.max() > _MOST_UNLIKE or apart.mean() > _MOST_UNLIKE_ON_AVERAGE:
            yield _PART, {"number": number}


def _at_scale(page: Any) -> Pixels:
    grey: Pixels = page.render(scale=_TILE_SCALE * _MILLIMETRES, grayscale=True).to_numpy()
    return grey.reshape(grey.shape[:2])


def _squares(grey: Pixels) -> npt.NDArray[np.float64]:
    """Return the means of a picture's squares; what is left over at its right and lower edge is left out."""
    down, across = grey.shape[0] // _SQUARE, grey.shape[1] // _SQUARE
    cells = grey[: down * _SQUARE, : across * _SQUARE].reshape(down, _SQUARE, across, _SQUARE)
    means: npt.NDArray[np.float64] = cells.mean(axis=(1, 3))
    return means
