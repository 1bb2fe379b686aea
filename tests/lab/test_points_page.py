"""The points room as a person uses it, from nothing to the files that they take away."""

from lab_browser import until


def test_the_first_screen_trains_by_itself(tabs, lab):
    tab = tabs.open(lab)
    until(tab, "room.state === 'playing' && Number(room.iteration) > 500")
    assert tab.get_by_role("button", name="Pause").is_visible()
    assert "click a point" in tab.locator(".lead").inner_text()
