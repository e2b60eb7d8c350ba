"""Campaigns: any function over a grid, in parallel on Dask, resumed after whatever stops it; knows no physics."""

from typing import TYPE_CHECKING, Any

from caloris.campaigns.campaign import Campaign
from caloris.campaigns.grid import History, Point
from caloris.campaigns.plan import CampaignStatus, PlannedPoint, PointStatus
from caloris.campaigns.task import Progress, Task

if TYPE_CHECKING:
    from caloris.campaigns.table import Result

__all__ = [
    "Campaign",
    "CampaignStatus",
    "History",
    "PlannedPoint",
    "Point",
    "PointStatus",
    "Progress",
    "Result",
    "Task",
]


def __getattr__(name: str) -> Any:
    if name == "Result":
        from caloris.campaigns.table import Result

        return Result
    raise AttributeError(f"module 'caloris.campaigns' has no attribute {name!r}")
