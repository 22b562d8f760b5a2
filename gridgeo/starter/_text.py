"""The text of a starter gridgeo.toml: tables, each with the reason for the guess and how to change it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from gridgeo._words import listed
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.layers import GRID_KINDS
from gridgeo.starter import _notes as notes
from gridgeo.starter._guesses import (
    RIVER_RANKS,
    ROAD_RANKS,
    Found,
    flag_columns,
    id_column,
    name_column,
    number_column,
    rank_column,
)
from gridgeo.starter._toml_text import TomlWriter, key_of, quoted
from gridgeo.town._barriers import texts_of

_KEYS = {
    "extent": "town",
    "residential": "communities",
    "village": "villages",
    "street": "streets",
    "extended": "zones",
    "population": "addresses",
    "road": "roads",
    "river": "rivers",
}
_OSM_LINES = {"road": ("highway", ROAD_RANKS), "river": ("waterway", RIVER_RANKS)}
_OSM_AREAS_BY_KEY = {
    "town": "boundary = 'administrative' AND name = '…'",
    "buildings": "building IS NOT NULL",
    "water": "natural = 'water'",
    "green": "leisure = 'park' OR landuse = 'forest'",
}
_NATURE = {
    "water": ("water", "riverbank", "wetland"),
    "green": ("forest", "park", "wood", "grass", "grassland", "scrub"),
}


def starter_text(
    folder: str,
    found: Sequence[Found],
    *,
    unread: Iterable[tuple[str, Problem]] = (),
    tables: Mapping[str, tuple[str, list[str]]],
    photos: str | None,
    shifts: Sequence[str] = (),
) -> str:
    """Return the text of a gridgeo.toml for what was found in a folder, with comments in the current language.

    Parameters
    ----------
    folder : str
        Its name, used as the town's where no layer tells one.
    found : sequence of Found
        The map layers, one of them at most as extent.
    unread : iterable of (file, Problem)
        Map files that could not be opened.
    tables : mapping
        File, and fields missing in its headers, of the tables ``people``, ``tasks``, ``services`` and ``boards``.
    photos : str or None
        The folder with photos.
    shifts : sequence of str
        The shifts that the table of people names.
    """
    return _Starter(found).text(folder, unread, tables, photos, shifts)


class _Starter:
    def __init__(self, found: Sequence[Found]) -> None:
        self.found = found
        self.out = TomlWriter()
        self.extent = next((one for one in found if one.use == "extent"), None)
        grids = [one for one in found if one.shape == "polygon" and one.use in GRID_KINDS]
        self.keys: dict[int, str] = {}
        self.taken: set[str] = {"blocks"}
        for one in found:
            if one.use is not None and one.use != "railway":
                self.keys[id(one)] = self._free(_KEYS.get(one.use, one.use))
        self.grids = grids

    def _free(self, wanted: str) -> str:
        key = next(k for k in (wanted, *(f"{wanted}_{n}" for n in range(2, 10_000))) if k not in self.taken)
        self.taken.add(key)
        return key

    def text(
        self,
        folder: str,
        unread: Iterable[tuple[str, Problem]],
        tables: Mapping[str, tuple[str, list[str]]],
        photos: str | None,
        shifts: Sequence[str],
    ) -> str:
        out = self.out
        out.note(notes.HEAD)
        out.note(notes.NEXT)
        self._town(folder)
        for one in self.found:
            if one.use == "nature":
                self._nature(one)
            elif one.use == "sections" or (one.use is not None and one.shape != "line" and one.use != "road"):
                self._layer(one)
        self._barriers()
        for one in self.found:
            if one.use is None:
                self._unknown(one)
        for file, problem in unread:
            out.blank()
            out.lines.append(
                f"# {Message('{file}: ', '{file}：').text(file=file)} {notes.UNREAD.text()}: {problem.text()}"
            )
        self._claims()
        self._workload()
        self._partition()
        self._sections(shifts)
        self._tables(tables, photos)
        out.heading(notes.NOTICE)
        out.put("[notice]")
        for key, example in _NOTICE_EXAMPLES:
            out.put(f"{key} = {example}", off=True)
        return out.text()

    # -------------------------------------------------------------------------------------------------- [town]

    def _town(self, folder: str) -> None:
        out, extent = self.out, self.extent
        out.blank()
        out.put("[town]")
        name = folder
        if extent is not None and extent.layer is not None and len(extent.layer.frame) == 1:
            column = name_column(extent)
            value = extent.layer.frame[column].iloc[0] if column is not None else None
            name = value.strip() or folder if isinstance(value, str) else folder
        out.put(f"name = {quoted(name.strip() or 'town')}", notes.NAME.text())
        code = self._code()
        out.put(f'code = "{code or "310112114"}"', (notes.CODE if code else notes.NO_CODE).text(), off=code is None)
        silent = [one.file for one in self.found if one.use is not None and one.info.crs is None]
        if silent:
            out.note(notes.CRS_NEEDED, files=listed(dict.fromkeys(silent)))
        out.put('crs = "EPSG:4490"', notes.CRS.text(), off=True)
        if extent is not None:
            out.put(f"extent = {quoted(self.keys[id(extent)])}", notes.EXTENT.text())
        else:
            out.put('extent = "town"', notes.NO_EXTENT.text(), off=True)
        osm = any("osm_id" in one.columns for one in self.found)
        out.put('attribution = "© OpenStreetMap contributors"', notes.ATTRIBUTION.text(), off=not osm)
        out.put('watermark = ""', notes.WATERMARK.text(), off=True)

    def _code(self) -> str | None:
        """Return the nine digits with which all ids of grids begin, or else that of the extent."""
        codes: set[str] = set()
        for one in self.grids or ([self.extent] if self.extent is not None else []):
            column = id_column(one)
            if column is None or one.layer is None:
                return None
            texts = texts_of(one.layer.frame[column])
            if not all(re.fullmatch(r"[0-9]{12}" if self.grids else r"[0-9]{9}([0-9]{3})?", text) for text in texts):
                return None
            codes |= {text[:9] for text in texts}
        return codes.pop() if len(codes) == 1 else None

    # ------------------------------------------------------------------------------------------------ [layers]

    def _source(self, one: Found, *, off: bool = False) -> None:
        self.out.put(f"file = {quoted(one.file)}", off=off)
        if not one.only_one:
            self.out.put(f"layer = {quoted(one.info.name)}", off=off)

    def _layer(self, one: Found) -> None:
        out = self.out
        out.blank()
        out.note(notes.IS[str(one.use)])
        out.put(f"[layers.{self.keys[id(one)]}]")
        self._source(one)
        self._columns(one)
        if one.use in GRID_KINDS:
            out.put(f'kind = "{one.use}"', notes.KIND.text())
        elif one is self.extent and not self.grids:
            out.put('kind = "residential"', notes.NO_GRIDS.text(), off=True)

    def _columns(self, one: Found, *, off: bool = False) -> None:
        identity, name = id_column(one), name_column(one)
        if identity is not None:
            self.out.put(f"id = {quoted(identity)}", off=off)
        elif one.use in GRID_KINDS:
            self.out.put('id = "code"', notes.NO_ID.text(), off=True)
        if name is not None:
            self.out.put(f"name = {quoted(name)}", off=off)

    def _nature(self, one: Found) -> None:
        """Part a layer of land cover into the backgrounds that its values name."""
        classes = rank_column(one, dict.fromkeys([value for values in _NATURE.values() for value in values], ""))
        if classes is None or one.file.lower().endswith((".parquet", ".geoparquet")):
            self._unknown(one)
            return
        column, counts = classes
        for use, values in _NATURE.items():
            there = [value for value in values if value in counts]
            if not there:
                continue
            self.out.blank()
            self.out.note(notes.IS["nature"])
            self.out.put(f"[layers.{self._free(use)}]")
            self._source(one)
            self._columns(one)
            name = column.replace('"', '""')
            options = ", ".join("'" + value + "'" for value in there)
            where = f'"{name}" IN ({options})'
            self.out.put(f"where = {quoted(where)}")

    def _osm_areas(self, one: Found) -> None:
        """Write what the areas of an OpenStreetMap extract can serve for."""
        self.out.blank()
        self.out.note(notes.OSM_AREAS, file=one.file)
        for key, where in _OSM_AREAS_BY_KEY.items():
            self.out.put(f"[layers.{key}]", off=True)
            self._source(one, off=True)
            self.out.put('name = "name"', off=True)
            self.out.put(f"where = {quoted(where)}", off=True)

    def _unknown(self, one: Found) -> None:
        if _is_osm_extract(one):
            if one.info.name == "multipolygons":
                self._osm_areas(one)
            return  # lines are written as barriers, and points and relations are of no use here
        values = {"file": one.file, "layer": one.info.name, "shape": one.info.geometry_type}
        self.out.blank()
        columns = listed(one.columns) or "—"
        self.out.note(notes.UNKNOWN_USE, **values, count=max(one.info.features, 0), columns=columns)
        section = "barriers" if one.shape == "line" else "layers"
        self.out.put(f"[{section}.{key_of(one.info.name)}]", off=True)
        self._source(one, off=True)
        self._columns(one, off=True)
        if one.shape == "line":
            self.out.put('rank = "road"', off=True)
        elif one.shape == "polygon":
            self.out.put('kind = "residential"', notes.KIND.text(), off=True)

    # ---------------------------------------------------------------------------------------------- [barriers]

    def _barriers(self) -> None:
        out = self.out
        out.heading(notes.BARRIERS)
        for one in self.found:
            if one.use in ("road", "river"):
                self._barrier(one)
            elif one.use == "railway":
                out.blank()
                out.note(notes.RAILWAY, file=one.file, layer=one.info.name)
                out.put(f"[barriers.{self._free('railways')}]", off=True)
                self._source(one, off=True)
                out.put('rank = "main-road"', off=True)
            elif one.use == "water" and one.shape == "polygon":
                out.blank()
                out.note(notes.WATER)
                out.put(f"[barriers.{self.keys[id(one)]}]", off=True)
                self._source(one, off=True)
                out.put('rank = "river"', off=True)
            elif _is_osm_extract(one) and one.info.name == "lines":
                self._osm_lines(one)

    def _barrier(self, one: Found) -> None:
        out = self.out
        out.blank()
        out.note(notes.IS[str(one.use)])
        key = self.keys[id(one)]
        out.put(f"[barriers.{key}]")
        self._source(one)
        self._columns(one)
        for flag, column in flag_columns(one).items():
            out.put(f"{flag} = {quoted(column)}")
        known = ROAD_RANKS if one.use == "road" else RIVER_RANKS
        classes = rank_column(one, known)
        if classes is None:
            out.put(f'rank = "{one.use}"', notes.ONE_RANK.text())
            return
        column, counts = classes
        out.put(f"rank_column = {quoted(column)}")
        out.put(f"[barriers.{key}.ranks]")
        for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            rank = known.get(value)
            note = notes.FEATURES if rank is not None else notes.UNKNOWN_CLASS
            out.put(f"{key_of(value)} = {quoted(rank or 'none')}", note.text(count=count), off=rank is None)

    def _osm_lines(self, one: Found) -> None:
        """Write the roads and rivers of an OpenStreetMap extract, whose columns are always the same."""
        for use, (column, known) in _OSM_LINES.items():
            off = any(
                other.use == use for other in self.found
            )  # then the town has its own, and these would double them
            key = self._free(_KEYS[use])
            self.out.blank()
            self.out.note(notes.OSM_CLASS)
            self.out.put(f"[barriers.{key}]", off=off)
            self._source(one, off=off)
            self.out.put('name = "name"', off=off)
            self.out.put(f"where = {quoted(f'{column} IS NOT NULL')}", off=off)
            for flag, tag in (("bridge", "bridge"), ("tunnel", "tunnel"), ("level", "layer")):
                self.out.put(f'{flag} = "{tag}"', off=off)
            self.out.put(f"rank_column = {quoted(column)}", off=off)
            self.out.put(f"[barriers.{key}.ranks]", off=off)
            for value, rank in known.items():
                if value.isascii() and value not in ("main-road", "lane"):  # ours, not OpenStreetMap's
                    self.out.put(f"{key_of(value)} = {quoted(rank)}", off=off)

    # ------------------------------------------------------------------------------------------ all the other tables

    def _claims(self) -> None:
        out = self.out
        keys = [self.keys[id(one)] for one in self.grids]
        off = not keys
        if off and self.extent is not None:
            keys = [self.keys[id(self.extent)]]
        layers = ", ".join(quoted(key) for key in keys) or '"communities"'
        out.heading(notes.CLAIMS)
        out.put("[claims.town]", off=off)
        out.put(f"tiling = [{layers}]", off=off)
        if self.extent is not None:
            out.put(f"within = {quoted(self.keys[id(self.extent)])}", off=off)
        out.put("[claims.blocks]", off=off)
        out.put('nesting = "blocks"', off=off)
        out.put(f"within = [{layers}]", off=off)
        out.put('parent_column = "grid"', off=off)

    def _workload(self) -> None:
        out = self.out
        out.heading(notes.WORKLOAD)
        written = False
        for one in self.found:
            if one.use not in ("population", "shops", "residential", "village"):
                continue
            column = number_column(one)
            if one.use not in ("population", "shops") and column is None:
                continue
            key = self.keys[id(one)]
            out.put(f"[workload.{key}]")
            out.put(f"layer = {quoted(key)}")
            if column is not None and one.use != "shops":
                out.put(f"column = {quoted(column)}")
            out.put(f"weight = {5.0 if one.use == 'shops' else 1.0}")
            out.put("tolerance = 0.1", notes.OWN_TOLERANCE.text(), off=True)
            written = True
        if not written:
            for line in ("[workload.population]", 'layer = "addresses"', 'column = "population"', "weight = 1.0"):
                out.put(line, off=True)

    def _partition(self) -> None:
        out = self.out
        cut = [self.keys[id(one)] for one in self.grids if one.use in ("residential", "village")]
        out.heading(notes.PARTITION)
        out.put("[partition]")
        names = ", ".join(quoted(key) for key in cut or ["town"])
        out.put(f"layers = [{names}]", notes.PARTITION_LAYERS.text(), off=not cut)
        out.put("count = 3", notes.COUNT.text())
        out.put('preset = "community"', notes.PRESET.text(), off=True)
        out.put("size = [300, 500]", notes.SIZE.text(), off=True)
        out.put("tolerance = 0.2", notes.TOLERANCE.text())
        out.put('uncut_by = "river"', notes.UNCUT.text(), off=True)
        for key, note in (("keep_whole", notes.KEEP_WHOLE), ("heads", notes.HEADS), ("parents", notes.PARENTS)):
            out.put(f'{key} = ["…"]', note.text(), off=True)
        out.put('codes = "{grid}{serial:03}"', notes.CODES.text(), off=True)
        out.put('output = "blocks.gpkg"', notes.OUTPUT.text())

    def _sections(self, shifts: Sequence[str]) -> None:
        """Write what belongs to the sections of streets, where there are street grids, sections or shifts."""
        out = self.out
        own = any(one.use == "sections" for one in self.found)
        if not (own or shifts or any(one.use == "street" for one in self.grids)):
            return
        out.heading(notes.SECTIONS)
        if own:
            out.note(notes.OWN_SECTIONS)
        out.put("[sections]", off=True)
        out.put("target = 800", notes.SECTION_TARGET.text(), off=True)
        out.put('output = "sections.gpkg"', off=True)
        lines = ("[claims.sections]", 'sections = "sections"', 'within = "blocks"')
        for line in lines:
            out.put(line, off=not own)
        for line in ("[claims.patrols]", 'staffed = "sections"', "least = 1", "most = 2"):
            out.put(line, off=not (own and shifts))
        out.note(notes.SHIFTS if shifts else notes.NO_SHIFTS)
        for key, name, hours in _named_shifts(shifts or ("日班", "夜班")):
            out.put(f"[shifts.{key}]", off=not shifts)
            out.put(f"name = {quoted(name)}", off=not shifts)
            out.put(f"hours = {quoted(hours)}", off=True)

    def _tables(self, tables: Mapping[str, tuple[str, list[str]]], photos: str | None) -> None:
        out = self.out
        headings = {"people": notes.PEOPLE, "tasks": notes.TASKS, "services": notes.SERVICES, "boards": notes.BOARDS}
        for table, heading in headings.items():
            out.heading(heading)
            file, missing = tables.get(table, (None, []))
            off = file is None or bool(missing)
            if missing:
                out.note(notes.LACKS, fields=listed(missing))
            out.put(f"[{table}]", off=off)
            out.put(f"file = {quoted(file or f'{table}.csv')}", notes.NO_TABLE.text() if file is None else "", off=off)
            if table == "people":
                out.put(f"photos = {quoted(photos or 'photos')}", off=off or photos is None)


def _named_shifts(names: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    """Yield key, name and hours to begin with of each shift."""
    known = {
        "day": (("day", "日班", "白班", "早班"), "6:00-18:00"),
        "night": (("night", "夜班", "晚班"), "18:00-6:00"),
    }
    taken: set[str] = set()
    for number, name in enumerate(names, 1):
        key = next((key for key, (words, _) in known.items() if name.lower() in words and key not in taken), None)
        hours = known[key][1] if key is not None else ""
        key = key or f"shift_{number}"
        taken.add(key)
        yield key, name, hours


_NOTICE_EXAMPLES = (
    ("issuer", '"示例镇网格化管理中心"'),
    ("date", "2026-11-01"),
    ("version", '"1"'),
    ("supervision_phone", '"021-12345678"'),
    ("approval_number", '""'),
    ("web", '""'),
)


def _is_osm_extract(one: Found) -> bool:
    return one.file.lower().endswith(".pbf")
