# SPDX-License-Identifier: GPL-3.0-or-later
"""The web server in front of moto: one endpoint for all of AWS, the log of calls, faults and the lab's own paths."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.core.utils import get_service_model
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from lab.aws import account, extensions, strict
from lab.aws.faults import AwsRefusal, Faults, parse_fault
from lab.aws.gaps.scheduled_actions import run_scheduled_action
from lab.aws.gaps.schedules import run_schedule
from lab.aws.gaps.server_errors import explained
from lab.aws.gaps.sessions import check_role
from lab.aws.patches import ACCOUNT
from lab.machines import MachinePark
from lab.settings import ACCESS_KEY_ID, REGION, SIMULATED_BY, Settings
from lab.talos.node import clusters
from lab.web import WebServer

# By the name of the action; of a REST API by its method.
READING = ("Describe", "Get", "List", "Lookup", "Search", "Simulate", "GET ", "HEAD ")
_CREDENTIAL = re.compile(r"Credential=([^/]+)/[^/]*/[^/]*/([^/]+)/")
# The other services of the lab answer in XML.
_JSON_SERVICES = ("budgets", "ce", "events", "freetier", "pricing", "scheduler", "servicequotas", "ssm")
_TEXT = {"Content-Type": "text/xml"}


@dataclass(frozen=True)
class Call:
    number: int
    service: str
    action: str
    status: int
    error: str | None
    mutating: bool
    agent: str


class AwsServer(WebServer):
    """moto on 127.0.0.1, with the lab's own paths."""

    def __init__(self, settings: Settings, park: MachinePark) -> None:
        self._application = app = Application(settings, park)
        self._server = make_server("127.0.0.1", settings.port, app, threaded=True, request_handler=_QuietHandler)

    def start(self) -> None:
        super().start()
        threading.Thread(target=self._application.warm_up, name="warm-up", daemon=True).start()


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc, unused-ignore]  # moto is not analysed
    """Keep the log for what matters; every call is in /lab/calls."""

    def log_request(self, *_: object) -> None:
        pass


