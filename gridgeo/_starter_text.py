"""The text of a starter gridgeo.toml: tables, each with the reason for the guess and how to change it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from gridgeo._guesses import (
    RIVER_RANKS,
    ROAD_RANKS,
    Found,
    flag_columns,
    id_column,
    name_column,
    number_column,
    rank_column,
)
from gridgeo._words import listed
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.layers import GRID_KINDS

_HEAD = Message(
    "The town project: which map files hold what. Paths are relative to this file. Everything here is a guess from"
    " names and values: read it through, correct it, and take the # away from what you need.",
    "城镇项目：说明各地图文件的内容。路径相对于本文件。以下均根据名称和数值猜测：请通读、更正，需要的行去掉行首的 #。",
)
_NEXT = Message("Then run: gridgeo validate", "然后运行：gridgeo validate")
_NAME = Message("as it stands on the notices", "公示图上的镇（街道）名称")
_CODE = Message(
    "9 digits: division 6 + town 3; grid ids begin with it", "9 位：区划 6 位 + 镇级 3 位；网格编号以此开头"
)
_NO_CODE = Message("the town's code, 9 digits: division 6 + town 3", "镇（街道）代码，9 位：区划 6 位 + 镇级 3 位")
_CRS = Message(
    "CRS of the results, and of files that don't say theirs; without it the extent's",
    "成果的坐标系，也用于未注明坐标系的文件；不写则与范围图层相同",
)
_CRS_NEEDED = Message("needed: these files don't say their CRS: {files}", "必填：以下文件未注明坐标系：{files}")
_EXTENT = Message("what the grids must cover", "网格须铺满的范围")
_NO_EXTENT = Message("no layer looks like the town's border; name the key of one", "未发现镇界图层；请填写某一图层的键")
_ATTRIBUTION = Message("source of the map data, printed on every map", "地图数据来源，印在每张图上")
_WATERMARK = Message('printed on every product, such as "示例数据"', "印在所有成果上，如“示例数据”")
_IS = {
    "extent": Message(
        "taken for the extent: it is called like one, or is the one polygon around the rest",
        "作为范围：名称如此，或是包住其余图层的唯一的面",
    ),
    "residential": Message("taken for residential grids (居委), for its name", "按名称作为居委网格"),
    "village": Message("taken for village grids (村委), for its name", "按名称作为村委网格"),
    "street": Message("taken for street grids (街面), for its name", "按名称作为街面网格"),
    "extended": Message("taken for extended grids (拓展), for its name", "按名称作为拓展网格"),
    "water": Message("background of the maps: water", "地图背景：水面"),
    "green": Message("background of the maps: green", "地图背景：绿地"),
    "buildings": Message("background of the maps: buildings", "地图背景：建筑"),
    "population": Message("population, for its name: see [workload]", "按名称作为人口：见 [workload]"),
    "shops": Message("shops, for its name: see [workload]", "按名称作为商铺：见 [workload]"),
    "nature": Message("background of the maps, parted by its values", "地图背景，按属性值分开"),
    "road": Message("taken for roads, for its name", "按名称作为道路"),
    "river": Message("taken for rivers, for its name", "按名称作为河道"),
}
_KIND = Message(
    "residential (居委), village (村委), street (街面) or extended (拓展)",
    "residential 居委、village 村委、street 街面、extended 拓展",
)
_NO_ID = Message(
    "no column with unique values looks like ids: features are numbered from 1",
    "没有取值唯一的编号列：按 1、2、3… 编号",
)
_NO_GRIDS = Message(
    "no grids found: with a kind, the town itself is one grid that is cut into blocks",
    "未发现网格图层：填写 kind 后，全镇作为一个网格来划分责任块",
)
_UNKNOWN_USE = Message(
    "{file}, {layer} ({shape}, {count} features): what it is for can't be told from its name; columns: {columns}",
    "{file}，{layer}（{shape}，{count} 个要素）：无法从名称判断用途；列：{columns}",
)
_RAILWAY = Message(
    "{file}, {layer}: railways; on the ground they part blocks like main roads do, elevated or below they don't",
    "{file}，{layer}：铁路；地面铁路可像主干路一样作为边界线，高架或地下则不宜",
)
_BARRIERS = Message(
    "Barriers: lines along which grids may be cut. Ranks: river, main-road, road, lane; none = no barrier",
    "边界线：可沿其划分责任块。等级：river 河道、main-road 主干路、road 道路、lane 街巷；none 不作边界线",
)
_ONE_RANK = Message(
    "one rank for all, because no column has classes that are known", "没有认识的等级列，整个文件用同一等级"
)
_FEATURES = Message("{count} features", "{count} 个要素")
_UNKNOWN_CLASS = Message(
    "{count} features; unknown class: give it a rank or none", "{count} 个要素；未知类别：请填等级或 none"
)
_OSM_CLASS = Message("the usual classes of OpenStreetMap", "OpenStreetMap 的常见类别")
_CLAIMS = Message("What gridgeo validate proves", "gridgeo validate 要证明的内容")
_WORKLOAD = Message(
    "What is balanced between blocks; without any it is the area", "各责任块之间要均衡的工作量；不写则按面积"
)
_PARTITION = Message("How gridgeo partition cuts grids into blocks", "gridgeo partition 如何把网格划分为责任块")
_PARTITION_LAYERS = Message("grids to be cut; each other grid is one block", "要划分的网格图层；其余每个网格即为一块")
_COUNT = Message("blocks a grid; or target = workload a block", "每个网格的块数；或改用 target = 每块工作量")
_TOLERANCE = Message("how far a block may be from the mean, as a share", "与平均工作量的允许偏差（比例）")
_OUTPUT = Message(
    "written by gridgeo partition, read by validate and render", "由 partition 写出，validate 与 render 读取"
)
_PEOPLE = Message(
    "Who answers for what: columns unit 单元, role 角色, name 姓名, organisation 单位, phone 电话, mobile 手机,"
    " hours 接待时间, photo 照片",
    "责任人员：列 单元、角色、姓名、单位、电话、手机、接待时间、照片",
)
_TASKS = Message(
    "Patrol items: columns kind 网格类型, group 类别, text 事项, local 自选, unit 单元",
    "巡查事项：列 网格类型、类别、事项、自选、单元",
)
_SERVICES = Message(
    "Services: columns text 服务, kind 网格类型, unit 单元, hours 时间, place 地点",
    "服务事项：列 服务、网格类型、单元、时间、地点",
)
_LACKS = Message("its headers lack: {fields}; complete it first", "表头缺少：{fields}；请先补全")
_NO_TABLE = Message("no such table found", "未发现此表")
_NOTICE = Message("What every notice says", "每张公示图上的内容")
_UNREAD = Message("could not be read", "无法读取")

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
_NATURE = {
    "water": ("water", "riverbank", "wetland"),
    "green": ("forest", "park", "wood", "grass", "grassland", "scrub"),
}


def quoted(text: str) -> str:
    r"""Return ``text`` as a TOML string: quotes, backslashes, line breaks and invisible characters are escaped.

    Examples
    --------
    >>> print(quoted('a "b" \\ c\n镇'))
    "a \"b\" \\ c\n镇"
    """
    inner = json.dumps(text, ensure_ascii=False)[1:-1]
    escaped = (f"\\U{ord(c):08x}" if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in inner)
    return '"' + "".join(escaped) + '"'


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else quoted(text)


class _Writer:
    """Lines of a TOML file; a table may be written as comments."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, message: Message, **values: object) -> None:
        self.lines.append(f"# {message.text(None, **values)}")

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def heading(self, message: Message) -> None:
        self.blank()
        self.lines.append(f"# ---- {message.text()}")

    def put(self, line: str, note: str = "", *, off: bool = False) -> None:
        self.lines.append(("# " if off else "") + line + (f"  # {note}" if note else ""))

    def text(self) -> str:
        return "\n".join(self.lines).strip("\n") + "\n"


