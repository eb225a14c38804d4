#!/usr/bin/env python3
"""Checks that what an operator is told agrees with itself and with the services:

  - every alert of deploy/prometheus/rules/*.yml has a severity, a summary, a description and its section in
    docs/operations.md, and every section its alert;
  - every alert has cases in tests/lint/alerts_test.yml in which it fires, and in which it is silent;
  - rules, console page and tests ask only for metrics that are exported (tests/integration/observe/metrics/), only with
    labels that these have, and only for recorded names that are recorded;
  - docs/operations.md explains every exported metric, and no other, and its links within itself lead somewhere;
  - rules about durations and failures leave out every streaming method of proto/.

Usage: alerts_lint.py ROOT         lists what is wrong and exits 1 when there is any.
       alerts_lint.py --self-test ROOT
The files are ours and regular, so that a few patterns read them; promtool checks their syntax (alerts_test.sh).
"""
import pathlib
import re
import sys

METRIC = re.compile(r"\b((?:motcua|process)_[a-z0-9_]+)\b(?:\{([^}]*)\})?")
# The labels of a metric that selects nothing by `by`: what Prometheus adds, and a histogram's bound.
TARGET_LABELS = {"job", "instance", "le"}


def read(root):
    """The texts that are checked, by name."""
    root = pathlib.Path(root)
    return {
        "rules": "".join(path.read_text() for path in sorted((root / "deploy/prometheus/rules").glob("*.yml"))),
        "console": (root / "deploy/prometheus/consoles/index.html").read_text(),
        "cases": (root / "tests/lint/alerts_test.yml").read_text(),
        "metrics": "".join(path.read_text() for path in sorted((root / "tests/integration/observe/metrics").glob("*.txt"))),
        "docs": (root / "docs/operations.md").read_text(),
        "proto": "".join(path.read_text() for path in sorted((root / "proto").rglob("*.proto"))),
    }


EXPORTED = re.compile(r"^(\S+?)(?:\{(.*)\})? (counter|gauge|histogram|summary): ", re.MULTILINE)


def exported(text):
    """Of every service together; what the exposer says of itself is nobody's business."""
    return {name: (kind, set(filter(None, (labels or "").split(","))))
            for name, labels, kind in EXPORTED.findall(text) if not name.startswith("exposer_")}


