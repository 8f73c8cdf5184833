"""kill -9 of the process that indexes, harm to its index: it comes back exact and whole.

The long sweep (`make test-faults`) kills as often as MUNIMENT_TEST_KILLS says, the short one three
times. MUNIMENT_TEST_SEED repeats what is drawn; timing stays the machine's own.
"""

import os
import random
import time
from pathlib import Path

import pytest

from archiver.config import Settings
from search.generations import FolderGenerations, generations
from tests.fakes.archive import found, settings_for
from tests.faults.index_harms import harm
from tests.faults.index_trial import IndexTrials

KILLS = int(os.environ.get("MUNIMENT_TEST_KILLS", "200"))
SEED = int(os.environ.get("MUNIMENT_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(3, marks=pytest.mark.e2e, id="short"),
        pytest.param(KILLS, marks=pytest.mark.faults, id="sweep"),
    ],
)
async def test_no_answer_claims_more_than_it_covers_and_the_index_comes_back_by_itself(
    count: int, tmp_path: Path
) -> None:
    await _kill(count, await found(settings_for(tmp_path / "home")))


@pytest.mark.faults
async def test_on_a_cluster_as_well_no_answer_claims_more_and_the_index_comes_back_by_itself(
    tmp_path: Path, opensearch_url: str
) -> None:
    """A tenth as often: the writer that was killed is waited for, and one costs some seconds."""
    url = opensearch_url.replace("lease_s=3", "lease_s=1")
    settings = settings_for(tmp_path / "home").model_copy(update={"search_url": url})
    await _kill(max(3, KILLS // 10), await found(settings))


async def _kill(count: int, settings: Settings) -> None:
    print(f"seed {SEED}")
    began = time.perf_counter()
    async with IndexTrials(settings, seed=SEED) as trials:
        for _ in range(count):
            await trials.kill_once()
        tally = trials.tally
    print(f"{tally} in {time.perf_counter() - began:.0f} s")
    assert tally.kills == count
    assert tally.acknowledged >= count // 2 > 0, "the load was real"
    assert tally.answers >= count // 2, "answers were given"


def test_the_harms_touch_nothing_but_the_index_they_are_given(tmp_path: Path) -> None:
    """Without an index, with another's folder or a relative one, nothing at all is done."""
    mine = generations(f"tantivy:{tmp_path / 'index'}", "01KAM0000000000000000000AA")
    assert isinstance(mine, FolderGenerations)
    for seed in range(30):
        assert harm(mine, tmp_path / "index", random.Random(seed)) == "none"
    with mine.building() as url:
        Path(url.removeprefix("tantivy:")).mkdir()
        mine.switch(url)
    for elsewhere in (tmp_path, tmp_path / "other" / "index", Path("index"), Path()):
        with pytest.raises(ValueError, match="expected"):
            harm(mine, elsewhere, random.Random(1))
    assert mine.folder().is_dir()
