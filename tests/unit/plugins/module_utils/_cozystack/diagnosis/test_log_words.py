# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a log that name the cause, in the shapes that programs write them."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.diagnosis.log_words import cause_lines
from tests.cozystack_situations import COBRA, JAVA

# In two pieces, so that nothing that searches for keys finds one here.
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----"
PEM_END = PEM.replace("BEGIN", "END")

# Of controller-runtime's zap in development, as cozystack-operator writes it.
ZAP = (
    "2026-11-30T18:00:00.123Z\tINFO\tsetup\tInstalling Cozystack CRDs before starting reconcile loop\n"
    '2026-11-30T18:00:31.123Z\tERROR\tsetup\tfailed to install CRDs\t{"error": "dry-run failed: no webhook"}\n'
    "main.main\n\t/workspace/cmd/cozystack-operator/main.go:219\nruntime.main\n"
    "\t/usr/local/go/src/runtime/proc.go:285\n"
)
ZAP_ERROR = '2026-11-30T18:00:31.123Z ERROR setup failed to install CRDs {"error": "dry-run failed: no webhook"}'
PANIC = (
    "panic: runtime error: invalid memory address or nil pointer dereference\n"
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x1a2b3c]\n\ngoroutine 412 [running]:\n"
    + "".join(
        f"sigs.k8s.io/controller-runtime/pkg.(*Controller).Reconcile{number}(0xc000, {{0x1, 0x2}})\n"
        f"\t/go/pkg/mod/sigs.k8s.io/controller-runtime@v0.19.1/pkg/controller.go:{number} +0x1d4\n"
        for number in range(20)
    )
    + "created by sigs.k8s.io/x in goroutine 200\n\t/go/pkg/mod/x/controller.go:220 +0x48c\n"
)
JSON = '{"level":"error","msg":"cannot run","error":"no kind \\"X\\"","stacktrace":"main.main\\n\\t/main.go:3"}\n'


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(ZAP, [ZAP_ERROR], id="zap in development"),
        pytest.param(JSON, ['{"level":"error","msg":"cannot run","error":"no kind \\"X\\""}'], id="zap in production"),
        pytest.param(PANIC, [PANIC.splitlines()[0]], id="panic of Go"),
        pytest.param(
            "I1130 18:00:00.0 1 main.go:9] starting\nF1130 18:00:00.1 1 main.go:10] cannot reach etcd\n"
            "goroutine 1 [running]:\nk8s.io/klog.stacks(0x1)\n\t/go/klog.go:1 +0x1\n",
            ["F1130 18:00:00.1 1 main.go:10] cannot reach etcd"],
            id="klog",
        ),
        pytest.param(
            JAVA,
            [
                "ERROR LINSTOR/Controller - Database connection failed",
                "Caused by: java.net.ConnectException: Connection refused",
            ],
            id="Java",
        ),
        pytest.param(
            'starting\nTraceback (most recent call last):\n  File "/a.py", line 1, in <module>\n    main()\n'
            "    ^^^^^^\nValueError: bad host\n",
            ["ValueError: bad host"],
            id="Python",
        ),
        pytest.param(
            "thread 'main' panicked at src/main.rs:5:10:\ncalled `Result::unwrap()` on an `Err` value: Refused\n"
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
            ["thread 'main' panicked at src/main.rs:5:10:", "called `Result::unwrap()` on an `Err` value: Refused"],
            id="Rust",
        ),
        pytest.param(COBRA, ["Error: unknown flag: --leader-elect"], id="usage of cobra"),
        pytest.param(
            "flag provided but not defined: -foo\nUsage of /manager:\n  -kubeconfig string\n    \tPaths to it\n",
            ["flag provided but not defined: -foo"],
            id="usage of Go",
        ),
        pytest.param(
            "usage: prog [-h] [--a A]\n            [--b B]\nprog: error: unrecognized arguments: --c\n",
            ["prog: error: unrecognized arguments: --c"],
            id="usage of Python",
        ),
        pytest.param(
            "error reading the cache, trying again\n" + "reconciled\n" * 40 + "there is no StorageClass\n",
            ["error reading the cache, trying again", "there is no StorageClass"],
            id="an error that was not the last word",
        ),
        pytest.param("one\ntwo\nthree\nfour\n", ["two", "three", "four"], id="no error"),
        pytest.param(
            '{"level":"error","msg":"unable to start manager","error":"bind: address already in use"}\n'
            + "".join(
                f'{{"level":"info","msg":"Stopping and waiting for {what}","error":null}}\n'
                for what in ("leader election runnables", "caches", "webhooks", "HTTP servers")
            )
            + '{"level":"info","msg":"Wait completed, proceeding to shutdown the manager"}\n',
            ['{"level":"error","msg":"unable to start manager","error":"bind: address already in use"}'],
            id="zap, with notes of the shutdown after the error",
        ),
        pytest.param(
            'E1130 10:00:00.1 1 main.go:3] "problem running manager" err="no kind Foo"\n'
            "I1130 10:00:00.2 1 x.go:1] shutting down error-handler\nI1130 10:00:00.3 1 x.go:1] timeout=0 failed=0\n",
            ['E1130 10:00:00.1 1 main.go:3] "problem running manager" err="no kind Foo"'],
            id="klog, with notes of the shutdown after the error",
        ),
        pytest.param(
            'time="2026-11-30T18:00:00Z" level=error msg="no default route"\n'
            'time="2026-11-30T18:00:01Z" level=warning msg="retry failed"\n'
            'time="2026-11-30T18:00:01Z" level=info msg="error count" errors=3\n',
            ['time="2026-11-30T18:00:00Z" level=error msg="no default route"'],
            id="logfmt",
        ),
        pytest.param(
            "2026-11-30T18:00:00.1Z\tERROR\tsetup\tno webhook\n" + "2026-11-30T18:00:00.2Z\tINFO\tlost watch\n" * 5,
            ["2026-11-30T18:00:00.1Z ERROR setup no webhook"],
            id="zap in development, with notes after the error",
        ),
        pytest.param(
            "18:00:00.001 [Main] ERROR LINSTOR/Controller - SYSTEM - no database\n"
            "18:00:00.002 [Main] INFO  LINSTOR/Controller - SYSTEM - Shutdown, error report written\n",
            ["18:00:00.001 [Main] ERROR LINSTOR/Controller - SYSTEM - no database"],
            id="logback",
        ),
        pytest.param(
            '{"level":50,"msg":"no database"}\n{"level":30,"msg":"failed requests: 3"}\n',
            ['{"level":50,"msg":"no database"}'],
            id="numbers as levels",
        ),
        pytest.param(
            'panic: no quorum\n{"level":"info","msg":"connection lost"}\n{"level":"error","msg":"cannot stop"}\n',
            ["panic: no quorum", '{"level":"error","msg":"cannot stop"}'],
            id="a panic before an error",
        ),
        pytest.param(
            "I1130 10:00:00.1 1 x.go:1] cannot find the default route\nI1130 10:00:00.3 1 x.go:1] stopping\n",
            ["I1130 10:00:00.1 1 x.go:1] cannot find the default route", "I1130 10:00:00.3 1 x.go:1] stopping"],
            id="notes alone, of which one names the cause",
        ),
        pytest.param(
            "W1130 10:00:00.1 1 x.go:1] connection refused\nI1130 10:00:00.3 1 x.go:1] error handler stopped\n",
            ["W1130 10:00:00.1 1 x.go:1] connection refused"],
            id="a warning before notes",
        ),
        pytest.param("", [], id="empty"),
        pytest.param("main.main\n\t/main.go:219\n", ["main.main", "/main.go:219"], id="only a stack trace"),
    ],
)
def test_the_cause_is_found_before_stack_traces_and_usage_texts(log: str, expected: list[str]) -> None:
    assert list(cause_lines(log)) == expected


