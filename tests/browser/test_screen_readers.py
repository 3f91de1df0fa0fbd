"""Names, roles and contrast on a wide page: axe finds nothing, in light colours and in dark ones."""

import pytest

from tests.browser.views import COLOURS, VIEWS, afresh, findings


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_axe_finds_nothing_on_a_wide_page_light_or_dark(only_page, view):
    afresh(only_page)
    only_page.emulate_media(color_scheme="light")
    view(only_page)
    assert findings(only_page) == []
    only_page.emulate_media(color_scheme="dark")
    assert findings(only_page, COLOURS) == []
