"""Where trainings run: in a queue of their own under Celery, in a pod with a GPU under Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

    from forecasting.deployment import Deployment

GPU = "nvidia.com/gpu"


def training_placement(place: Deployment) -> dict[str, Any]:
    """What a training task says to the executor beyond other tasks.

    LocalExecutor takes the tasks of every queue, and reads no pod.
    """
    said: dict[str, Any] = {}
    if place.training_queue:
        said["queue"] = place.training_queue
    if place.training_gpus:
        said["executor_config"] = {"pod_override": _gpu_pod(place.training_gpus, place.training_image)}
    return said


def _gpu_pod(gpus: int, image: str | None) -> V1Pod:
    """What differs from the pod template of all tasks; Airflow's container is named ``base``."""
    from kubernetes.client import V1Container, V1Pod, V1PodSpec, V1ResourceRequirements, V1Toleration

    asked = {GPU: str(gpus)}
    container = V1Container(
        name="base", image=image, resources=V1ResourceRequirements(limits=asked, requests=asked)
    )
    tolerated = V1Toleration(key=GPU, operator="Exists", effect="NoSchedule")
    return V1Pod(spec=V1PodSpec(containers=[container], tolerations=[tolerated]))