def check_alerts(texts):
    alerts = re.findall(r"- alert: (\w+)\n(.*?)(?=\n      - |\n  - name:|\Z)", texts["rules"], re.S)
    names = [name for name, _ in alerts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"rules: {name} stands there twice"
    for name, body in alerts:
        if not re.search(r"severity: (critical|warning)\b", body):
            yield f"rules: {name} is neither critical nor warning"
        for part in ("summary", "description"):
            if not re.search(rf'{part}: "[^"]', body):
                yield f"rules: {name} has no {part}"
        if not re.search(rf"runbook: docs/operations\.md#{name.lower()}$", body, re.M):
            yield f"rules: the runbook of {name} is not docs/operations.md#{name.lower()}"
        cases = re.findall(rf"alertname: {name}\b,?\s*exp_alerts:\s*(\[\]|- exp_labels)", texts["cases"])
        if "- exp_labels" not in cases:
            yield f"cases: {name} never fires"
        if "[]" not in cases:
            yield f"cases: {name} is never silent"
    sections = re.findall(r"^#+ (Motcua[A-Z]\w+)$", texts["docs"], re.M)
    for name in names:
        if sections.count(name) != 1:
            yield f"docs/operations.md: {sections.count(name)} sections for {name}"
    for name in sections:
        if name not in names:
            yield f"docs/operations.md: there is no alert {name}"


def check_metrics(texts):
    metrics = exported(texts["metrics"])
    recorded = set(re.findall(r"record: (\S+)", texts["rules"]))
    for where in ("rules", "console", "cases"):
        text = "\n".join(line for line in texts[where].splitlines() if not line.lstrip().startswith("#"))
        for name, selector in METRIC.findall(text):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            if metrics.get(base, ("",))[0] == "histogram" and base != name:
                name = base
            elif metrics.get(name, ("",))[0] == "histogram":
                yield f"{where}: {name} is a histogram: _bucket, _sum or _count"
            if name not in metrics:
                yield f"{where}: no service exports {name}"
                continue
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
                if label not in metrics[name][1] | TARGET_LABELS:
                    yield f"{where}: {name} has no label {label}"
        for name in re.findall(r"\bmotcua:[a-z0-9_:]+", text):
            if name not in recorded:
                yield f"{where}: {name} is not recorded"
    told = set(re.findall(r"`((?:motcua|process)_[a-z0-9_]+)", texts["docs"]))
    for name in sorted(set(metrics) - told):
        yield f"docs/operations.md: {name} is not explained"
    for name in sorted(told - set(metrics)):
        yield f"docs/operations.md: no service exports {name}"


def check_links(texts):
    headings = re.findall(r"^#+ (.+)$", texts["docs"], re.M)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for anchor in sorted(set(re.findall(r"\]\(#([^)]*)\)", texts["docs"])) - anchors):
        yield f"docs/operations.md: a link leads to #{anchor}, which is not there"


def check_streams(texts):
    streams = set(re.findall(r"\brpc (\w+)\([^)]*\)\s*returns\s*\(\s*stream\b", texts["proto"]))
    for metric, excluded in re.findall(
            r'(motcua_rpc_\w+)\{(?!code="RESOURCE_EXHAUSTED")(?:method!~"([^"]*)")?', texts["rules"]):
        for method in sorted(streams - set(excluded.split("|"))):
            yield f"rules: {metric} is asked for with the stream {method}"


def findings(texts):
    return sorted({*check_alerts(texts), *check_metrics(texts), *check_links(texts), *check_streams(texts)})


def self_test(root):
    """Each kind of mistake, made in the real files, is found."""
    good = read(root)
    alert = re.search(r"- alert: (\w+)", good["rules"]).group(1)
    metric = next(iter(exported(good["metrics"])))
    mistakes = [
        ("rules", f"- alert: {alert}", "- alert: MotcuaNobodyKnows", "0 sections for MotcuaNobodyKnows"),
        ("rules", "severity: critical", "severity: high", "neither critical nor warning"),
        ("rules", 'summary: "', 'subject: "', "has no summary"),
        ("rules", "runbook: docs/operations.md#motcua", "runbook: docs/operations.md#", "the runbook of"),
        ("rules", "motcua_ready ", "motcua_redy ", "rules: no service exports motcua_redy"),
        ("rules", "dependency=", "depends_on=", "has no label depends_on"),
        ("rules", "motcua_rpc_seconds_bucket", "motcua_rpc_seconds", "is a histogram"),
        ("rules", "record: motcua:replicas_up", "record: motcua:replicas", "motcua:replicas_up is not recorded"),
        ("rules", '"Read|', '"', "with the stream Read"),
        ("cases", f"alertname: {alert}", "alertname: Other", f"{alert} never fires"),
        ("cases", f"alertname: {alert}", "alertname: Other", f"{alert} is never silent"),
        ("console", "motcua_rpc_streams", "motcua_streams", "console: no service exports motcua_streams"),
        ("docs", f"# {alert}\n", "# MotcuaGone\n", "there is no alert MotcuaGone"),
        ("docs", "](#sizes)", "](#size)", "a link leads to #size,"),
        ("docs", f"`{metric}", "`motcua_unheard_of", f"{metric} is not explained"),
        ("docs", f"`{metric}", "`motcua_unheard_of", "no service exports motcua_unheard_of"),
    ]
    failed = 0
    for where, right, wrong, expected in mistakes:
        if right not in good[where]:
            print(f"self-test: {where} does not contain {right!r}")
            failed += 1
            continue
        found = findings({**good, where: good[where].replace(right, wrong)})
        if not any(expected in line for line in found):
            print(f"self-test: {where}: {wrong!r} for {right!r} is not found as {expected!r}, only {found}")
            failed += 1
    if not failed:
        print(f"self-test passed: {len(mistakes)} mistakes found")
    return failed


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        return 1 if self_test(sys.argv[2]) else 0
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = findings(read(sys.argv[1]))
    print("\n".join(found) if found else "alerts, their cases, their sections and the metrics agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
