"""Draw pages of a QGIS atlas: run by `benchmarks/notices.py` with the Python that QGIS brings along, not by itself.

    python3 benchmarks/qgis_atlas.py LAYERS.gpkg OUT COUNT

``LAYERS.gpkg`` holds ``blocks`` (with the columns name, code, overline, words and photo0, photo1 ...) and ``lines``
(name, rank). Each block is one A3 page of the atlas: title, map with labels, scale bar and north arrow, words, photos.
Prints the CPU seconds of a page, without the first, which fills caches.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (  # type: ignore[import-not-found]  # QGIS is no dependency
    QgsApplication,
    QgsFillSymbol,
    QgsLayoutExporter,
    QgsLayoutItem,
    QgsLayoutItemLabel,
    QgsLayoutItemMap,
    QgsLayoutItemPicture,
    QgsLayoutItemScaleBar,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsLineSymbol,
    QgsPalLayerSettings,
    QgsPrintLayout,
    QgsProject,
    QgsProperty,
    QgsRenderContext,
    QgsSingleSymbolRenderer,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtCore import QRectF  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QFont, QFontDatabase  # type: ignore[import-not-found]

FAMILY = "Noto Sans SC"


def labelled(layer: QgsVectorLayer, size: float, *, along: bool) -> None:
    """Name a layer's features by their column ``name``."""
    settings, style = QgsPalLayerSettings(), QgsTextFormat()
    style.setFont(QFont(FAMILY))
    style.setSize(size)
    buffer = style.buffer()
    buffer.setEnabled(True)
    buffer.setSize(0.55)
    style.setBuffer(buffer)
    settings.setFormat(style)
    settings.fieldName = "name"
    if along:
        settings.placement = QgsPalLayerSettings.Curved
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)


def put(layout: QgsPrintLayout, item: QgsLayoutItem, x: float, y: float, wide: float, high: float) -> None:
    """Put an item at a place on the page, in millimetres."""
    layout.addLayoutItem(item)
    item.attemptMove(QgsLayoutPoint(x, y))
    item.attemptResize(QgsLayoutSize(wide, high))


def words(layout: QgsPrintLayout, text: str, size: float, x: float, y: float, wide: float, high: float) -> None:
    """Put a text with expressions of the atlas's feature on the page."""
    label = QgsLayoutItemLabel(layout)
    label.setText(text)
    label.setFont(QFont(FAMILY, int(size)))
    put(layout, label, x, y, wide, high)


def make_layout(project: QgsProject, blocks: QgsVectorLayer, lines: QgsVectorLayer) -> QgsPrintLayout:
    """Return an A3 page with all that differs by block."""
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.pageCollection().page(0).setPageSize(QgsLayoutSize(297, 420))
    sheet = QgsLayoutItemMap(layout)
    sheet.setRect(QRectF(0, 0, 267, 164))
    sheet.setLayers([lines, blocks])
    sheet.setExtent(blocks.extent())
    put(layout, sheet, 15, 60, 267, 164)
    sheet.setAtlasDriven(True)
    sheet.setAtlasScalingMode(QgsLayoutItemMap.Auto)
    sheet.setAtlasMargin(0.12)
    words(layout, "责任网格管理示意图", 40, 15, 12, 267, 20)
    words(layout, "[% overline %]", 15, 15, 32, 267, 8)
    words(layout, "[% name %]", 26, 15, 40, 267, 14)
    words(layout, "[% words %]", 10, 15, 275, 267, 135)
    bar = QgsLayoutItemScaleBar(layout)
    bar.setLinkedMap(sheet)
    bar.setUnits(QgsUnitTypes.DistanceMeters)
    bar.setUnitsPerSegment(50)
    bar.setNumberOfSegments(2)
    bar.setNumberOfSegmentsLeft(0)
    put(layout, bar, 20, 210, 60, 10)
    arrow = QgsLayoutItemPicture(layout)
    arrow.setPicturePath(":/images/north_arrows/layout_default_north_arrow.svg")
    put(layout, arrow, 265, 64, 12, 16)
    photos = [field.name() for field in blocks.fields() if field.name().startswith("photo")]
    for k, name in enumerate(photos):
        photo = QgsLayoutItemPicture(layout)
        photo.dataDefinedProperties().setProperty(QgsLayoutItem.PictureSource, QgsProperty.fromField(name))
        put(layout, photo, 15 + 22 * (k % 12), 232 + 20 * (k // 12), 13.5, 18)
    atlas = layout.atlas()
    atlas.setCoverageLayer(blocks)
    atlas.setEnabled(True)
    return layout


def main() -> None:
    """Draw the pages and print the time of each."""
    source, out, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    application = QgsApplication([], False)
    application.initQgis()
    for font in sys.argv[4:]:
        QFontDatabase.addApplicationFont(font)
    project = QgsProject.instance()
    blocks = QgsVectorLayer(f"{source}|layername=blocks", "blocks", "ogr")
    lines = QgsVectorLayer(f"{source}|layername=lines", "lines", "ogr")
    if not blocks.isValid() or not lines.isValid():
        raise SystemExit(f"{source}: QGIS can't read it")
    plain = QgsFillSymbol.createSimple({"color": "#DDE5CC", "outline_color": "#777777", "outline_width": "0.45"})
    blocks.setRenderer(QgsSingleSymbolRenderer(plain))
    road = QgsLineSymbol.createSimple({"line_color": "#B9B1A2", "line_width": "2.6", "capstyle": "round"})
    lines.setRenderer(QgsSingleSymbolRenderer(road))
    labelled(blocks, 12.0, along=False)
    labelled(lines, 11.0, along=True)
    project.addMapLayers([blocks, lines])
    project.setCrs(blocks.crs())
    layout = make_layout(project, blocks, lines)
    atlas, exporter = layout.atlas(), QgsLayoutExporter(layout)
    settings = QgsLayoutExporter.PdfExportSettings()
    settings.dpi = 300
    settings.textRenderFormat = QgsRenderContext.TextFormatAlwaysText
    atlas.beginRender()
    atlas.updateFeatures()
    step = max(1, atlas.count() // (count + 1))
    spent = []
    for k in range(0, atlas.count(), step)[: count + 1]:
        begun = time.process_time()
        atlas.seekTo(k)
        if exporter.exportToPdf(str(out / f"{k:04d}.pdf"), settings) != QgsLayoutExporter.Success:
            raise SystemExit(f"page {k} was not made")
        spent.append(time.process_time() - begun)
    atlas.endRender()
    print(json.dumps({"cpu": sum(spent[1:]) / max(len(spent) - 1, 1), "posters": len(spent) - 1}), flush=True)
    os._exit(0)  # QGIS sometimes crashes on the way out


if __name__ == "__main__":
    main()