def test_the_lines_of_a_log_are_plain() -> None:
    assert cause_lines("\x1b[31mtwo\x1b[0m\n\n  three  \nfour\x00\n") == ("two", "three", "four\\x00")


def test_a_long_line_keeps_its_end_where_the_cause_is() -> None:
    (line,) = cause_lines(f"ERROR setup {'failed to apply: ' * 40}no endpoints available")

    assert len(line) <= 240
    assert line.startswith("ERROR setup")
    assert line.endswith("no endpoints available")


def test_the_cause_after_a_certificate_is_shown() -> None:
    log = f"{PEM}\nMIIE\n{PEM_END}\nno database\n"

    assert cause_lines(log) == (f"{PEM}(redacted)", "no database")


@pytest.mark.parametrize("before", [pytest.param("", id="plain"), pytest.param("    ", id="indented")])
def test_the_end_of_a_key_is_not_shown(before: str) -> None:
    log = f"{before}ab12\n{before}cD3=\n{before}{PEM_END}\nno database\n"

    assert cause_lines(log) == ("(redacted)", "no database")


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param("login failed: password=hunter2 user=a", "login failed: password=(redacted) user=a", id="pair"),
        pytest.param('{"token": "abc.def", "a": 1}', '{"token": (redacted), "a": 1}', id="JSON"),
        pytest.param("dial postgres://u:hunter2@db/x", "dial postgres://u:(redacted)@db/x", id="address"),
        pytest.param("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer (redacted)", id="header"),
        pytest.param("got eyJhbGciOiJIUzI1.eyJzdWIi.c2ln", "got (redacted)", id="JWT"),
        pytest.param(f"key {'aB3' * 20}", "key (redacted)", id="material"),
        pytest.param(f"{PEM} MIIE", f"{PEM}(redacted)", id="PEM"),
        pytest.param("password: hunter2", "password: (redacted)", id="word after a colon"),
        pytest.param("password: hunter", "password: (redacted)", id="word of letters after a colon"),
        pytest.param("api-key: abc def", "api-key: (redacted) def", id="words after a colon"),
        pytest.param('token="no1way"', "token=(redacted)", id="value that begins like a cause"),
        pytest.param("secret=failed-over-7", "secret=(redacted)", id="value that begins like a cause, without quotes"),
        pytest.param('{"password": "open"}', '{"password": (redacted)}', id="value that is a word, in JSON"),
        pytest.param("Basic dXNlcjpodW50ZXIy", "Basic (redacted)", id="basic authentication"),
        pytest.param(f"key /{'aB3/' * 12}", "key (redacted)", id="material with slashes"),
        *(
            pytest.param(line, line, id=f"cause: {line}")
            for line in (
                "Error: failed to get registry token: Unauthorized",
                "Error: cannot load secret: not found",
                "failed to read service account token: open /run/kubernetes.io/serviceaccount/token: no such file",
                'failed to load secret: secrets "linstor-api-tls" is forbidden: User "x" cannot get resource',
                'failed to get token: Get "https://10.96.0.1:443/x": dial tcp 10.96.0.1:443: i/o timeout',
                "unable to get credentials: permission denied",
                'cannot read secret: "linstor-api-tls" not found',
                "failed to verify token: invalid bearer token",
                "auth: failed to reach the server",
                "basic authentication failed",
                "validate token: the server could not find the requested resource",
                "token: expired",
                "refresh token: context deadline exceeded",
                "open /apis/helm.toolkit.fluxcd.io/v2/namespaces/cozy-linstor/HelmReleases/linstor2: no such file",
                "cannot get /api/v1/namespaces/cozy-linstor/Secrets/linstor2-controller: forbidden",
            )
        ),
        pytest.param(
            "exec /usr/bin/darkhttpd: exec format error", "exec /usr/bin/darkhttpd: exec format error", id="none"
        ),
    ],
)
def test_what_looks_like_a_secret_is_not_shown(line: str, kept: str) -> None:
    assert cause_lines(line) == (kept,)
