"""The page's server: the standard library's, on loopback alone, for whoever has the token.

GET /?token=T is the page; POST /dots, /pair, /segment and /save take and give JSON, with the token in `X-Token`: a
header that a page of another site cannot send without leave, and none is given. Nothing else exists, no file is served.
"""
from __future__ import annotations

import hmac
import http.server
import json
import secrets
import sys
import urllib.parse
from pathlib import Path
from typing import Callable, Dict, Mapping

from datasets.errors import InputError
from pipelines.play import asked, session
from pipelines.play.worker import Stale, Worker

ADDRESS = '127.0.0.1'
PAGE = Path(__file__).with_name('page.html')
MAX_BODY = 16384      # bytes; 64 dots take about 5000
PATIENCE = 20         # seconds that a connection may be silent
NEWEST = ('dots', 'pair', 'segment')  # kinds of which only the newest counts; every pair that is saved does


class Server(http.server.ThreadingHTTPServer):
    """Bound at once, so that a taken port is told before anything is loaded; `ready` is given the session."""
    daemon_threads, block_on_close = True, False

    def __init__(self, port: int):
        self.token, self.calls, self.page = secrets.token_urlsafe(24), {}, b''
        self.worker = Worker(NEWEST)  # first: a port that is taken closes the server
        try:
            super().__init__((ADDRESS, port), Handler)
        except (OSError, OverflowError) as error:
            raise InputError(f'--port {port}: cannot listen on {ADDRESS} there: '
                             f'{getattr(error, "strerror", None) or error}; choose another, '
                             f'or 0 for any that is free') from None

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return f'http://{ADDRESS}:{self.server_port}/?token={self.token}'

    def ready(self, opened: session.Session) -> None:
        """Says what answers."""
        self.page = page(session.description(opened), self.token)
        self.calls = calls(opened)

    def server_close(self) -> None:
        """Frees the port and ends the worker."""
        super().server_close()
        self.worker.close()

    def handle_error(self, request, client_address) -> None:
        """A browser that went away is no error; anything else is one line."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            print(f'error: {type(error).__name__}: {error}', file=sys.stderr)


def calls(opened: session.Session) -> Dict[str, Callable[[dict], Callable[[], dict]]]:
    """Kind -> from a request's body, checked, to the call that the worker makes."""
    def of_dots(draw):
        def prepare(body):
            request = asked.parse_asked(body, opened.coding.organs)
            return lambda: draw(opened, request)
        return prepare

    def seeded(body):
        seed = asked.parse_seed(body)
        return lambda: session.draw_dots(opened, seed)

    return {'dots': seeded, 'pair': of_dots(session.draw_pair), 'segment': of_dots(session.draw_outlines),
            'save': of_dots(session.save_pair)}


def page(description: Mapping, token: str) -> bytes:
    """The HTML file with its data, of which no text can end the script."""
    told = json.dumps({**description, 'token': token}).replace('<', '\\u003c')
    return PAGE.read_text(encoding='utf-8').replace('@DATA@', told).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; see the module."""
    server_version, sys_version = 'play', ''
    timeout = PATIENCE
    server: Server

    def log_message(self, format, *values) -> None:
        """Says nothing: a drag is a hundred requests."""

    def do_GET(self) -> None:
        """The page."""
        if self._is_refused():
            return
        try:
            path = urllib.parse.urlsplit(self.path)
        except ValueError:
            return self._answer(404, {'error': 'expected /, the page; found no address'})
        given = urllib.parse.parse_qs(path.query).get('token', [''])[0]
        if path.path != '/':
            self._answer(404, {'error': 'expected /, the page; there is nothing else here'})
        elif not self._is_token(given):
            self._answer(403, {'error': 'expected the address that the terminal shows, with its token'})
        else:
            self._send(200, self.server.page, 'text/html; charset=utf-8')

    def do_POST(self) -> None:
        """What the page asks for."""
        if self._is_refused():
            return
        if not self._is_token(self.headers.get('X-Token', '')):
            return self._answer(403, {'error': 'X-Token: expected that of the page; load it anew'})
        length = self.headers.get('Content-Length', '')
        if not length.isascii() or not length.isdecimal():
            return self._answer(411, {'error': 'Content-Length: expected the number of bytes'})
        if len(length) > 9 or int(length) > MAX_BODY:
            return self._answer(413, {'error': f'body: expected at most {MAX_BODY} bytes'})
        body, kind = self.rfile.read(int(length)), self.path[1:]
        prepare = self.server.calls.get(kind) if self.path.startswith('/') else None
        if prepare is None:
            return self._answer(404, {'error': f'expected /{", /".join(self.server.calls)}'})
        try:
            self._answer(200, self.server.worker.ask(kind, prepare(asked.parse_body(body))))
        except Stale:
            self._answer(409, {'error': 'a newer request came first'})
        except InputError as error:
            self._answer(400, {'error': str(error)})
        except ConnectionError:  # whoever asked is gone
            raise
        except Exception as error:  # the page says so, and lives on
            self._answer(500, {'error': f'the server failed: {type(error).__name__}: {error}'[:300]})

    def _is_refused(self) -> bool:
        """Refuses names of this machine that are not loopback's (DNS rebinding), and requests of other sites."""
        hosts = [f'{name}:{self.server.server_port}' for name in (ADDRESS, 'localhost')]
        hosts += [ADDRESS, 'localhost'] * (self.server.server_port == 80)
        host, origin = self.headers.get('Host'), self.headers.get('Origin')
        if host not in hosts or len(self.headers.get_all('Host')) > 1:
            self._answer(403, {'error': f'Host: expected {hosts[0]}'})
        elif origin not in (None, f'http://{host}') or self.headers.get('Sec-Fetch-Site', 'none') not in (
                'none', 'same-origin'):
            self._answer(403, {'error': 'Origin: expected the page itself, found another site'})
        else:
            return False
        return True

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode('utf-8', 'replace'), self.server.token.encode())

    def _answer(self, status: int, content: dict) -> None:
        self._send(status, json.dumps(content).encode(), 'application/json')

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in (('Content-Type', kind), ('Content-Length', str(len(content))),
                            ('Cache-Control', 'no-store'),
                            ('X-Content-Type-Options', 'nosniff'), ('Referrer-Policy', 'no-referrer'),
                            ('X-Frame-Options', 'DENY'), ('Cross-Origin-Resource-Policy', 'same-origin')):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
