"""The plan in words: one line an action, the most area first, then what is left and why, then the sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gridgeo.language import Language, Message, current_language
from gridgeo.repair.plan import Action, Feature, Left, Mend, Plan
from gridgeo.validate.faults import CATALOGUE
from gridgeo.validate.wording import Area, Names, Width

NamesOf = Mapping[Feature, str]
"""What features are called, where that says more than their ids."""

_SOUND = Message("Nothing to mend: no fault was found.", "无需修复：未发现问题。")
_HEAD = Message("{actions}; left as they are: {left}.", "{actions}，保留不动 {left} 处。")
_ALL = Message("{actions}; nothing is left.", "{actions}，无遗留问题。")
_MENDS = Message("{count} mends", "修复 {count} 处")
_MEND_ONE = Message("1 mend", "修复 1 处")
_CLAIM = Message("For the claim {claim}:", "声明 {claim}：")
_LEFT_HEAD = Message("Left as it is:", "保留不动：")
_SUMS = Message("In all:", "合计：")
_MOVED_AREA = Message(
    "area given and taken: {area} ({gained} covered anew, {lost} covered no more, {passed} from one to another)",
    "变动面积 {area}（新覆盖 {gained}，不再覆盖 {lost}，相互移交 {passed}）",
)
_CHANGED = Message("features changed: {changed}", "变动要素：{changed} 个")
_CHANGED_OF = Message("features changed: {changed} of {all}", "变动要素：{changed} 个（共 {all} 个）")
_FURTHEST = Message("largest movement of a border: {width}", "边界最大移动：{width}")
_NO_MOVEMENT = Message("no border moves", "没有边界移动")
_INSERTED = Message("vertices inserted without moving anything: {count}", "原位插入节点：{count} 个")
_NOT_DONE = Message('not to be done: {count} ("do" is false)', "不执行：{count} 处（“do” 为 false）")

_FAULT = Message("{kind}: {features}", "{features}：{kind}")
_DO: dict[Mend, Message] = {
    "cut": Message("cut off", "裁去"),
    "fill": Message("filled", "填补"),
    "split": Message("divided among the neighbours", "由相邻各方分摊"),
    "insert": Message("missing vertices inserted", "补插公共节点"),
    "join": Message("two near borders made one", "相近边界合一"),
    "smooth": Message("the spike taken off", "削去尖刺"),
    "pass": Message("given to the neighbour", "划归相邻要素"),
    "redraw": Message("the broken border redrawn", "重画无效边界"),
    "drop": Message("the repeated feature dropped", "删去重复要素"),
    "regroup": Message("the whole block given to one area", "责任块整体归一个专业网格"),
    "align": Message("the border moved onto the road or river", "边界移到道路河道上"),
}
_ONE_VERTEX = Message("1 vertex", "1 个节点")
_VERTICES = Message("{count} vertices", "{count} 个节点")
_MOVES = Message("the border moves {width} at most", "边界最多移动 {width}")
_STAYS = Message("no border moves", "边界不动")
_PASSES = Message("{giver} gives {area} to {taker}", "{giver} 交给 {taker} {area}")
_GAINS = Message("{taker} takes {area}", "{taker} 取得 {area}")
_LOSES = Message("{giver} gives up {area}", "{giver} 让出 {area}")
_ALTERNATIVES = Message("Other candidates: {names}.", "其他可选方：{names}。")
_SKIPPED = Message("[not to be done]", "[不执行]")
_LEFT = Message("{fault}: {why}", "{fault}。{why}")


@dataclass(frozen=True)
class Sums:
    """What a plan amounts to, of the actions that are to be done.

    Parameters
    ----------
    gained, lost, passed : float
        Square metres covered anew, covered no more (by the giver), and passed from one feature to another.
    changed : tuple of Feature
    moved : float
        Metres that a border moves at most.
    inserted : int
        Vertices inserted without moving anything.
    """

    gained: float
    lost: float
    passed: float
    changed: tuple[Feature, ...]
    moved: float
    inserted: int

    @property
    def area(self) -> float:
        """All square metres that are given or taken."""
        return self.gained + self.lost + self.passed


def sums(plan: Plan) -> Sums:
    """Return what the actions of a plan that are to be done amount to."""
    done = [action for action in plan.actions if action.do]
    transfers = [transfer for action in done for transfer in action.transfers]
    sides = (side for transfer in transfers for side in (transfer.giver, transfer.taker) if side is not None)
    without_area = (feature for action in done if not action.transfers for feature in action.features)
    return Sums(
        sum(transfer.area for transfer in transfers if transfer.giver is None),
        sum(transfer.area for transfer in transfers if transfer.taker is None),
        sum(transfer.area for transfer in transfers if transfer.giver is not None and transfer.taker is not None),
        tuple(sorted(plan.before)) if plan.before else tuple(sorted({*sides, *without_area})),
        max((action.moved for action in done), default=0.0),
        sum(action.inserted for action in done),
    )


def plan_text(
    plan: Plan, language: Language | None = None, *, names: NamesOf | None = None, features: int | None = None
) -> str:
    """Return a plan for people: what will be done, one line an action, what is left and why, and the sums.

    Parameters
    ----------
    plan : Plan
    language : {"en", "zh"}, optional
    names : mapping of Feature to str, optional
        What features are called; by default their ids.
    features : int, optional
        How many features there are in all.
    """
    said = wording(plan, language, names)
    if not plan.actions and not plan.left:
        return plan_head(plan, language) + "\n"
    lines = [plan_head(plan, language), ""]
    several = len({action.claim for action in plan.actions}) > 1
    claim = ""
    for action in plan.actions:
        if several and action.claim != claim:
            claim = action.claim
            lines.append(_CLAIM.text(language, claim=claim))
        lines.append(f"{action.number:>5}. {said.action(action)}")
    if plan.left:
        lines += ["", _LEFT_HEAD.text(language), *(f"   - {said.left(left)}" for left in plan.left)]
    if plan.actions:
        lines += ["", _SUMS.text(language), *(f"   - {line}" for line in sum_lines(plan, language, features))]
    return "\n".join(lines) + "\n"


def plan_head(plan: Plan, language: Language | None) -> str:
    """Return in one sentence how much a plan mends and leaves."""
    if not plan.actions and not plan.left:
        return _SOUND.text(language)
    count = len(plan.actions)
    mends = _MEND_ONE.text(language) if count == 1 else _MENDS.text(language, count=f"{count:,}")
    return (_HEAD if plan.left else _ALL).text(language, actions=mends, left=f"{len(plan.left):,}")


def sum_lines(plan: Plan, language: Language | None, features: int | None = None) -> list[str]:
    """Return the sums of a plan, one sentence a sum."""
    total = sums(plan)

    def area(size: float) -> str:
        return Area(size).text(language) if size else "0"

    changed = {"changed": f"{len(total.changed):,}", "all": f"{features or 0:,}"}
    lines = [
        _MOVED_AREA.text(
            language,
            area=area(total.area),
            gained=area(total.gained),
            lost=area(total.lost),
            passed=area(total.passed),
        ),
        (_CHANGED if features is None else _CHANGED_OF).text(language, **changed),
        _FURTHEST.text(language, width=Width(total.moved).text(language))
        if total.moved
        else _NO_MOVEMENT.text(language),
    ]
    if total.inserted:
        lines.append(_INSERTED.text(language, count=f"{total.inserted:,}"))
    if idle := sum(not action.do for action in plan.actions):
        lines.append(_NOT_DONE.text(language, count=f"{idle:,}"))
    return lines


@dataclass(frozen=True)
class Wording:
    """Puts actions into words: the language, what features are called, and whether layers must be told apart."""

    language: Language | None
    names: NamesOf
    several_layers: bool

    def action(self, action: Action) -> str:
        """Return an action as one line."""
        stop = "。" if self._zh else ". "
        said = [self.fault(action), self.deed(action), *self.hands(action), self.movement(action)]
        line = ("；" if self._zh else "; ").join(part for part in said if part) + stop
        line += " ".join(part for part in (action.reason(self.language), self.others(action)) if part)
        return line if action.do else f"{_SKIPPED.text(self.language)} {line}"

    def fault(self, item: Action | Left) -> str:
        """Return what is wrong: the kind of fault and the features."""
        kind = CATALOGUE[item.code].name.text(self.language) if item.code in CATALOGUE else item.code
        if not item.features:
            return kind
        text = _FAULT.text(self.language, kind=kind, features=self.all(item.features))
        return text if self._zh else text[:1].upper() + text[1:]

    def deed(self, action: Action) -> str:
        """Return what is done about it."""
        return _DO[action.mend].text(self.language)

    def hands(self, action: Action) -> list[str]:
        """Return who gives how much to whom, the same pair once; nothing of what is no more than rounding."""
        areas: dict[tuple[Feature | None, Feature | None], float] = {}
        for transfer in action.transfers if action.mend != "insert" else ():
            pair = (transfer.giver, transfer.taker)
            areas[pair] = areas.get(pair, 0.0) + transfer.area
        return [self.passing(giver, taker, area) for (giver, taker), area in areas.items()]

    def passing(self, giver: Feature | None, taker: Feature | None, area: float) -> str:
        """Return one passing of an area from hand to hand."""
        template = _GAINS if giver is None else _LOSES if taker is None else _PASSES
        return template.text(
            self.language,
            giver="" if giver is None else self.one(giver),
            taker="" if taker is None else self.one(taker),
            area=Area(area).text(self.language),
        )

    def movement(self, action: Action) -> str:
        """Return how far a border moves, or how many vertices are inserted."""
        if action.moved:
            return _MOVES.text(self.language, width=Width(action.moved).text(self.language))
        if action.inserted == 1:
            return f"{_ONE_VERTEX.text(self.language)}{self._comma}{_STAYS.text(self.language)}"
        if action.inserted:
            return f"{_VERTICES.text(self.language, count=action.inserted)}{self._comma}{_STAYS.text(self.language)}"
        return ""

    def others(self, action: Action) -> str:
        """Return who could have been the winner instead."""
        others = tuple(feature for feature in action.alternatives if feature != action.winner)
        return _ALTERNATIVES.text(self.language, names=self.all(others)) if others else ""

    def left(self, left: Left) -> str:
        """Return what is left as one line."""
        return _LEFT.text(self.language, fault=self.fault(left), why=left.reason(self.language))

    def one(self, feature: Feature) -> str:
        """Return what a feature is called."""
        name = self.names.get(feature, feature.id)
        called = name if name == feature.id else f"{name} ({feature.id})"
        return f"{feature.layer} {called}" if self.several_layers else called

    def all(self, features: Iterable[Feature]) -> str:
        """Return what some features are called."""
        return Names(tuple(self.one(feature) for feature in features)).text(self.language)

    @property
    def _zh(self) -> bool:
        return (self.language or current_language()) == "zh"

    @property
    def _comma(self) -> str:
        return "，" if self._zh else ", "


def wording(plan: Plan, language: Language | None, names: NamesOf | None = None) -> Wording:
    """Return the wording of a plan's actions."""
    return Wording(language, names or {}, several_layers=len(_layers(plan)) > 1)


def _layers(plan: Plan) -> Sequence[str]:
    items: tuple[Action | Left, ...] = (*plan.actions, *plan.left)
    return sorted({feature.layer for item in items for feature in item.features})