def starter_text(
    folder: str,
    found: Sequence[Found],
    *,
    unread: Iterable[tuple[str, Problem]] = (),
    tables: Mapping[str, tuple[str, list[str]]],
    photos: str | None,
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
        File, and fields missing in its headers, of the tables ``people``, ``tasks`` and ``services``.
    photos : str or None
        The folder with photos.
    """
    return _Starter(found).text(folder, unread, tables, photos)


class _Starter:
    def __init__(self, found: Sequence[Found]) -> None:
        self.found = found
        self.out = _Writer()
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
    ) -> str:
        out = self.out
        out.note(_HEAD)
        out.note(_NEXT)
        self._town(folder)
        for one in self.found:
            if one.use == "nature":
                self._nature(one)
            elif one.use is not None and (one.shape != "line") and one.use != "road":
                self._layer(one)
        self._barriers()
        for one in self.found:
            if one.use is None:
                self._unknown(one)
        for file, problem in unread:
            out.blank()
            out.lines.append(f"# {Message('{file}: ', '{file}：').text(file=file)} {_UNREAD.text()}: {problem.text()}")
        self._claims()
        self._workload()
        self._partition()
        self._tables(tables, photos)
        out.heading(_NOTICE)
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
        out.put(f"name = {quoted(name.strip() or 'town')}", _NAME.text())
        code = self._code()
        out.put(f'code = "{code or "310112114"}"', (_CODE if code else _NO_CODE).text(), off=code is None)
        silent = [one.file for one in self.found if one.use is not None and one.info.crs is None]
        if silent:
            out.note(_CRS_NEEDED, files=listed(dict.fromkeys(silent)))
        out.put('crs = "EPSG:4490"', _CRS.text(), off=True)
        if extent is not None:
            out.put(f"extent = {quoted(self.keys[id(extent)])}", _EXTENT.text())
        else:
            out.put('extent = "town"', _NO_EXTENT.text(), off=True)
        osm = any("osm_id" in one.columns for one in self.found)
        out.put('attribution = "© OpenStreetMap contributors"', _ATTRIBUTION.text(), off=not osm)
        out.put('watermark = ""', _WATERMARK.text(), off=True)

    def _code(self) -> str | None:
        """Return the first nine digits that all grid ids share, where they are twelve digits long."""
        codes: set[str] = set()
        for one in self.grids:
            column = id_column(one)
            if column is None or one.layer is None:
                return None
            texts = [str(value) for value in one.layer.frame[column]]
            if not all(re.fullmatch(r"[0-9]{12}", text) for text in texts):
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
        out.note(_IS[str(one.use)])
        out.put(f"[layers.{self.keys[id(one)]}]")
        self._source(one)
        self._columns(one)
        if one.use in GRID_KINDS:
            out.put(f'kind = "{one.use}"', _KIND.text())
        elif one is self.extent and not self.grids:
            out.put('kind = "residential"', _NO_GRIDS.text(), off=True)

    def _columns(self, one: Found, *, off: bool = False) -> None:
        identity, name = id_column(one), name_column(one)
        if identity is not None:
            self.out.put(f"id = {quoted(identity)}", off=off)
        elif one.use in GRID_KINDS:
            self.out.put('id = "code"', _NO_ID.text(), off=True)
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
            self.out.note(_IS["nature"])
            self.out.put(f"[layers.{self._free(use)}]")
            self._source(one)
            self._columns(one)
            name = column.replace('"', '""')
            options = ", ".join("'" + value + "'" for value in there)
            where = f'"{name}" IN ({options})'
            self.out.put(f"where = {quoted(where)}")

    def _unknown(self, one: Found) -> None:
        values = {"file": one.file, "layer": one.info.name, "shape": one.info.geometry_type}
        self.out.blank()
        columns = listed(one.columns) or "—"
        self.out.note(_UNKNOWN_USE, **values, count=max(one.info.features, 0), columns=columns)
        section = "barriers" if one.shape == "line" else "layers"
        self.out.put(f"[{section}.{_key(one.info.name)}]", off=True)
        self._source(one, off=True)
        self._columns(one, off=True)
        if one.shape == "line":
            self.out.put('rank = "road"', off=True)
        elif one.shape == "polygon":
            self.out.put('kind = "residential"', _KIND.text(), off=True)

    # ---------------------------------------------------------------------------------------------- [barriers]

    def _barriers(self) -> None:
        out = self.out
        out.heading(_BARRIERS)
        for one in self.found:
            if one.use in ("road", "river"):
                self._barrier(one)
            elif one.use == "railway":
                out.blank()
                out.note(_RAILWAY, file=one.file, layer=one.info.name)
                out.put(f"[barriers.{self._free('railways')}]", off=True)
                self._source(one, off=True)
                out.put('rank = "main-road"', off=True)
            elif one.use == "water" and one.shape == "polygon":
                out.blank()
                out.put(f"[barriers.{self.keys[id(one)]}]", off=True)
                self._source(one, off=True)
                out.put('rank = "river"', off=True)
            elif _is_osm_extract(one) and one.info.name == "lines":
                self._osm_lines(one)

    def _barrier(self, one: Found) -> None:
        out = self.out
        out.blank()
        out.note(_IS[str(one.use)])
        key = self.keys[id(one)]
        out.put(f"[barriers.{key}]")
        self._source(one)
        self._columns(one)
        for flag, column in flag_columns(one).items():
            out.put(f"{flag} = {quoted(column)}")
        known = ROAD_RANKS if one.use == "road" else RIVER_RANKS
        classes = rank_column(one, known)
        if classes is None:
            out.put(f'rank = "{one.use}"', _ONE_RANK.text())
            return
        column, counts = classes
        out.put(f"rank_column = {quoted(column)}")
        out.put(f"[barriers.{key}.ranks]")
        for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            rank = known.get(value)
            note = _FEATURES if rank is not None else _UNKNOWN_CLASS
            out.put(f"{_key(value)} = {quoted(rank or 'none')}", note.text(count=count), off=rank is None)

    def _osm_lines(self, one: Found) -> None:
        """Write the roads and rivers of an OpenStreetMap extract, whose columns are always the same."""
        for use, (column, known) in _OSM_LINES.items():
            key = self._free(_KEYS[use])
            self.out.blank()
            self.out.note(_OSM_CLASS)
            self.out.put(f"[barriers.{key}]")
            self._source(one)
            self.out.put('name = "name"')
            self.out.put(f"where = {quoted(f'{column} IS NOT NULL')}")
            for flag, tag in (("bridge", "bridge"), ("tunnel", "tunnel"), ("level", "layer")):
                self.out.put(f'{flag} = "{tag}"')
            self.out.put(f"rank_column = {quoted(column)}")
            self.out.put(f"[barriers.{key}.ranks]")
            for value, rank in known.items():
                if value.isascii() and value not in known.values():
                    self.out.put(f"{_key(value)} = {quoted(rank)}")

    # ------------------------------------------------------------------------------------------ all the other tables

    def _claims(self) -> None:
        out = self.out
        keys = [self.keys[id(one)] for one in self.grids]
        off = not keys
        if off and self.extent is not None:
            keys = [self.keys[id(self.extent)]]
        layers = ", ".join(quoted(key) for key in keys) or '"communities"'
        out.heading(_CLAIMS)
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
        out.heading(_WORKLOAD)
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
            written = True
        if not written:
            for line in ("[workload.population]", 'layer = "addresses"', 'column = "population"', "weight = 1.0"):
                out.put(line, off=True)

    def _partition(self) -> None:
        out = self.out
        cut = [self.keys[id(one)] for one in self.grids if one.use in ("residential", "village")]
        out.heading(_PARTITION)
        out.put("[partition]")
        names = ", ".join(quoted(key) for key in cut or ["town"])
        out.put(f"layers = [{names}]", _PARTITION_LAYERS.text(), off=not cut)
        out.put("count = 3", _COUNT.text())
        out.put("tolerance = 0.2", _TOLERANCE.text())
        out.put('output = "blocks.gpkg"', _OUTPUT.text())

    def _tables(self, tables: Mapping[str, tuple[str, list[str]]], photos: str | None) -> None:
        out = self.out
        for table, heading in (("people", _PEOPLE), ("tasks", _TASKS), ("services", _SERVICES)):
            out.heading(heading)
            file, missing = tables.get(table, (None, []))
            off = file is None or bool(missing)
            if missing:
                out.note(_LACKS, fields=listed(missing))
            out.put(f"[{table}]", off=off)
            out.put(f"file = {quoted(file or f'{table}.csv')}", _NO_TABLE.text() if file is None else "", off=off)
            if table == "people":
                out.put(f"photos = {quoted(photos or 'photos')}", off=off or photos is None)


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
