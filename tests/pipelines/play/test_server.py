"""The endpoints: what they answer, and whom and what they refuse."""
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.dots import Dot, draw_dots
from datasets.errors import InputError
from pipelines.play import asked, server, session
from pipelines.play.worker import Stale, Worker
from tests.command import TOOLS, call, refused
from tests.pipelines.play.conftest import DOTS

ASKED = {'dots': DOTS, 'seed': 0, 'noise': 0}


def request(serving, method, path, body=None, **headers):
    """(status, text) of a request with the token, unless headers say otherwise."""
    connection = http.client.HTTPConnection('127.0.0.1', serving.server_port, timeout=60)
    given = {'X-Token': serving.token, **{name.replace('_', '-'): value for name, value in headers.items()}}
    connection.putrequest(method, path, skip_host='Host' in given)
    content = b'' if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    if body is not None and 'Content-Length' not in given:
        given['Content-Length'] = str(len(content))
    for name, value in given.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(content)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def post(serving, kind, body, **headers):
    status, text = request(serving, 'POST', f'/{kind}', body, **headers)
    return status, json.loads(text)


def test_a_pair_follows_its_dots_and_noise(serving):
    status, pair = post(serving, 'pair', ASKED)
    assert status == 200 and pair['at'] == [[dot['y'], dot['x']] for dot in DOTS]
    assert post(serving, 'pair', ASKED)[1] == pair
    moved = [{**DOTS[0], 'y': 0.8}, *DOTS[1:]]
    other = post(serving, 'pair', {**ASKED, 'dots': moved})[1]
    assert other['labels'] != pair['labels'] and other['image'] != pair['image']
    shaken = post(serving, 'pair', {**ASKED, 'noise': 10})[1]['at']
    assert shaken != pair['at'] and np.all((0 <= np.array(shaken)) & (np.array(shaken) <= 1))
    assert post(serving, 'pair', {**ASKED, 'noise': 10, 'seed': 1})[1]['at'] != shaken
    assert post(serving, 'dots', {'seed': 0})[1] == {'dots': DOTS}


def test_dots_of_a_seed_are_those_of_the_sample(finished, opened):
    stored = records.load_arrays(records.read_info(finished[1] / 'synthetic' / 'three'), ['dots'])['dots']
    data = opened.sampler.config.data
    for number in range(4):
        found = [Dot(**dot) for dot in session.draw_dots(opened, number)['dots']]
        assert (draw_dots(found, opened.coding, data.dots_size, data.dots_radius) == stored[number]).all()


def test_a_dot_at_the_rim_stays_inside(serving):
    corners = [{'organ': 'heart', 'y': y, 'x': x} for y in (0, 1) for x in (0, 1)]
    for seed in range(5):
        at = np.array(post(serving, 'pair', {'dots': corners, 'seed': seed, 'noise': 10})[1]['at'])
        assert at.min() >= 0 and at.max() <= 1
    assert post(serving, 'pair', {**ASKED, 'dots': []})[0] == 200


def test_outlines_and_j(serving, here):
    status, found = post(serving, 'segment', ASKED)
    assert status == 200 and found['view'] == [0, 0, 48, 48] and len(found['outlines']) == len(found['j']) == 3
    assert any(path.startswith('M') for path in found['outlines'])
    assert all(score is None or 0 <= score <= 100 for score in found['j'])


def test_j_is_100_where_the_segmenter_finds_the_label_map(here):
    request = asked.parse_asked(ASKED, here.coding.organs)
    labels = session._draw(here, request)['labels']
    perfect = here.compared.targets.masks(here.coding, labels)

    class Found:
        def __init__(self, value):
            self.value = value

        def __getitem__(self, index):
            return self

        def numpy(self):
            return self.value

    found = session.draw_outlines(here._replace(
        segment=lambda image: {'class_map': Found(here.compared.targets.class_map(perfect))}), request)
    assert {score for score in found['j']} <= {100.0, None} and 100.0 in found['j']


