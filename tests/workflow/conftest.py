"""The runner's fixtures serve here too."""

from tests.runner.conftest import bench, registry

__all__ = ["bench", "registry"]
