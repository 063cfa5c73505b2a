"""A table's batches are the data set's own, element by element.

They are compared to the last bit, for the arithmetic is the same; but for logarithms and their like under an
encoder normalizer: torch may round those differently by where in a row a number stands.
"""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_forecasting import (
    EncoderNormalizer,
    GroupNormalizer,
    MultiNormalizer,
    NaNLabelEncoder,
    TimeSeriesDataSet,
)
from pytorch_forecasting.data.encoders import TorchNormalizer
from sklearn.preprocessing import RobustScaler

from forecasting.models.tft.windows.table import WindowTable

pytestmark = pytest.mark.integration

Settings = dict[str, Any]

RAGGED: Settings = {"min_encoder_length": 4, "min_prediction_length": 2}
GAPS: Settings = {"allow_missing_timesteps": True}
OWN_TIME: Settings = {"add_relative_time_idx": True, "add_encoder_length": True}


def panel(gaps: bool = False) -> pd.DataFrame:
    """Five units of two sites with differing lengths and first hours; positive patients."""
    random = np.random.default_rng(7)
    parts = []
    for number, length in enumerate((30, 25, 40, 22, 34)):
        hour = np.arange(length) + 3 * number
        part = pd.DataFrame(
            {
                "hour": hour,
                "site": f"site {number % 2}",
                "unit": f"unit {number}",
                "patients": random.gamma(5.0, 4.0, length) + 10.0 * number + 1.0,
                "admitted": random.normal(5.0, 3.0, length),
                "busy": random.choice(["calm", "busy", "full"], length),
                "weekday": (hour // 24 % 7).astype(str),
                "holiday": random.choice(["none", "easter"], length),
                "strike": random.choice(["none", "strike"], length),
                "beds": 20.0 + number,
                "temperature": random.normal(10.0, 8.0, length),
                "trust": random.uniform(0.5, 1.0, length),
            }
        )
        kept = random.random(length) > 0.25 if gaps else np.ones(length, dtype=bool)
        kept[[0, 1, -1]] = True
        parts.append(part[kept])
    return pd.concat(parts, ignore_index=True)


def dataset_of(frame: pd.DataFrame, **settings: Any) -> TimeSeriesDataSet:
    defaults: Settings = {
        "time_idx": "hour",
        "target": "patients",
        "group_ids": ["site", "unit"],
        "max_encoder_length": 12,
        "max_prediction_length": 5,
        "static_categoricals": ["site"],
        "static_reals": ["beds"],
        "time_varying_known_categoricals": ["weekday"],
        "time_varying_known_reals": ["hour", "temperature"],
        "time_varying_unknown_categoricals": ["busy"],
        "time_varying_unknown_reals": ["patients"],
        "target_normalizer": GroupNormalizer(groups=["unit"]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return TimeSeriesDataSet(frame, **(defaults | settings))


def assert_equal_batches(dataset: TimeSeriesDataSet) -> WindowTable:
    """All windows in order, some alone, and some random batches (so that they are padded otherwise)."""
    table = WindowTable.of(dataset)
    assert len(table) == len(dataset) == len(table.series)
    random = np.random.default_rng(0)
    batches = [np.arange(len(table)), *random.choice(len(table), (5, 1)), *random.choice(len(table), (5, 8))]
    tolerance = 3e-6 if encoder_logarithms(dataset) else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        items = [dataset[number] for number in range(len(dataset))]
    for which in batches:
        x, y = dataset._collate_fn([items[number] for number in which])
        ours = table.batch(torch.from_numpy(which))
        assert list(ours[0]) == list(x)
        torch.testing.assert_close(ours, (x, y), rtol=tolerance, atol=tolerance)
    return table


def encoder_logarithms(dataset: TimeSeriesDataSet) -> bool:
    normalizers = [dataset.get_transformer(name) for name in (*dataset.target_names, *dataset.reals)]
    return any(
        isinstance(normalizer, EncoderNormalizer)
        and normalizer.transformation in ("log", "log1p", "logit", "softplus")
        for normalizer in normalizers
    )


ENCODER_NORMALIZERS: dict[str, Settings] = {
    "robust": {"method": "robust"},
    "robust quantiles": {
        "method": "robust",
        "method_kwargs": {"lower": 0.1, "center": 0.4, "upper": 0.9},
    },
    "identity": {"method": "identity"},
    "not centred": {"center": False},
    "last hours": {"max_length": 6},
    "last hours of each": {"max_length": [3, 8]},
    "last hours of each, centre longer": {"max_length": (8, 3)},
    "log": {"transformation": "log"},
    "log1p": {"transformation": "log1p"},
    "sqrt": {"transformation": "sqrt"},
    "softplus": {"transformation": "softplus"},
    "relu": {"transformation": "relu"},
    "count": {"transformation": "count"},
}

TARGETS: dict[str, Settings] = {
    "group normalizer": {},
    "group normalizer, softplus, by group": {
        "target_normalizer": GroupNormalizer(
            groups=["site", "unit"], transformation="softplus", scale_by_group=True
        )
    },
    "group normalizer, robust, no groups": {"target_normalizer": GroupNormalizer(method="robust")},
    "group normalizer, not centred": {
        "target_normalizer": GroupNormalizer(groups=["site", "unit"], center=False)
    },
    "torch normalizer": {"target_normalizer": TorchNormalizer(transformation="log1p")},
    "torch normalizer, robust": {"target_normalizer": TorchNormalizer(method="robust")},
    "identity": {"target_normalizer": None},
    "auto": {"target_normalizer": "auto"},
    "auto, long encoder": {"target_normalizer": "auto", "max_encoder_length": 21},
    "labels": {
        "target": "busy",
        "target_normalizer": NaNLabelEncoder(),
        "time_varying_unknown_reals": [],
    },
    "encoder normalizer": {"target_normalizer": EncoderNormalizer()},
    "two targets": {
        "target": ["patients", "admitted"],
        "time_varying_unknown_reals": ["patients", "admitted"],
        "target_normalizer": MultiNormalizer([GroupNormalizer(groups=["unit"]), EncoderNormalizer()]),
        "add_target_scales": True,
    },
    "a target and a label": {
        "target": ["patients", "busy"],
        "target_normalizer": MultiNormalizer([TorchNormalizer(), NaNLabelEncoder()]),
    },
    "encoder normalizer, logit": {
        "target": "trust",
        "time_varying_unknown_reals": ["trust"],
        "target_normalizer": EncoderNormalizer(transformation="logit"),
    },
    "target that is no input": {
        "time_varying_unknown_reals": ["admitted"],
        "target_normalizer": EncoderNormalizer(),
    },
}

INPUTS: dict[str, Settings] = {
    "own time": OWN_TIME,
    "target scales": {"add_target_scales": True},
    "weights": {"weight": "trust"},
    "no categoricals": {
        "static_categoricals": [],
        "time_varying_known_categoricals": [],
        "time_varying_unknown_categoricals": [],
    },
    "no reals": {
        "static_reals": [],
        "time_varying_known_reals": [],
        "time_varying_unknown_reals": [],
    },
    "whole numbers": {
        "static_reals": [],
        "time_varying_known_reals": ["hour"],
        "time_varying_unknown_reals": [],
        "scalers": {"hour": None},
    },
    "variable group": {
        "time_varying_known_categoricals": ["special_days", "weekday"],
        "variable_groups": {"special_days": ["holiday", "strike"]},
    },
    "lags": {"lags": {"patients": [1, 6], "busy": [3]}},
    "lags of an encoder-normalized target": {
        "lags": {"patients": [2, 7]},
        "target_normalizer": EncoderNormalizer(transformation="log1p"),
    },
    "scalers": {
        "scalers": {"temperature": RobustScaler(), "beds": None, "hour": GroupNormalizer(groups=["unit"])}
    },
    "encoder-normalized covariates": {
        "scalers": {"temperature": EncoderNormalizer(), "admitted": EncoderNormalizer(method="robust")},
        "time_varying_unknown_reals": ["patients", "admitted"],
        "lags": {"temperature": [1]},
    },
    "one encoder normalizer of two covariates": {
        "scalers": dict.fromkeys(("temperature", "admitted"), EncoderNormalizer(transformation="relu")),
        "time_varying_unknown_reals": ["patients", "admitted"],
        "lags": {"temperature": [1]},
    },
    "unknown categories": {"categorical_encoders": {"busy": NaNLabelEncoder(add_nan=True)}},
    "predict mode": {"predict_mode": True},
    "from an hour on": {"min_prediction_idx": 35},
}

EXTENTS: dict[str, Settings] = {
    "equal lengths": {},
    "ragged": RAGGED,
    "gaps": GAPS,
    "ragged gaps": RAGGED | GAPS,
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("extent", EXTENTS.values(), ids=EXTENTS.keys())
@pytest.mark.parametrize("settings", TARGETS.values(), ids=TARGETS.keys())
def test_every_kind_of_target_is_the_data_sets(settings: Settings, extent: Settings) -> None:
    gaps = extent.get("allow_missing_timesteps", False)
    assert_equal_batches(dataset_of(panel(gaps), **(settings | extent)))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("extent", EXTENTS.values(), ids=EXTENTS.keys())
@pytest.mark.parametrize("settings", ENCODER_NORMALIZERS.values(), ids=ENCODER_NORMALIZERS.keys())
def test_every_kind_of_encoder_normalizer_is_the_data_sets(settings: Settings, extent: Settings) -> None:
    gaps = extent.get("allow_missing_timesteps", False)
    normalizer = EncoderNormalizer(**settings)
    assert_equal_batches(
        dataset_of(panel(gaps), target_normalizer=normalizer, add_target_scales=True, **extent)
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("extent", EXTENTS.values(), ids=EXTENTS.keys())
@pytest.mark.parametrize("settings", INPUTS.values(), ids=INPUTS.keys())
def test_every_kind_of_input_is_the_data_sets(settings: Settings, extent: Settings) -> None:
    gaps = extent.get("allow_missing_timesteps", False)
    assert_equal_batches(dataset_of(panel(gaps), **(settings | extent)))


def test_missing_steps_are_filled_with_constants() -> None:
    fills = {"patients": 0.0, "temperature": 5.0, "busy": "calm"}
    settings = GAPS | RAGGED | OWN_TIME | {"constant_fill_strategy": fills}
    table = assert_equal_batches(dataset_of(panel(gaps=True), **settings))
    assert (table.grid.targets[0] == 0.0).any()


@pytest.mark.parametrize("normalizer", [EncoderNormalizer(), EncoderNormalizer(method="robust")])
def test_constants_fill_encoder_normalized_targets(normalizer: EncoderNormalizer) -> None:
    settings = GAPS | {"constant_fill_strategy": {"admitted": 2.0}, "target_normalizer": normalizer}
    dataset = dataset_of(panel(gaps=True), time_varying_unknown_reals=["patients", "admitted"], **settings)
    assert_equal_batches(dataset)


def test_an_encoder_without_change_is_scaled_alike() -> None:
    """Its spread is all but 0, so that a difference in the last bit would be seen a million times larger."""
    still = panel().assign(patients=lambda frame: frame["beds"] / 7)
    settings = {"target_normalizer": EncoderNormalizer(), "add_target_scales": True}
    assert_equal_batches(dataset_of(still, **RAGGED, **settings))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_windows_of_a_later_data_set_keep_the_first_ones_encoders() -> None:
    first = dataset_of(panel(), **OWN_TIME, weight="trust")
    later = TimeSeriesDataSet.from_dataset(first, panel().query("hour > 4"), predict=True)
    assert len(assert_equal_batches(later)) == 5


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_filtered_data_set_has_only_its_windows() -> None:
    dataset = dataset_of(panel(), **RAGGED).filter(lambda index: index["unit"] != "unit 2")
    table = assert_equal_batches(dataset)
    assert len(np.unique(table.series)) == 4


def test_windows_of_one_series_have_one_number() -> None:
    dataset = dataset_of(panel(gaps=True), **GAPS)
    table = WindowTable.of(dataset)
    units = dataset.decoded_index["unit"].astype(str)
    assert (pd.crosstab(units, table.series) > 0).sum().eq(1).all()
    assert len(np.unique(table.series)) == units.nunique()


def test_a_table_outlives_changes_of_its_data_set() -> None:
    dataset = dataset_of(panel(), target_normalizer=EncoderNormalizer())
    table = WindowTable.of(dataset)
    which = torch.arange(4)
    before = table.batch(which)
    for values in (dataset.data["reals"], *dataset.data["target"], dataset.data["categoricals"]):
        values.zero_()
    kept = deepcopy(before)
    for values in before[0].values():
        torch.as_tensor(values).zero_()
    torch.testing.assert_close(table.batch(which), kept)


def test_windows_of_equal_lengths_wait_for_no_device() -> None:
    """On the meta device there are shapes but no values: to read one is an error."""
    settings = OWN_TIME | {"target_normalizer": EncoderNormalizer(), "weight": "trust"}
    dataset = dataset_of(panel(), **settings)
    which = torch.arange(8)
    x, y = WindowTable.of(dataset, device="meta").batch(which)
    expected, _ = WindowTable.of(dataset).batch(which)
    assert {values.device.type for values in (*x.values(), *y) if isinstance(values, torch.Tensor)} == {
        "meta"
    }
    assert {name: torch.as_tensor(values).shape for name, values in x.items()} == {
        name: torch.as_tensor(values).shape for name, values in expected.items()
    }


def test_the_memory_of_a_table_is_its_rows_and_its_windows() -> None:
    dataset = dataset_of(panel())
    stored = sum(tensor.nbytes for tensor in (dataset.data["reals"], dataset.data["categoricals"]))
    assert stored < WindowTable.of(dataset).nbytes < 3 * stored


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"randomize_length": True, **RAGGED}, "randomize_length=None"),
        (
            {"target_normalizer": EncoderNormalizer(transformation={"forward": torch.sqrt})},
            "'patients' transforms by functions of its own",
        ),
        (
            {
                "target": "trust",
                "target_normalizer": EncoderNormalizer(transformation={"forward": torch.sqrt}),
            },
            "'trust' transforms by functions of its own",
        ),
        (
            {
                "target_normalizer": EncoderNormalizer(),
                "add_target_scales": True,
                "scalers": {"patients_center": EncoderNormalizer()},
            },
            "'patients_center' is made anew in each window",
        ),
        (
            {"scalers": {"relative_time_idx": EncoderNormalizer()}, "add_relative_time_idx": True},
            "'relative_time_idx' is made anew in each window",
        ),
    ],
)
def test_windows_that_a_table_cannot_hold_are_refused(settings: Settings, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        WindowTable.of(dataset_of(panel(), **settings))


def test_overwritten_values_are_refused() -> None:
    dataset = dataset_of(panel())
    dataset.set_overwrite_values(3.0, "temperature", "decoder")
    with pytest.raises(ValueError, match="reset_overwrite_values"):
        WindowTable.of(dataset)


def test_an_encoder_normalized_time_is_refused_where_steps_are_missing() -> None:
    scaled = {"scalers": {"hour": EncoderNormalizer()}}
    assert_equal_batches(dataset_of(panel(), **scaled))
    with pytest.raises(ValueError, match="'hour' is made anew in each window"):
        WindowTable.of(dataset_of(panel(gaps=True), **GAPS, **scaled))


def test_two_rows_of_one_step_are_refused() -> None:
    frame = panel()
    twice = pd.concat([frame, frame.iloc[[5]]], ignore_index=True)
    with pytest.raises(ValueError, match="two rows of time index 5"):
        WindowTable.of(dataset_of(twice, **GAPS))