def test_saved_pairs_are_a_folder_data_set(finished, here):
    real = records.load_arrays(records.read_info(finished[1] / 'records' / 'train'), ['labels'])['labels']
    request, shown = asked.parse_asked(ASKED, here.coding.organs), []
    draw = {**here.sampler.draw, 'labels_from_dots': lambda given: {'labels': tf.constant(shown[-1][None])}}
    drawing = here._replace(sampler=here.sampler._replace(draw=draw))
    for label_map in (real[0], np.zeros_like(real[0]), real[2]):
        shown.append(label_map)
        session.save_pair(drawing, request)
    assert (here.kept / 'train.txt').read_text().split() == ['play-000000', 'play-000002']  # one shows no organ
    assert sorted(path.name for path in here.kept.iterdir()) == ['coding.yaml', 'images', 'labels', 'train.txt']
    image = cv2.imread(str(here.kept / 'images' / 'play-000002.png'), cv2.IMREAD_UNCHANGED)
    assert (image == session._draw(drawing, request)['image']).all()
    done = call('prepare_records', '--dataset', 'folder', '--source', here.kept,
                '--output', here.kept.parent / 'records', '--size', 48, '--split', 'train')
    assert done.returncode == 0, done.stderr
    stored = records.load_arrays(records.read_info(here.kept.parent / 'records'), ['labels'])['labels']
    assert len(stored) and (stored[0] == session._draw(here._replace(sampler=here.sampler._replace(draw={
        **draw, 'labels_from_dots': lambda given: {'labels': tf.constant(real[0][None])}})), request)['labels']).all()


def test_the_page_is_for_who_has_the_token(serving):
    page = serving.url.split(str(serving.server_port))[1]
    status, text = request(serving, 'GET', page, X_Token=None)
    assert status == 200 and '@DATA@' not in text and serving.token in text
    for path in ('/', '/?token=', '/?token=x', '/?token=%ff'):
        assert request(serving, 'GET', path)[0] == 403
    for path in ('/page.html', '/../server.py', '/..%2fserver.py', '//etc/passwd', '/favicon.ico'):
        assert request(serving, 'GET', f'{path}?token={serving.token}')[0] == 404
    assert request(serving, 'POST', '/page.html', {})[0] == 404
    for method in ('PUT', 'OPTIONS', 'DELETE'):
        assert request(serving, method, '/pair', {})[0] == 501


@pytest.mark.parametrize('headers', [
    {'X_Token': 'x'}, {'X_Token': None}, {'Host': 'evil.example'}, {'Host': '127.0.0.1:1'}, {'Host': None},
    {'Origin': 'http://evil.example'}, {'Origin': 'null'}, {'Sec_Fetch_Site': 'cross-site'},
    {'Sec_Fetch_Site': 'same-site'}])
def test_strangers_are_refused(serving, headers):
    assert request(serving, 'POST', '/pair', ASKED, **headers)[0] == 403


def test_localhost_is_loopback_too(serving):
    host = f'localhost:{serving.server_port}'
    own = {'Host': host, 'Origin': f'http://{host}', 'Sec_Fetch_Site': 'same-origin'}
    assert request(serving, 'POST', '/pair', ASKED, **own)[0] == 200
    assert serving.server_address[0] == '127.0.0.1'


@pytest.mark.parametrize('body, words', [
    (b'{', 'body: expected JSON'), (b'\xff', 'body: expected JSON'), (b'[' * 9000, 'body: expected JSON'),
    ([], 'body: expected a JSON object, found list'), ({'dots': []}, 'body: expected the keys dots, seed, noise'),
    ({**ASKED, 'more': 1}, 'body: expected the keys'), ({**ASKED, 'dots': 'x'}, 'dots: expected a list'),
    ({**ASKED, 'dots': DOTS * 22}, 'dots: expected a list of at most 64'),
    ({**ASKED, 'dots': [1]}, 'dots: expected a list'),
    ({**ASKED, 'dots': [{'organ': 'heart'}]}, 'body: expected the keys organ, y, x'),
    ({**ASKED, 'dots': [{**DOTS[0], 'organ': []}]}, 'dots: expected organs of left_lung'),
    ({**ASKED, 'dots': [{**DOTS[0], 'y': 1.01}]}, 'y: expected a number from 0 to 1'),
    ({**ASKED, 'dots': [{**DOTS[0], 'x': float('nan')}]}, 'x: expected a number'),
    ({**ASKED, 'dots': [{**DOTS[0], 'x': 10 ** 400}]}, 'x: expected a number'),
    ({**ASKED, 'seed': True}, 'seed: expected a whole number'),
    ({**ASKED, 'seed': 1e6}, 'seed: expected a whole number'),
    ({**ASKED, 'seed': -1}, 'seed: expected a whole number'),
    ({**ASKED, 'noise': '1'}, 'noise: expected a number from 0 to 10'),
    (b'{"seed": ' + b'9' * 9000 + b'}', 'body: expected')])
def test_nonsense_is_one_line(serving, body, words):
    status, found = post(serving, 'pair', body)
    assert status == 400 and found['error'].startswith(words) and '\n' not in found['error']


