"""A training on its own: a challenger for each target, let to speak where it beats who speaks now.

Runs once a week, when forecasts have drifted (asset `hospital/training_due`), and from its form: press
*Trigger*. It trains on what the latest published night knew, as that night itself would have.

* A challenger is promoted by the same comparison as at night, on the held-out nights; the log and
  `model_promotion` say how it ended. Nothing that is published is touched: the next night speaks by it.
* A training that is killed goes on from its last epoch when its task is tried again.
* Trainings take turns, those of the night included, in the pool that `HOSPITAL_GPU_POOL` names.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable
from hospital_assets import TRAINING_DUE
from hospital_defaults import TASKS
from hospital_notices import notices
from hospital_params import TRAIN
from hospital_tasks import settings, train
from hospital_train_tasks import open_training, targets

with DAG(
    "hospital_train",
    description="Train a challenger for each target, and promote it where it is better",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(
            "0 12 * * 6", timezone=settings.group.time_zone, run_immediately=timedelta(0)
        ),
        assets=[TRAINING_DUE],
    ),
    catchup=False,
    max_active_runs=1,
    tags=["hospital", "training"],
    default_args=TASKS,
    params=TRAIN,
    doc_md=__doc__,
    **notices("hospital_train"),
):
    training = open_training()
    train.partial(night=training).expand(target=targets(training))
