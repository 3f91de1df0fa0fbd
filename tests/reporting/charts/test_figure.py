import io
import shutil

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.reporting import printing
from engagement.reporting.charts import cohorts, runs

DRIVERS = pd.DataFrame({"driver": ["behind_pace", "inactivity"], "learners": [40, 12]})


def png_size(content):
    """Return width and height in pixels, as the head of a PNG has them."""
    return tuple(int.from_bytes(content[at : at + 4], "big") for at in (16, 20))


@pytest.mark.skipif(not any(map(shutil.which, printing.PROGRAMS)), reason="there is no Chromium here")
def test_a_figure_is_kept_as_a_picture_and_on_paper(tmp_path):
    figure = runs.drivers(DRIVERS, title="Behind")
    figure.write_image(tmp_path / "drivers.png", width=500, height=300, scale=1)
    assert png_size((tmp_path / "drivers.png").read_bytes()) == (500, 300)
    file = io.BytesIO()
    figure.write_image(file, format="pdf")
    assert file.getvalue().startswith(b"%PDF")
    assert figure.layout.width is None  # the figure itself is as it was


def test_what_cannot_be_drawn_is_refused_before_anything_is_written(tmp_path):
    figure = cohorts.retention(
        pd.DataFrame(columns=["cohort", "week", "learners", "there_percent"]), title=""
    )
    with pytest.raises(InvalidInput, match="format 'svg': allowed are png, pdf"):
        figure.write_image(tmp_path / "retention.svg")
    assert list(tmp_path.iterdir()) == []
