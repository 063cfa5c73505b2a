from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hospital_placement import training_placement

from forecasting.deployment import Deployment

pytestmark = pytest.mark.integration

HELM = Path(__file__).parents[3] / "docker" / "helm"


def test_on_one_machine_a_training_is_a_task_like_any_other() -> None:
    assert training_placement(Deployment(training_queue=None, training_gpus=0)) == {}


def test_under_celery_it_waits_in_its_own_queue() -> None:
    assert training_placement(Deployment(training_queue="gpu")) == {"queue": "gpu"}


def test_under_kubernetes_its_pod_has_a_gpu_and_its_own_image() -> None:
    client = pytest.importorskip("kubernetes.client", reason="the extra kubernetes is not installed")
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    said = training_placement(Deployment(training_gpus=2, training_image="forecasting:gpu"))
    template = client.V1Pod(
        spec=client.V1PodSpec(
            service_account_name="airflow",
            containers=[client.V1Container(name="base", image="forecasting:cpu")],
        )
    )
    pod = PodGenerator.reconcile_pods(template, said["executor_config"]["pod_override"]).to_dict()
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "forecasting:gpu"
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    assert pod["spec"]["service_account_name"] == "airflow"
    assert [taint["key"] for taint in pod["spec"]["tolerations"]] == ["nvidia.com/gpu"]


def test_the_helm_values_name_variables_that_there_are() -> None:
    values = yaml.safe_load((HELM / "values.yaml").read_text())
    values_gpu = yaml.safe_load((HELM / "values-gpu.yaml").read_text())
    variables = [*values["env"], *yaml.safe_load(values_gpu["extraEnv"])]
    ours = {name for entry in variables if (name := entry["name"]).startswith("HOSPITAL_")}
    fields = {f"HOSPITAL_{field.upper()}" for field in Deployment.model_fields}
    assert ours <= fields | {"HOSPITAL_SECRETS_DIR"}
    mounted = {mount["name"] for mount in values["volumeMounts"]}
    assert mounted == {volume["name"] for volume in values["volumes"]}