def test_bodies_have_a_limit(serving):
    assert request(serving, 'POST', '/pair', b'', Content_Length=str(server.MAX_BODY + 1))[0] == 413
    assert request(serving, 'POST', '/pair', b'', Content_Length='9' * 5000)[0] == 413
    for length in ('-1', 'x', '²'.encode().decode('latin-1')):
        assert request(serving, 'POST', '/pair', b'', Content_Length=length)[0] == 411
    assert request(serving, 'POST', '/pair')[0] == 411


def test_a_pair_that_cannot_be_kept_is_one_line(serving, here):
    here.kept.write_text('in the way')
    status, found = post(serving, 'save', ASKED)
    assert status == 400 and 'cannot write there' in found['error']


def test_an_address_that_is_none_has_an_answer(serving):
    with socket.create_connection(('127.0.0.1', serving.server_port), timeout=60) as sent:
        sent.sendall(f'GET http://[/ HTTP/1.0\r\nHost: 127.0.0.1:{serving.server_port}\r\n\r\n'.encode())
        assert b' 404 ' in sent.makefile('rb').readline()


def test_what_fails_is_said_and_the_next_is_served(serving, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(serving.calls, 'pair', lambda body: 1 / 0)
        status, found = post(serving, 'pair', ASKED)
        assert status == 500 and found['error'].startswith('the server failed: ZeroDivisionError')
    assert post(serving, 'pair', ASKED)[0] == 200


def test_the_newest_request_wins():
    worker, begun, may_end, ran = Worker(['pair']), threading.Event(), threading.Event(), []
    answers = {}

    def ask(name, kind, do):
        try:
            answers[name] = worker.ask(kind, do)
        except Stale:
            answers[name] = 'stale'

    def first():
        begun.set()
        may_end.wait(30)
        return ran.append('first')

    threads = [threading.Thread(target=ask, args=('first', 'pair', first))]
    threads[0].start()
    begun.wait(30)
    for name, kind in (('save one', 'save'), ('old', 'pair'), ('save two', 'save'), ('new', 'pair')):
        before = len(worker.waiting) + ('old' in answers)
        threads.append(threading.Thread(target=ask, args=(name, kind, lambda name=name: ran.append(name))))
        threads[-1].start()
        while [job.kind for job in worker.waiting].count(kind) == 0 or len(worker.waiting) < min(before + 1, 3):
            threads[-1].join(0.001)
    threads[2].join(30)
    may_end.set()
    for thread in threads:
        thread.join(30)
    assert ran == ['first', 'save one', 'save two', 'new'] and answers['old'] == 'stale'
    with pytest.raises(ZeroDivisionError):
        worker.ask('pair', lambda: 1 / 0)
    assert worker.ask('pair', lambda: 7) == 7  # it goes on
    worker.close()
    with pytest.raises(Stale):
        worker.ask('pair', lambda: 7)


def test_a_taken_port_is_one_line(serving):
    with pytest.raises(InputError, match=f'--port {serving.server_port}: cannot listen on 127.0.0.1 there: .*in use'):
        server.Server(serving.server_port)
    with pytest.raises(InputError, match='--port 70000'):
        server.Server(70000)


def test_what_is_missing_names_its_command(run):
    _, workdir = run
    (workdir / 'exports').rename(workdir / 'away')
    told = refused(call('play', '--workdir', workdir))
    assert 'no segmenter is exported yet: python tools/export_model.py' in told
    assert '--regime finetune3 --output' in told
    (workdir / 'stages' / 'image_from_labels' / 'finished.json').unlink()
    told = refused(call('play', '--workdir', workdir))
    assert 'python tools/train_stage.py' in told and told.endswith('--method three --stage image')
    assert 'bash tools/demo.sh' in refused(call('play', '--workdir', workdir / 'nowhere'))


def test_it_ends_on_ctrl_c(run):
    _, workdir = run
    going = subprocess.Popen([sys.executable, '-u', str(TOOLS / 'play.py'), '--workdir', str(workdir), '--port', '0'],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             # a shell's background job ignores it, and hands that down
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        lines = [going.stdout.readline() for _ in range(4)]
        assert 'some seconds' in lines[0] and lines[2].startswith('open http://127.0.0.1:'), lines
        going.send_signal(signal.SIGINT)
        _, error = going.communicate(timeout=60)
    finally:
        going.kill()
    assert going.returncode == 130 and 'Traceback' not in error and 'stopped' in error
