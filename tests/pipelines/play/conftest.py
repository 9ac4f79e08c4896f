"""The tiny experiment on the page: a server of its own, whose dots are given, for its dots stage draws too few."""
import pytest

from pipelines.plan.loading import load_config
from pipelines.play import server, session

DOTS = [{'organ': 'left_lung', 'y': 0.4, 'x': 0.7}, {'organ': 'right_lung', 'y': 0.4, 'x': 0.3},
        {'organ': 'heart', 'y': 0.65, 'x': 0.5}]


@pytest.fixture(scope='session')
def opened(finished):
    """A Session."""
    workdir = finished[1]
    config = load_config(workdir / 'config.yaml', [])
    return session.open_session(config, workdir, session.check_made(config, workdir))


@pytest.fixture()
def here(opened, tmp_path):
    """The same, which keeps pairs in a folder of the test."""
    return opened._replace(kept=tmp_path / 'play')


@pytest.fixture()
def serving(here, monkeypatch):
    """A Server that serves."""
    import threading
    monkeypatch.setattr(session, 'draw_dots', lambda opened, seed: {
        'dots': [{**dot, 'y': dot['y'] + 0.1 * (seed > 0)} for dot in DOTS]})
    with server.Server(0) as serving:
        serving.ready(here)
        thread = threading.Thread(target=serving.serve_forever, kwargs={'poll_interval': 0.02})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()
