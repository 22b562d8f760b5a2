"""Verification: reopens finished notices and looks whether all is there that should be, to be read and to be seen.

Text extraction alone proves nothing (a page can be blank with all its text extractable), nor does a picture alone. So
every string that went in is looked for in the text of the page, and at each of its places ink is looked for that
stands out from its ground. Beside that: one page of the right size, tagged and archivable, all fonts embedded, nothing
that refers to anything outside, a QR code that leads where it should, names on the map that don't touch each other.

It reads PDF with pypdf and pypdfium2 and QR codes with zxing-cpp, of the extra ``gridgeo[check]``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.render.labels import Label
from gridgeo.render.notice import Notice, texts_of
from gridgeo.render.sheet import PICTURE_PIXELS, Sheet

LEAST_CONTRAST = 3.0
"""Contrast of letters with their ground, as WCAG 2.2 counts it: 3 for large print, which on a wall all print is."""
_SHARPNESS = 4.0
"""Pixels to a point of the A3 design at which the page is looked at: fine enough for the smallest letters."""
_MILLIMETRES = 25.4 / 72
_TOUCH = 0.01
"""Square millimetres by which the boxes of two names may overlap by rounding."""

_NEEDS_EXTRA = Message(
    "checking finished notices needs the packages of gridgeo[check]: pip install 'gridgeo[check]'",
    "检查成品需要 gridgeo[check] 中的软件包：pip install 'gridgeo[check]'",
)
_PAGES = Message("has {count} pages instead of one", "有 {count} 页，应为一页")
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


def verify_notice(content: bytes, notice: Notice, sheet: Sheet, labels: Iterable[Label], place: str) -> list[Problem]:
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
    """
    looks = [_picture_faults(content)] if sheet.is_picture else [_pdf_faults(content, notice, sheet)]
    return [Problem(place, what, values) for look in [*looks, _label_faults(list(labels))] for what, values in look]


Finding = tuple[Message, dict[str, object]]


# ------------------------------------------------------------------------------------------------------- pictures


def _picture_faults(content: bytes) -> Iterator[Finding]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as picture:
            wide, extremes = picture.width, picture.convert("L").getextrema()
    except OSError as error:
        yield _UNREADABLE, {"reason": type(error).__name__}
        return
    if wide != PICTURE_PIXELS:
        yield _PIXELS, {"wide": wide, "wanted": PICTURE_PIXELS}
    if extremes[1] - extremes[0] < 128:  # type: ignore[operator]
        yield _BLANK, {}


# ------------------------------------------------------------------------------------------------------- PDF


def _pdf_faults(content: bytes, notice: Notice, sheet: Sheet) -> Iterator[Finding]:
    import pypdf
    import pypdfium2

    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        count = len(reader.pages)
        document = pypdfium2.PdfDocument(content)
    except (pypdf.errors.PyPdfError, pypdfium2.PdfiumError, ValueError, KeyError) as error:
        yield _UNREADABLE, {"reason": type(error).__name__}
        return
    if count != 1:
        yield _PAGES, {"count": count}
        return
    page = reader.pages[0]
    wide, high = (float(side) * _MILLIMETRES for side in (page.mediabox.width, page.mediabox.height))
    if abs(wide - sheet.paper[0]) > 0.5 or abs(high - sheet.paper[1]) > 0.5:
        yield _SIZE, {"wide": wide, "high": high, "paper": f"{sheet.paper[0]:.0f} x {sheet.paper[1]:.0f} mm"}
    yield from _structure_faults(reader)
    yield from _text_faults(document[0], page.extract_text(), notice, sheet)


def _structure_faults(reader: Any) -> Iterator[Finding]:
    root = reader.trailer["/Root"]
    if not root.get("/MarkInfo", {}).get("/Marked") or "/StructTreeRoot" not in root or not root.get("/Lang"):
        yield _NOT_TAGGED, {}
    declared = root["/Metadata"].get_data().decode("utf-8", "replace") if "/Metadata" in root else ""
    archive = re.search(r"pdfaid:part\D*2\b", declared) and re.search(r"pdfaid:conformance[^A-Z]*A\b", declared)
    for standard, found in (("PDF/A-2a", archive), ("PDF/UA-1", re.search(r"pdfuaid:part\D*1\b", declared))):
        if not found:
            yield _NO_STANDARD, {"standard": standard}
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


def _text_faults(page: Any, text: str, notice: Notice, sheet: Sheet) -> Iterator[Finding]:
    whole = _squeezed(text)
    picture = page.render(scale=_SHARPNESS / sheet.factor).to_pil().convert("RGB")
    light = _luminance(np.asarray(picture))
    text_page = page.get_textpage()
    for words in dict.fromkeys([notice.title, *(words for _, words in texts_of(notice) if words)]):
        if _squeezed(words) not in whole:
            yield _NOT_FOUND, {"text": words}
            continue
        yield from _ink_faults(page, text_page, light, words)
    if notice.address:
        yield from _qr_faults(picture, notice.address)


def _ink_faults(page: Any, text_page: Any, light: npt.NDArray[np.float64], words: str) -> Iterator[Finding]:
    """Look at every place where words stand, character by character."""
    wide, high = page.get_width(), page.get_height()
    scale = light.shape[0] / high
    search, worst = text_page.search(words, match_case=True), np.inf
    while (found := search.get_next()) is not None:
        for k in range(found[0], found[0] + found[1]):
            left, bottom, right, top = text_page.get_charbox(k)
            if right - left < 0.5 or not text_page.get_text_range(k, 1).strip("\u200b \r\n\t"):
                continue
            if left < -1 or bottom < -1 or right > wide + 1 or top > high + 1:
                yield _OFF_PAGE, {"text": words}
                return
            rows = slice(max(0, int(scale * (high - top)) - 1), int(scale * (high - bottom)) + 2)
            columns = slice(max(0, int(scale * left) - 1), int(scale * right) + 2)
            box = light[rows, columns]
            worst = min(worst, (box.max() + 0.05) / (box.min() + 0.05))
    if worst < LEAST_CONTRAST:
        yield _NOT_SEEN, {"text": words, "contrast": worst}


def _qr_faults(picture: Any, address: str) -> Iterator[Finding]:
    import zxingcpp

    found = [code.text for code in zxingcpp.read_barcodes(picture)]
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


def _luminance(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the relative luminance of pixels (WCAG 2.2)."""
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    light: npt.NDArray[np.float64] = linear[colours] @ np.array([0.2126, 0.7152, 0.0722])
    return light


def _squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)
