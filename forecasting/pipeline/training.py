"""Observations to a champion: train, compare with the baseline, promote."""

from __future__ import annotations


def train_target(place: Deployment, key: NightKey, target: Target, retrain: Retrain = "auto") -> str:
    """Train the target's TFT over all sites, compare it with the baseline, and let the better one speak.

    Run it in an interpreter of its own: CUDA can't be used again after a fork.

    Returns:
        One sentence: what was trained, and who speaks now.

    Raises:
        TrainingNotNeeded: the champion is young enough, or ``retrain`` is ``never``.
        TrainingFailed: it diverged, or the history is too short; the baseline will speak.
    """
    from forecasting.features import build_panel
    from forecasting.tracking import Registry, Runs

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    _refuse_needless(registry.champion(target, issued_at), settings, issued_at, retrain)
    with timed(stage, f"train_{target.value}"):
        history = _history(place, settings, settings.site_ids, target, issued_at)
        panel = build_panel(history, target, settings, issued_at, settings.sites)


def _refuse_needless(
    champion: Champion | None, settings: Settings, issued_at: datetime, retrain: Retrain
) -> None:
    if retrain == "never":
        raise TrainingNotNeeded("retrain = never")
    if retrain == "auto" and champion is not None:
        age = issued_at - champion.issued_at
        if age < timedelta(days=settings.training.retrain_after_days):
            raise TrainingNotNeeded(
                f"version {champion.version} is {age.days} days old; "
                f"it is trained again after {settings.training.retrain_after_days}"
            )
