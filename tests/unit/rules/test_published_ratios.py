from __future__ import annotations

from pathlib import Path

import pytest

from forecasting.rules import PublishedRuleError
from forecasting.rules.published import read_published, seed_file

pytestmark = pytest.mark.unit


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = seed_file().read_text(encoding="utf-8")
    assert old in text
    seed = tmp_path / "ratios.csv"
    seed.write_text(text.replace(old, new, 1), encoding="utf-8")
    return seed


def test_every_published_ratio_is_valid_and_says_where_it_stands() -> None:
    ratios = read_published(seed_file())
    assert {ratio.ratio_set for ratio in ratios} == {"california", "nsw_australia", "uk"}
    assert all(ratio.source_url.startswith("http") for ratio in ratios)
    by_id = {ratio.rule_id: ratio for ratio in ratios}
    assert by_id["california_ed"].not_counted == ("triage",)
    assert by_id["uk_ed_resuscitative_phase"].patients_per_head == 0.5
    before, since = by_id["california_step_down_until_2007"], by_id["california_step_down"]
    assert (before.patients_per_head, since.patients_per_head) == (4, 3)
    assert before.effective_until is not None
    assert since.effective_from is not None
    assert before.effective_until < since.effective_from


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",icu,,2,", ",spa,,2,", ("line 2", "unit_type = 'spa'", "'icu'")),
        (",icu,,2,", ",icu,,-2,", ("line 2", "patients_per_head = '-2'", "greater than 0")),
        (",icu,,2,", ",icu,,nan,", ("line 2", "patients_per_head = 'nan'")),
        ("2,at_all_times,", "2,sometimes,", ("applies = 'sometimes'", "'average'")),
        ("2007-12-31", "2007-13-31", ("effective_until = '2007-13-31'",)),
        ("2023-04-27,,", "2023-04-27,2023-04-26,", ("effective_until", "begins later, on 2023-04-27")),
        ("http://", "", ("source_url = ",)),
        ("california_neonatal_icu", "california_icu", ("'california_icu' stands more than once",)),
        (
            ",,2007-12-31,",
            ",,2008-12-31,",
            ("california_step_down_until_2007 and california_step_down hold on the same date",),
        ),
    ],
)
def test_a_wrong_row_is_named_with_its_line_column_and_value(
    tmp_path: Path, old: str, new: str, said: tuple[str, ...]
) -> None:
    seed = changed(tmp_path, old, new)
    with pytest.raises(PublishedRuleError) as refusal:
        read_published(seed)
    for part in (str(seed), *said):
        assert part in str(refusal.value)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    seed = changed(tmp_path, "2,at_all_times,", "two,sometimes,")
    with pytest.raises(PublishedRuleError, match=r"2 wrong\n.*patients_per_head.*\n.*applies"):
        read_published(seed)
