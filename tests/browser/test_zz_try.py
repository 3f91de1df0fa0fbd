def test_try(visit, address, only_page):
    page = visit(address)
    page.wait_for_timeout(6000)
    print(page.watch.findings)
    page.screenshot(path="/tmp/D/bt/a.png")
    print(page.get_by_test_id("found").inner_text())
