"""Invented names of places and people, put together from syllables. Any likeness to a real name is chance."""

from __future__ import annotations

import numpy as np

_FIRST = "云柳青石南溪荷竹桂枫桐兰梅松菱苇沙月星锦秀清和安永新长宝福明春晴鹭鹤"
_SECOND = "溪浜桥渡湾塘泾浦河汀洲港里庭园林苑华景春泽岸州"
_COMMUNITY = ("苑", "花园", "新村", "小区", "坊", "雅居", "公寓", "名邸")
_ROAD_SECOND = "石溪桥莲帆渔荷樟菱桑棠舟浪霞港湖塘园兰汀"
_FAMILY = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟"
_GIVEN = "伟芳秀英敏静丽磊军勇艳杰娟涛明超兰霞刚桂文辉玲华红斌波宇浩凯健俊帆雪琳晨阳欣怡佳慧子涵梓轩若溪雨桐诗"
_RARE = "䶮喆頔燚堃翀犇"
_REAL = frozenset(("青浦", "月浦", "新桥", "新泾", "南桥", "南浦", "华泾", "新河", "新港", "长泾", "长桥", "长春"))
"""Combinations that are places near by or well known, left out."""

_SHOPS = (
    "便利店",
    "粮油店",
    "面馆",
    "水果店",
    "理发店",
    "五金店",
    "药房",
    "茶馆",
    "文具店",
    "早点铺",
    "干洗店",
    "花店",
)
_ZONE_ENDINGS: dict[str, tuple[str, ...]] = {
    "factory": ("机械厂", "食品厂", "纺织厂", "仪表厂", "包装材料厂", "电器厂", "工业园"),
    "campus": ("小学", "中学", "幼儿园", "职业学校", "九年一贯制学校"),
    "park": ("公园", "绿地", "滨河公园", "体育公园"),
    "business district": ("商业广场", "商业街", "购物中心", "集贸市场"),
    "office": ("商务楼", "科创园", "行政服务中心", "办公区"),
    "public area": ("卫生服务中心", "文化馆", "体育场", "公交枢纽", "敬老院"),
}


class Namer:
    """Hands out invented names, each place name once.

    Examples
    --------
    >>> import numpy as np
    >>> namer = Namer(np.random.default_rng(0))
    >>> len({namer.community() for _ in range(9)})
    9
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        pairs = [a + b for a in _FIRST for b in _SECOND if a != b and a + b not in _REAL]
        self._order = [pairs[k] for k in rng.permutation(len(pairs))]
        roads = [a + b for a in _FIRST for b in _ROAD_SECOND if a != b and a + b not in _REAL]
        self._roads = [roads[k] for k in rng.permutation(len(roads))]
        self._next: dict[str, int] = {}

    def _take(self, use: str, pool: list[str]) -> tuple[str, int]:
        number = self._next.get(use, 0)
        self._next[use] = number + 1
        return pool[number % len(pool)], number // len(pool)

    def community(self) -> str:
        """Name of a natural community: 云溪苑; 云溪苑二期 and so on when the names run out."""
        name, again = self._take("community", self._order)
        suffix = _COMMUNITY[int(self._rng.integers(len(_COMMUNITY)))]
        return f"{name}{suffix}{again + 1}期" if again else name + suffix

    def village(self) -> str:
        """Name of a village: 柳浜村."""
        name, again = self._take("village", self._order[::-1])
        return f"{name}{again + 1}村" if again else f"{name}村"

    def road(self, rank: str) -> str:
        """Name of a street or road: 青石路."""
        name, again = self._take("road", self._roads)
        suffix = {"arterial": "大道", "main": "路", "road": "路", "lane": "弄"}[rank]
        return f"{name}{'东西南北'[again % 4]}{again // 4 or ''}{suffix}" if again else name + suffix

    def lane(self) -> str:
        """Name of a lane by its number: 217弄."""
        return f"{int(self._rng.integers(1, 400)) * 2 + 1}弄"

    def water(self, rank: str) -> str:
        """Name of a river or creek: 荷渡港, 柳浜."""
        name, again = self._take("water", self._order[7::3])
        ending = "港" if rank == "river" else "浜泾塘河"[int(self._rng.integers(4))]
        stem = name[0] + "家" if rank == "creek" and self._rng.random() < 0.4 else name
        return str(stem.removesuffix(ending)) + ending + (str(again) if again else "")

    def zone(self, use: str) -> str:
        """Name of a zone of a use: 溪桥公园."""
        name, again = self._take("zone", self._order[3::2])
        endings = _ZONE_ENDINGS[use]
        ending = endings[int(self._rng.integers(len(endings)))]
        return f"{name}{ending}{again or ''}"

    def shop(self) -> str:
        """Name of a shop: 荷汀粮油店. Shops may share names, as they do."""
        pairs = self._order
        name: str = pairs[int(self._rng.integers(len(pairs)))]
        return name + _SHOPS[int(self._rng.integers(len(_SHOPS)))]

    def person(self) -> str:
        """Name of a person; about one in forty has a rare character."""
        family = _FAMILY[int(self._rng.integers(len(_FAMILY)))]
        count = 1 if self._rng.random() < 0.28 else 2
        given = [_GIVEN[int(k)] for k in self._rng.integers(0, len(_GIVEN), count)]
        if self._rng.random() < 0.025:
            given[-1] = _RARE[int(self._rng.integers(len(_RARE)))]
        return family + "".join(given)
