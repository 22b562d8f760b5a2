"""The sample town: an invented water town of any size, with faults on request. All of it is 示例数据."""

from gridgeo.sample.faults import OTHER_KINDS, TILING_KINDS, PlantedFault, plant_faults
from gridgeo.sample.files import write_sample
from gridgeo.sample.making import sample_town
from gridgeo.sample.section_faults import SECTION_KINDS, plant_section_faults, take_patrollers
from gridgeo.sample.town import SampleTown

__all__ = [
    "OTHER_KINDS",
    "SECTION_KINDS",
    "TILING_KINDS",
    "PlantedFault",
    "SampleTown",
    "plant_faults",
    "plant_section_faults",
    "sample_town",
    "take_patrollers",
    "write_sample",
]