class Application:
    def __init__(self, settings: Settings, park: MachinePark) -> None:
        self.settings = settings
        self.park = park
        self.faults = Faults()
        self.calls: list[Call] = []
        self.moto = DomainDispatcherApplication(create_backend_app)
        extensions.install(park)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        answer = self._lab(request) if request.path.startswith("/lab/") else self._aws(request)
        return answer(environ, start_response)

    def warm_up(self) -> None:
        from moto.ec2.models import ec2_backends

        with self.park.lock:
            ec2_backends[ACCOUNT][REGION].describe_images()

    def _aws(self, request: Request) -> Response:
        body = request.get_data(parse_form_data=False)
        service, action, parameters = _identify(request, body)
        try:
            _check_credentials(request)
            if machine := request.headers.get("X-Lab-Machine"):
                check_role(machine, f"{service}:{action}", parameters)
            self._apply_faults(action)
            self.faults.refuse_hidden(parameters)
            if service == "pricing":  # Not simulated, so its parameters would not be checked.
                strict.check_parameters(service, get_service_model(service).operation_model(action), parameters)
            answer = self._after(self._moto(request, body), action, parameters)
        except ConnectionAbortedError:
            answer = Response(status=500)
        except Exception as error:
            refusal = error if isinstance(error, AwsRefusal) else explained(error)
            answer = _error(service, refusal.code, str(refusal), refusal.status)
        self._record(service, action, answer, request.headers.get("User-Agent", ""))
        if answer.status_code == 500 and not answer.get_data():  # recorded first, because the caller continues at once
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer

    def _moto(self, request: Request, body: bytes) -> Response:
        environ = dict(request.environ) | {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self.park.lock:  # moto's tables are plain dicts; the machines change them too
            return Response.from_app(self.moto, environ)

    def _apply_faults(self, action: str) -> None:
        for fault in self.faults.take(("delay", "throttle", "refuse"), action):
            if fault.kind == "delay":
                time.sleep(fault.seconds)
            elif fault.kind == "throttle":
                raise AwsRefusal("RequestLimitExceeded", "Request limit exceeded.", 503)
            else:
                raise AwsRefusal(fault.code, fault.message, 403)

    def _after(self, answer: Response, action: str, parameters: dict[str, Any]) -> Response:
        if answer.status_code != 200:
            return answer
        for fault in self.faults.take(("lost_answer", "dropped_answer", "eventual"), action):
            if fault.kind == "lost_answer":
                raise AwsRefusal("InternalError", "An internal error has occurred", 500)
            if fault.kind == "dropped_answer":
                raise ConnectionAbortedError
            self.faults.hide(action, parameters, answer.get_data(as_text=True), fault.count)
        if self.faults.hidden and action.startswith("Describe"):
            answer.set_data(self.faults.without_hidden(answer.get_data(as_text=True)))
        return answer

    def _record(self, service: str, action: str, answer: Response, agent: str) -> None:
        error = None
        if answer.status_code >= 400:
            found = re.search(r"<Code>([^<]+)</Code>|\"__type\": ?\"([^\"]+)", answer.get_data(as_text=True))
            error = next((g for g in found.groups() if g), None) if found else str(answer.status_code)
        mutating = not action.startswith(READING) and error != "DryRunOperation"
        self.calls.append(Call(len(self.calls) + 1, service, action, answer.status_code, error, mutating, agent))

    def _lab(self, request: Request) -> Response:
        routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "/lab/status"): lambda _: self.status(),
            ("GET", "/lab/calls"): self._calls_since,
            ("GET", "/lab/parameters"): lambda _: {"seen": sorted(strict.SEEN)},
            ("DELETE", "/lab/calls"): lambda _: self.calls.clear(),
            ("GET", "/lab/faults"): lambda _: [asdict(fault) for fault in self.faults.waiting],
            ("POST", "/lab/faults"): lambda r: self.faults.add(parse_fault(r.get_json(force=True))),
            ("DELETE", "/lab/faults"): lambda _: self.faults.clear(),
            ("POST", "/lab/account"): lambda r: account.STATE.order(r.get_json(force=True)),
            ("POST", "/lab/kubernetes/faults"): lambda r: clusters().set_faults(r.get_json(force=True)),
            ("DELETE", "/lab/kubernetes/faults"): lambda _: clusters().clear_faults(),
            ("POST", "/lab/scheduled_actions"): lambda r: self._run(run_scheduled_action, r),
            ("POST", "/lab/schedules"): lambda r: self._run(run_schedule, r),
        }
        handler = routes.get((request.method, request.path))
        if handler is None:
            return _json({"error": f"the lab has no {request.method} {request.path}"}, 404)
        try:
            return _json(handler(request), 200)
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    def _run(self, act: Callable[..., None], request: Request) -> None:
        """Do now what is scheduled for later: a group and a name."""
        with self.park.lock:
            act(**request.get_json(force=True))

    def _calls_since(self, request: Request) -> list[dict[str, Any]]:
        return [asdict(call) for call in self.calls[int(request.args.get("since", 0)) :]]

    def status(self) -> dict[str, Any]:
        """Return what `python -m lab status` and the tests ask for."""
        calls = self.calls.copy()  # other threads add to it
        return {
            **{"lab": "simulated AWS, not AWS", "simulated_by": SIMULATED_BY},
            **{"directory": str(self.settings.directory), "endpoint": self.settings.endpoint},
            **{"sandbox": self.park.sandbox_kind, "machines": self.park.describe()},
            **{"calls": dict(Counter(call.action for call in calls)), "calls_total": len(calls)},
            "mutating_calls": sum(call.mutating for call in calls),
        }


def _identify(request: Request, body: bytes) -> tuple[str, str, dict[str, Any]]:
    """Return service, action and parameters of an AWS call, whichever protocol it speaks."""
    match = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    service = match.group(2) if match else "unknown"
    target = request.headers.get("X-Amz-Target")
    if target:
        return service, target.rpartition(".")[2], json.loads(body or b"{}")
    parameters = dict(parse_qsl(body.decode("utf-8", errors="replace")))
    return service, parameters.get("Action", f"{request.method} {request.path}"), parameters


def _check_credentials(request: Request) -> None:
    """Refuse any key but the lab's, which shows a mistake with real credentials."""
    match = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    if match and match.group(1) != ACCESS_KEY_ID:
        raise AwsRefusal("AuthFailure", "This is the lab, which simulates AWS: it takes dummy credentials only.", 401)


def _error(service: str, code: str, message: str, status: int) -> Response:
    if service in _JSON_SERVICES:
        body = json.dumps({"__type": code, "message": message})
        return Response(body, status=status, headers={"Content-Type": "application/x-amz-json-1.1"})
    xml = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    if service in ("iam", "sts", "autoscaling"):
        xml = f"<ErrorResponse>{xml}<RequestId>lab</RequestId></ErrorResponse>"
    elif service != "s3":
        xml = f"<Response><Errors>{xml}</Errors><RequestID>lab</RequestID></Response>"
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}', status=status, headers=_TEXT)


def _json(value: Any, status: int) -> Response:
    return Response(json.dumps(value if value is not None else {"done": True}), status, mimetype="application/json")
