"""What the comments of a starter gridgeo.toml say."""

from __future__ import annotations

from gridgeo.language import Message

HEAD = Message(
    "The town project: which map files hold what. Paths are relative to this file. Everything here is a guess from"
    " names and values: read it through, correct it, and take the # away from what you need.",
    "城镇项目：说明各地图文件的内容。路径相对于本文件。以下均根据名称和数值猜测：请通读、更正，需要的行去掉行首的 #。",
)
NEXT = Message("Then run: gridgeo validate", "然后运行：gridgeo validate")
NAME = Message("as it stands on the notices", "公示图上的镇（街道）名称")
CODE = Message("9 digits: division 6 + town 3; grid ids begin with it", "9 位：区划 6 位 + 镇级 3 位；网格编号以此开头")
NO_CODE = Message("the town's code, 9 digits: division 6 + town 3", "镇（街道）代码，9 位：区划 6 位 + 镇级 3 位")
CRS = Message(
    "CRS of the results, and of files that don't say theirs; without it the extent's",
    "成果的坐标系，也用于未注明坐标系的文件；不写则与范围图层相同",
)
CRS_NEEDED = Message("needed: these files don't say their CRS: {files}", "必填：以下文件未注明坐标系：{files}")
EXTENT = Message("what the grids must cover", "网格须铺满的范围")
NO_EXTENT = Message("no layer looks like the town's border; name the key of one", "未发现镇界图层；请填写某一图层的键")
ATTRIBUTION = Message("source of the map data, printed on every map", "地图数据来源，印在每张图上")
WATERMARK = Message('printed on every product, such as "示例数据"', "印在所有成果上，如“示例数据”")
IS = {
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
    "sections": Message(
        "sections of streets (责任路段), for its name: see [sections]", "按名称作为责任路段：见 [sections]"
    ),
    "workstations": Message(
        "workstations, for its name: each is drawn as a house", "按名称作为工作站：图上以房屋符号表示"
    ),
}
SECTIONS = Message(
    "Sections 责任路段: the streets of street blocks, each part for one or two patrollers a shift",
    "责任路段：街面责任块内的道路分段，每班 1 至 2 名巡查员",
)
OWN_SECTIONS = Message(
    "sections of your own are in [layers.sections]; without that layer gridgeo partition cuts them:",
    "已有责任路段图层 [layers.sections]；如无此图层，gridgeo partition 可按下列设置划分：",
)
SECTION_TARGET = Message("metres of street a section", "每个路段的道路长度（米）")
SHIFTS = Message(
    "the shifts that the table of people names; say their hours",
    "人员表中出现的班次；请填写时段",
)
NO_SHIFTS = Message("the shifts that the column shift of the table of people names", "人员表“班次”列所用的班次")
BOARDS = Message("Boards: which notice hangs where, since when", "公示牌登记：张贴地点、核对码、张贴日期")
KIND = Message(
    "residential (居委), village (村委), street (街面) or extended (拓展)",
    "residential 居委、village 村委、street 街面、extended 拓展",
)
NO_ID = Message(
    "no column with unique values looks like ids: features are numbered from 1",
    "没有取值唯一的编号列：按 1、2、3… 编号",
)
NO_GRIDS = Message(
    "no grids found: with a kind, the town itself is one grid that is cut into blocks",
    "未发现网格图层：填写 kind 后，全镇作为一个网格来划分责任块",
)
UNKNOWN_USE = Message(
    "{file}, {layer} ({shape}, {count} features): what it is for can't be told from its name; columns: {columns}",
    "{file}，{layer}（{shape}，{count} 个要素）：无法从名称判断用途；列：{columns}",
)
RAILWAY = Message(
    "{file}, {layer}: railways; on the ground they part blocks like main roads do, elevated or below they don't",
    "{file}，{layer}：铁路；地面铁路可像主干路一样作为边界线，高架或地下则不宜",
)
BARRIERS = Message(
    "Barriers: lines along which grids may be cut. Ranks: river, main-road, road, lane; none = no barrier",
    "边界线：可沿其划分责任块。等级：river 河道、main-road 主干路、road 道路、lane 街巷；none 不作边界线",
)
ONE_RANK = Message(
    "one rank for all, because no column has classes that are known", "没有认识的等级列，整个文件用同一等级"
)
FEATURES = Message("{count} features", "{count} 个要素")
UNKNOWN_CLASS = Message(
    "{count} features; unknown class: give it a rank or none", "{count} 个要素；未知类别：请填等级或 none"
)
OSM_CLASS = Message("the usual classes of OpenStreetMap", "OpenStreetMap 的常见类别")
OSM_AREAS = Message("{file}: areas of OpenStreetMap that may be of use", "{file}：可能有用的 OpenStreetMap 面要素")
WATER = Message(
    "the same water as barriers: use it where it is rivers; ponds part nothing",
    "同一水面作为边界线：适用于河道，池塘不必",
)
CLAIMS = Message("What gridgeo validate proves", "gridgeo validate 要证明的内容")
WORKLOAD = Message(
    "What is balanced between blocks; without any it is the area", "各责任块之间要均衡的工作量；不写则按面积"
)
PARTITION = Message("How gridgeo partition cuts grids into blocks", "gridgeo partition 如何把网格划分为责任块")
PARTITION_LAYERS = Message("grids to be cut; each other grid is one block", "要划分的网格图层；其余每个网格即为一块")
COUNT = Message("blocks a grid; or target = workload a block", "每个网格的块数；或改用 target = 每块工作量")
TOLERANCE = Message("how far a block may be from the mean, as a share", "与平均工作量的允许偏差（比例）")
PRESET = Message(
    "or a named size: community (300 to 500 households), micro (30 to 100), cell (about 10,000 m2)",
    "或命名规格：community（300 至 500 户）、micro（30 至 100 户）、cell（约 1 万平方米）",
)
SIZE = Message("or the least and the most that a block holds", "或每块的下限与上限")
OWN_TOLERANCE = Message(
    "balance it for itself, within so much of the mean, and not only in the sum", "单独均衡此项，而不仅计入加权和"
)
UNCUT = Message("barriers that cut no block, not even at bridges", "不得穿过责任块的屏障，有桥亦然")
KEEP_WHOLE = Message("layers of compounds and campuses that no border cuts", "不得被界线切割的小区、校园图层")
HEADS = Message("layers of points where block heads are stationed, one a block", "块长驻点图层，每块一名")
PARENTS = Message("layers whose borders no block crosses", "责任块不得跨越其边界的图层")
CODES = Message("another numbering: see docs/codes.md", "其他编码方案：见 docs/codes.md")
OUTPUT = Message(
    "written by gridgeo partition, read by validate and render", "由 partition 写出，validate 与 render 读取"
)
PEOPLE = Message(
    "Who answers for what: columns unit 单元, role 角色, name 姓名, organisation 单位, phone 电话, mobile 手机,"
    " hours 接待时间, photo 照片",
    "责任人员：列 单元、角色、姓名、单位、电话、手机、接待时间、照片",
)
TASKS = Message(
    "Patrol items: columns kind 网格类型, group 类别, text 事项, local 自选, unit 单元",
    "巡查事项：列 网格类型、类别、事项、自选、单元",
)
SERVICES = Message(
    "Services: columns text 服务, kind 网格类型, unit 单元, hours 时间, place 地点",
    "服务事项：列 服务、网格类型、单元、时间、地点",
)
LACKS = Message("its headers lack: {fields}; complete it first", "表头缺少：{fields}；请先补全")
NO_TABLE = Message("no such table found", "未发现此表")
NOTICE = Message("What every notice says", "每张公示图上的内容")
UNREAD = Message("could not be read", "无法读取")
