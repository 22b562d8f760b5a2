"""The sample town: an invented water town of any size, with faults on request. All of it is 示例数据."""

from gridgeo.sample.geography import SampleTown, sample_town

__all__ = ["SampleTown", "sample_town"]
