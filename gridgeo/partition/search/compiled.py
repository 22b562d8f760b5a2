"""The loops of `kernel`, `sets` and `packing` compiled by numba: the same functions, bound to their compiled twins."""

from __future__ import annotations

from types import FunctionType

from numba import njit

from gridgeo.partition.search import kernel, packing, sets

_OWN = {
    name: value for own in (kernel, packing, sets) for name, value in vars(own).items() if not name.startswith("__")
}
globals().update(_OWN)
for _name, _value in _OWN.items():
    if isinstance(_value, FunctionType):
        globals()[_name] = njit(cache=True)(FunctionType(_value.__code__, globals(), _name))
