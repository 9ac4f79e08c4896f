"""The page in a real browser, headless Chromium: mouse, keys, touch, a narrow window, a server that went away."""
import shutil

import pytest

from tests.pipelines.play.conftest import DOTS

webdriver = pytest.importorskip(
    'selenium.webdriver', reason='selenium is not installed: EXTRAS=1 bash tools/setup_environment.sh')
CHROMIUM, DRIVER = shutil.which('chromium') or shutil.which('google-chrome'), shutil.which('chromedriver')
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=
                                'no browser is installed: apt-get install chromium chromium-driver')


@pytest.fixture(scope='module')
def browser():
    from selenium.webdriver.chrome.service import Service
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--window-size=1280,900'):
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture()
def page(browser, serving):
    """Loaded, its first pair shown."""
    browser.get_log('browser')
    browser.get(serving.url)
    settled(browser)
    return browser


def until(browser, condition, what):
    from selenium.webdriver.support.ui import WebDriverWait
    return WebDriverWait(browser, 30, 0.02).until(lambda _: condition(), what)


def settled(browser):
    until(browser, lambda: browser.execute_script(
        'return newest > 0 && shown === newest && !waiting && held === null'), 'no answer')


def pixels(browser):
    return browser.execute_script("return ['labels', 'image'].map(id => document.getElementById(id).toDataURL())")


def places(browser):
    return browser.execute_script('return dots.map(dot => [dot.y, dot.x])')


def dot_of(browser, organ):
    return browser.find_element('css selector', f'[data-organ={organ}] .hit')


def drag(browser, organ, *ways):
    from selenium.webdriver import ActionChains
    chain = ActionChains(browser, duration=20).click_and_hold(dot_of(browser, organ))
    for way in ways:
        chain.move_by_offset(*way)
    chain.release().perform()


def touch(browser, organ, *ways):
    box = dot_of(browser, organ).rect
    x, y = box['x'] + box['width'] / 2, box['y'] + box['height'] / 2
    for kind, way in [('touchStart', (0, 0)), *[('touchMove', way) for way in ways], ('touchEnd', None)]:
        x, y = (x + way[0], y + way[1]) if way else (x, y)
        browser.execute_cdp_cmd('Input.dispatchTouchEvent', {
            'type': kind, 'touchPoints': [{'x': x, 'y': y}] if way else []})


@pytest.mark.parametrize('move', [drag, touch])
def test_a_drag_moves_one_dot_and_both_pictures(page, move):
    before, at = pixels(page), places(page)
    move(page, 'heart', (20, -30), (20, -30))
    settled(page)
    after, now = pixels(page), places(page)
    assert before[0] != after[0] and before[1] != after[1]
    assert now[:2] == at[:2] and now[2][0] < at[2][0] and now[2][1] > at[2][1]
    assert page.get_log('browser') == []


def test_two_quick_drags_end_in_the_picture_of_the_last(page):
    drag(page, 'heart', (60, -80), (-90, 30), (20, 20))
    drag(page, 'left_lung', (-30, 60), (10, 30))
    settled(page)
    shown = pixels(page)
    page.execute_script('changed()')
    settled(page)
    assert pixels(page) == shown


def test_an_older_answer_is_dropped(page):
    shown = pixels(page)
    page.execute_script("""window.late = false;
        ask('pair', { dots: [], seed: 0, noise: 0 }).then(pair => show(shown - 1, pair)).then(() => {
             window.late = true; });""")
    until(page, lambda: page.execute_script('return window.late'), 'no late answer')
    assert pixels(page) == shown


def test_a_dot_stays_inside(page):
    drag(page, 'right_lung', (-60, 0), (-70, 20))
    settled(page)
    assert places(page)[1][1] == 0 and min(map(min, places(page))) >= 0


def test_arrows_move_the_dot_that_has_the_focus(page):
    from selenium.webdriver.common.keys import Keys
    before, at = pixels(page), places(page)
    group = page.find_element('css selector', '[data-organ=heart]')
    page.execute_script('arguments[0].focus()', group)
    group.send_keys(Keys.ARROW_UP * 12 + Keys.ARROW_LEFT)
    settled(page)
    now = places(page)
    assert now[:2] == at[:2] and now[2] == pytest.approx([at[2][0] - 0.12, at[2][1] - 0.01])
    assert pixels(page) != before
    assert group.get_attribute('aria-label') == 'heart: 49 % from the left, 53 % from the top'


def test_segment_seed_noise_and_save(page, here):
    page.find_element('id', 'segment').click()
    until(page, lambda: len(page.find_elements('css selector', '#outlines path')) == 3, 'no outlines')
    assert 'heart' in page.find_element('id', 'scores').text and 'J against' in page.find_element('id', 'scores').text
    page.find_element('id', 'save').click()
    until(page, lambda: 'Saved play-000000' in page.find_element('id', 'told').text, 'not saved')
    assert (here.kept / 'images' / 'play-000000.png').exists()
    page.find_element('id', 'another').click()
    until(page, lambda: places(page)[0][0] == DOTS[0]['y'] + 0.1, 'no other seed')
    settled(page)
    assert not page.find_elements('css selector', '#outlines path') and page.execute_script('return seed') == 1
    page.execute_script("const n = document.getElementById('noise'); n.value = 5; n.dispatchEvent(new Event('input'))")
    settled(page)
    assert len(page.find_elements('css selector', '#dots .moved')) == 3
    assert page.get_log('browser') == []


def test_large_pictures_wait_for_the_release(page):
    page.execute_script('data.live = false; window.asked = 0; const real = ask;'
                        'ask = (...a) => { window.asked += 1; return real(...a); }')
    drag(page, 'heart', (20, -20), (20, -20), (20, -20))
    settled(page)
    assert page.execute_script('return window.asked') == 1


def test_the_computing_mark_stands_until_the_answer(page, serving):
    import threading
    may_go = threading.Event()
    prepare = serving.calls['pair']
    serving.calls['pair'] = lambda body: (lambda call: lambda: (may_go.wait(30), call())[1])(prepare(body))
    page.execute_script('changed()')
    mark = page.find_element('css selector', '.computing')
    until(page, lambda: mark.value_of_css_property('opacity') == '1', 'no mark')
    may_go.set()
    settled(page)
    assert mark.value_of_css_property('opacity') == '0'


def test_it_fits_420_px(page):
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': 420, 'height': 860, 'deviceScaleFactor': 1, 'mobile': True})
    try:
        assert page.execute_script('return document.documentElement.scrollWidth') == 420
        sides = page.execute_script("return [...document.querySelectorAll('canvas, #dots, button, input')].map(e => {"
                                    "const b = e.getBoundingClientRect(); return [b.left, b.right, b.height]; })")
        assert all(left >= 0 and right <= 420 and height >= 16 for left, right, height in sides)
        hit = dot_of(page, 'heart').rect
        assert hit['width'] >= 44  # px, a finger
    finally:
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


def test_a_server_that_went_away_is_told(page, serving):
    serving.shutdown()
    serving.socket.close()
    page.execute_script('changed()')
    until(page, lambda: 'does not answer' in page.find_element('id', 'failed').text, 'nothing told')
    assert page.find_element('id', 'failed').is_displayed()
