#!/usr/bin/env python3
"""The console page, rendered by a real Prometheus with the real rules: of four healthy services, and of none.

    console_test.py ROOT

Every metric that a service exports (tests/integration/observe/metrics/) is served from a local port
in place of the services. Exits 77, which ctest shows as skipped, where there is no Prometheus (see alerts_test.sh for why).
"""
import contextlib
import http.server
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import alerts_lint

ROOT = pathlib.Path(sys.argv[1]).resolve()
EXPORTED = alerts_lint.exported(alerts_lint.read(ROOT)["metrics"])
SERVICES = ["intake", "routing", "deadline-monitor", "notification"]
VALUES = {"version": "0.0.1", "commit": "abcdef0", "build_type": "Release", "dependency": "redis", "shard": "H30",
          "service": "motcua.intake.v1.IntakeService", "method": "GetDossier", "code": "OK", "source": "intake",
          "channel": "mail", "outcome": "delivered", "result": "committed", "what": "tokens"}
# Counters of what does not happen while all is well.
STILL = {"motcua_redis_refused_total", "motcua_redis_disconnects_total", "motcua_consumer_lost_positions_total"}
# Gauges of what is not so while all is well.
NONE = {"motcua_credentials_refused", "motcua_succession_left"}
BEGAN = time.time()


def metrics():
    """What a healthy service exports: gauges of 1 (or of nothing), counters and histograms that grow."""
    grown = int((time.time() - BEGAN) * 100)
    for name, (kind, labels) in EXPORTED.items():
        pairs = [f'{label}="{VALUES[label]}"' for label in sorted(labels)]
        if kind == "histogram":
            for bound in ("0.001", "+Inf"):
                inside = ",".join([*pairs, f'le="{bound}"'])
                yield f"{name}_bucket{{{inside}}} {grown}"
            yield f'{name}_count{{{",".join(pairs)}}} {grown}'
        else:
            value = 0 if name in NONE else 1 if kind == "gauge" or name in STILL else grown
            yield f'{name}{{{",".join(pairs)}}} {value}'


class Exporter(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("\n".join(metrics()) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def prometheus(targets):
    """A Prometheus that scrapes these; gives the page's address."""
    with tempfile.TemporaryDirectory() as work:
        config = pathlib.Path(work) / "prometheus.yml"
        jobs = "".join(f"  - {{job_name: {name}, static_configs: [{{targets: ['{target}']}}]}}\n"
                       for name, target in targets.items())
        config.write_text("global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}\n"
                          f"rule_files: ['{ROOT}/deploy/prometheus/rules/*.yml']\n"
                          + (f"scrape_configs:\n{jobs}" if jobs else ""))
        port = free_port()
        with open(f"{work}/log", "w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={work}/data", "--log.level=warn",
                 f"--web.listen-address=127.0.0.1:{port}",
                 f"--web.console.templates={ROOT}/deploy/prometheus/consoles"], stdout=log, stderr=log)
            try:
                yield f"http://127.0.0.1:{port}/consoles/index.html"
            finally:
                process.terminate()
                process.wait()
                log.seek(0)
                sys.stdout.write(log.read())


def page_with(address, *wanted):
    """The page, once it holds all that is wanted; raises after a minute."""
    deadline, text = time.time() + 60, ""
    while time.time() < deadline:
        try:
            text = urllib.request.urlopen(address, timeout=10).read().decode()
            if all(part in text for part in wanted):
                return text
        except urllib.error.HTTPError as error:
            if error.code == 500:
                raise SystemExit(f"the template fails: {error.read().decode()}") from error
        except OSError:
            pass  # not listening yet
        time.sleep(0.1)
    print(text)
    raise SystemExit(f"the page does not say {[part for part in wanted if part not in text]}")


def main():
    if not shutil.which("prometheus"):
        print("skipped: prometheus is missing (apt-get install prometheus)")
        return 77
    exporter = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    target = f"127.0.0.1:{exporter.server_address[1]}"
    with prometheus(dict.fromkeys(SERVICES, target)) as address:
        text = page_with(address, "No alert.", "GetDossier", "mail", "0.0.1", *(f"<b>{name}</b>" for name in SERVICES))
        for bad in ("not ready", "down</td>", "unknown"):
            if bad in text:
                print(text)
                raise SystemExit(f"the page of healthy services says {bad!r}")
        if text.count('class="good">ready') != len(SERVICES):
            raise SystemExit("not every service is shown as ready")
    with prometheus({}) as address:
        text = page_with(address, "MotcuaServiceDown", "No calls.", "no replica in the network")
        if text.count("no replica in the network") != len(SERVICES):
            raise SystemExit("a service that is down is not shown")
    print("the page is as it should be")
    return 0


sys.exit(main())
