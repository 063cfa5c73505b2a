"""What is asked of Airflow over its address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from forecasting.standalone import Airflow

pytestmark = pytest.mark.unit

PAGE_LIMIT = 100
"""As Airflow's setting ``maximum_page_limit`` has it: whoever asks for more gets so many."""
TASKS = [
    {
        "task_id": "plan.publish",
        "rendered_map_index": f"campus_{n}",
        "state": "success",
        "duration": 1.0,
        "try_number": 1,
    }
    for n in range(230)
]


class Pages(BaseHTTPRequestHandler):
    """Tells of a run's tasks, a page at a time."""

    def do_POST(self) -> None:
        self._answer({"access_token": "token"})

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        first, limit = int(asked["offset"][0]), min(int(asked["limit"][0]), PAGE_LIMIT)
        self._answer({"task_instances": TASKS[first : first + limit], "total_entries": len(TASKS)})

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Airflow(f"http://127.0.0.1:{server.server_port}", "admin", "secret")
        server.shutdown()


def test_every_task_of_a_large_run_is_told_once(airflow: Airflow) -> None:
    names = [task.name for task in airflow.tasks("hospital_nightly", "run")]
    assert names == [f"plan.publish [campus_{n}]" for n in range(230)]
