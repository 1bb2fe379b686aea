"""Independent jobs with seeds of their own, on threads, processes or Ray: the same bits."""

from chainrule.executors.executor import Executor, FailedJobsError
from chainrule.executors.local import Here, Processes, Threads
from chainrule.executors.opening import open_executor
from chainrule.executors.ray_cluster import ClusterError, RayCluster

__all__ = [
    "ClusterError",
    "Executor",
    "FailedJobsError",
    "Here",
    "Processes",
    "RayCluster",
    "Threads",
    "open_executor",
]
