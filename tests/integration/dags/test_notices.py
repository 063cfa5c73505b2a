"""Notices of real DAG runs, received by a real mail server; and the deadline of a night."""

from __future__ import annotations

import email
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from published_night import CONFIG, NIGHT

from forecasting.deployment import Deployment

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
RUNS = """
import json, sys
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(sys.argv[1]).dags["hospital_what_if"]
for asked in json.loads(sys.argv[2]):
    print("ended", dag.test(run_conf=asked).state)
"""
DEADLINES = """
import json, logging, sys
from datetime import datetime, timezone
from airflow.utils.db import initdb
initdb()
import structlog
from sqlalchemy import select
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.deadline import Deadline
from airflow.models.serialized_dag import SerializedDagModel
from airflow.sdk.execution_time.callback_supervisor import execute_callback
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
dags = sys.argv[1]
DagBundlesManager().sync_bundles_to_db()
sync_bag_to_db(DagBag(dags), "dags-folder", None)
for at, conf in json.loads(sys.argv[2]):
    with create_session() as session:
        dag = SerializedDagModel.get_dag("hospital_nightly", session=session)
        moment = datetime.fromisoformat(at)
        run = dag.create_dagrun(
            run_id=f"manual__{at}__{len(conf)}", logical_date=moment, run_after=moment, conf=conf,
            run_type=DagRunType.MANUAL, triggered_by=DagRunTriggeredByType.TEST, state="running",
            session=session,
        )
        session.flush()
        (deadline,) = session.scalars(select(Deadline).where(Deadline.dagrun_id == run.id))
        print("due", deadline.deadline_time.astimezone(timezone.utc).isoformat())
        deadline.handle_miss(session)
        data = deadline.callback.data
        session.rollback()
    print("warned", execute_callback(data["path"], data["kwargs"], "", dags, structlog.get_logger()))
"""


class Inbox:
    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    yield inbox, port
    server.stop()


def _text(mail: Message) -> str:
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    return bytes(part.get_payload(decode=True)).decode()


def _connection(port: int) -> str:
    plain = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@hospital.example"}
    return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": plain})


def _run(program: str, place: Deployment, home: Path, port: int, argument: object, **more: str) -> str:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SMTP_DEFAULT": _connection(port),
        "HOSPITAL_CONFIG": str(CONFIG),
        "HOSPITAL_VAR": str(place.var),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags")]),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "dags"), json.dumps(argument)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_who_is_named_is_mailed_that_a_run_failed(
    published_night: Deployment, tmp_path: Path, inbox: tuple[Inbox, int]
) -> None:
    received, port = inbox
    said = _run(
        RUNS,
        published_night,
        tmp_path / "airflow",
        port,
        [{"sites": "north", "closed": "icu=40"}],
        HOSPITAL_NOTICE_TO="operator@hospital.example",
    )
    (failed,) = received.mails
    assert failed["To"] == "operator@hospital.example", said[-3000:]
    assert failed["Subject"] == "hospital_what_if failed"
    assert "/dags/hospital_what_if/runs/manual__" in _text(failed)


def test_success_is_mailed_to_those_who_asked_for_it_and_to_nobody_else(
    inbox: tuple[Inbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hospital_notices import notices

    received, port = inbox
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", _connection(port))
    monkeypatch.setenv("HOSPITAL_NOTICE_TO", "operator@hospital.example")
    succeeded = notices("hospital_nightly")["on_success_callback"]
    succeeded({"run_id": "scheduled__1", "reason": "success"})
    assert received.mails == []
    monkeypatch.setenv("HOSPITAL_SUCCESS_NOTICE_TO", "manager@hospital.example")
    succeeded({"run_id": "scheduled__1", "reason": "success, with <5 rows set aside"})
    (mail,) = received.mails
    assert (mail["To"], mail["Subject"]) == ("manager@hospital.example", "hospital_nightly succeeded")
    assert "with &lt;5 rows" in _text(mail)


def test_a_night_that_is_not_published_in_time_is_warned_of_and_one_that_is_is_not(
    published_night: Deployment, tmp_path: Path, inbox: tuple[Inbox, int]
) -> None:
    received, port = inbox
    config = tmp_path / "hospital.toml"
    config.write_text(CONFIG.read_text().replace("issue_hour = 3", 'issue_hour = 3\npublish_by = "05:30"'))
    at_issue = f"{NIGHT}T07:00:00+00:00"
    the_next = "2026-06-11T07:00:00+00:00"
    said = _run(
        DEADLINES,
        published_night,
        tmp_path / "airflow",
        port,
        [[at_issue, {}], [the_next, {"issue_date": "2026-06-01"}], [the_next, {}]],
        HOSPITAL_CONFIG=str(config),
        HOSPITAL_NOTICE_TO="operator@hospital.example",
    )
    lines = said.splitlines()
    assert [line for line in lines if line.startswith("due")][:1] == [f"due {NIGHT}T09:30:00+00:00"], said[
        -3000:
    ]
    assert [line for line in lines if line.startswith("warned")] == ["warned (True, None)"] * 3, said[-3000:]
    (mail,) = received.mails
    assert mail["Subject"] == "night 2026-06-11 is not published"
    text = _text(mail)
    assert "should be published by 05:30:00" in text
    assert "north: it was never opened" in text
