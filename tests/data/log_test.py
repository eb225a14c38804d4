#!/usr/bin/env python3
"""The log that the repository makes for itself, and its oracle.

  tests/data/log_test.py
"""
import collections
import csv
import datetime
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
REAL = HERE.parents[2] / "shared" / "data"
# Changes with every change of what is made; `tests/data/make_log | sha256sum` tells it. Figures in the README that were
# measured with another one are to be measured anew.
DIGEST = "1a86464ba1727e50184bdd2c6a3e8f809dea9b865f89362fce14597a8779b7e5"


def made(*arguments):
    return subprocess.run([sys.executable, HERE / "make_log", *arguments], check=True, stdout=subprocess.PIPE).stdout


def told(command, *arguments):
    return json.loads(subprocess.run([sys.executable, command, *arguments], check=True, stdout=subprocess.PIPE).stdout)


def oracle(*arguments):
    return told(HERE / "log_oracle.py", *arguments)


def flat(figures, prefix=""):
    """Figures that are 0 left out, as whoever counts may."""
    lines = {}
    for name, value in figures.items():
        lines.update(flat(value, prefix + name + ".") if isinstance(value, dict) else {prefix + name: value})
    return {name: value for name, value in lines.items() if value != 0}


def module():
    loader = importlib.machinery.SourceFileLoader("make_log", str(HERE / "make_log"))
    sys.dont_write_bytecode = True
    made_module = importlib.util.module_from_spec(importlib.util.spec_from_loader("make_log", loader))
    loader.exec_module(made_module)
    return made_module


class MakeLog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = made()
        cls.rows = list(csv.DictReader(io.StringIO(cls.text.decode(), newline="")))
        cls.dossiers = collections.OrderedDict()
        for row in cls.rows:
            cls.dossiers.setdefault(row["case:concept:name"], []).append(row)

    def test_same_arguments_give_the_same_bytes(self):
        self.assertEqual(hashlib.sha256(self.text).hexdigest(), DIGEST)

    def test_another_seed_gives_another_log(self):
        self.assertNotEqual(made("--dossiers", "20", "--seed", "1"), made("--dossiers", "20", "--seed", "2"))

    def test_a_file_is_the_same_as_what_is_printed(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "log.csv"
            made("--dossiers", "30", "-o", path)
            self.assertEqual(path.read_bytes(), made("--dossiers", "30"))
            self.assertEqual([path], list(path.parent.iterdir()))

    def test_columns_are_those_of_the_real_log(self):
        if not REAL.exists():
            self.skipTest("the real log is not here")
        with open(REAL / "receipt.csv", encoding="utf-8") as file:
            self.assertEqual(self.text.decode().split("\n", 1)[0], file.readline().rstrip("\n"))

    def test_rows_agree_about_their_dossier(self):
        for rows in self.dossiers.values():
            for name in ("case:channel", "case:startdate", "case:deadline", "case:enddate"):
                self.assertEqual(len({row[name] for row in rows}), 1)

    def late_by_commune(self):
        ended, late = collections.Counter(), collections.Counter()
        for code, rows in self.dossiers.items():
            if rows[0]["case:enddate"]:
                ended[code[:9]] += 1
                late[code[:9]] += rows[0]["case:enddate"][:10] > rows[0]["case:deadline"][:10]
        return {commune: late[commune] / ended[commune] for commune in ended}

    def test_one_commune_is_late_with_half_and_one_hardly_ever(self):
        late = self.late_by_commune()
        self.assertEqual(len(late), 15)
        self.assertTrue(0.45 < late["H30.18.05"] < 0.55, late)
        self.assertLess(late["H30.18.08"], 0.01)
        self.assertTrue(all(share < 0.2 for commune, share in late.items() if commune != "H30.18.05"), late)

    def test_is_as_messy_as_real_logs_are(self):
        """Of each oddity there are some, and not only the first."""
        second = datetime.timedelta(seconds=1)
        time = datetime.datetime.fromisoformat
        found = collections.Counter()
        for rows in self.dossiers.values():
            start, due = time(rows[0]["case:startdate"]), time(rows[0]["case:deadline"])
            end = time(rows[0]["case:enddate"]) if rows[0]["case:enddate"] else None
            moments = [time(row["time:timestamp"]) for row in rows]
            units = [row["org:group"] for row in rows]
            found["open"] += end is None
            found["to and fro"] += any(units[i] == units[i + 2] != units[i + 1] for i in range(len(units) - 2))
            found["nobody's"] += not set(units) - {"", "EMPTY"}
            found["before the start"] += min(moments) < start
            found["one instant"] += len(set(moments)) == 1 < len(rows)
            found["twice"] += len({tuple(row.values()) for row in rows}) < len(rows)
            found["not in order"] += moments != sorted(moments)
            found["deadline moved"] += rows[0]["case:deadline"] != rows[0]["case:enddate_planned"]
            if end:
                found["after the end"] += max(moments) > end
                found["at the deadline"] += end == due
                found["a second late"] += end == due + second
                found["a day late by a second"] += end == due + second and end.date() > due.date()
                found["ended before it began"] += end < start
        for oddity in ("open", "to and fro", "nobody's", "before the start", "one instant", "twice", "not in order",
                       "deadline moved", "after the end", "at the deadline", "a second late", "a day late by a second",
                       "ended before it began"):
            self.assertGreaterEqual(found[oddity], 5, oddity)
        ends = collections.Counter(rows[0]["case:enddate"] for rows in self.dossiers.values() if rows[0]["case:enddate"])
        self.assertGreaterEqual(max(ends.values()), 10)
        self.assertTrue(all(moment.endswith("+07:00") for moment in (row["time:timestamp"] for row in self.rows)))

    def test_a_short_replay_meets_every_oddity(self):
        self.assertLess(len(module().ODDITIES), 30)

    def test_terms_keep_the_calendar(self):
        """By hand, from the holidays of the years."""
        make_log = module()
        for year, received, term, due in (
                (2022, "2022-07-14 08:00:00", "15w", "2022-08-04 17:00:00"),
                (2022, "2022-01-28 10:00:00", "3w", "2022-02-09 17:00:00"),    # over Tết
                (2022, "2022-01-28 15:00:00", "3w", "2022-02-09 17:00:00"),    # the cut-off is not after itself
                (2022, "2022-01-28 15:00:01", "3w", "2022-02-10 17:00:00"),
                (2022, "2022-04-29 10:00:00", "3w", "2022-05-06 17:00:00"),    # 2 and 3 May in lieu
                (2022, "2022-08-30 10:00:00", "3w", "2022-09-06 17:00:00"),    # 1 and 2 September
                (2022, "2022-12-30 10:00:00", "1w", "2023-01-03 17:00:00"),    # in lieu of the first, a Sunday
                (2022, "2022-01-20 10:00:00", "15c", "2022-02-07 17:00:00"),   # 4 February rolls on
                (2024, "2024-04-26 10:00:00", "3w", "2024-05-04 17:00:00"),    # Saturday 4 May is worked
                (2022, "2022-01-04 08:00:00", "0", "2022-03-01 08:00:00")):
            made_year = make_log.Year(1, 1, year)
            day = made_year.calendar.number(received[:10])
            hour, minute, second = map(int, received[11:].split(":"))
            start = day * make_log.DAY + ((hour * 60 + minute) * 60 + second) * make_log.SECOND
            self.assertEqual(made_year.calendar.text(made_year.due_of(start, term)), due + "+07:00", received + " " + term)


class Oracle(unittest.TestCase):
    def test_tiny_log_by_hand(self):
        # A  Xã 08:00 - 09:00:00.5, Phòng till the end at 10:00, Xã for no time: 3600.5 s and 3599.5 s. What comes a
        #    microsecond later is refused.
        # B  nobody's, open; received at 05:20, before its start; till now 57 days, 11 h 40 min. Its 56 days are 57 dates in
        #    Europe: 9 March 23:30 to 5 May 00:30.
        # C  Xã for 56 days and a second; the second is a new day in Europe.
        # D  Phòng for as long; the second is a new day in Việt Nam.
        # E  ended before it was received, hence at the receipt; the later activity, which stands first, is refused.
        # F  open, Xã from 4 January 08:00 to 6 May 17:00, when it goes to and fro in one instant; due on another date
        #    than promised.
        # G  an hour; the one unit that it ever had comes when it has ended, is refused, and was the holder.
        held = {"Đội": 3600,
                "Phòng": 4842000,       # 3599.5 + 4838401 = 4842000.5, to the even one
                "Tổ \"lưu động\", liên xã": 0,
                "Unassigned": 4966800,  # 57 * 86400 + 42000
                "Xã": 15415202}         # 3600.5 + 4838401 + 10573200 = 15415201.5, to the even one
        expected = {
            "activities_done": 13, "activities_refused": 3, "dossiers": 7, "due_date_changed": 2, "ended": 5,
            "ended_late": 1, "hand_overs": 5, "open": 2, "open_overdue": 2,
            "channels": {"Desk": 2, "Intern": 1, "Internet": 1, "Post": 2, "e-mail": 1},
            "ended_late_by_month": {"2022-04": 1}, "held_seconds": held, "now": "2022-05-06T12:00:00+02:00"}
        self.assertEqual(oracle("--zone", "Europe/Amsterdam", HERE / "tiny.csv"), expected)
        here = dict(expected, due_date_changed=1, ended_late_by_month={"2022-05": 1}, now="2022-05-06T17:00:00+07:00")
        self.assertEqual(oracle(HERE / "tiny.csv"), here)

    def refusal(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "log.csv"
            path.write_text(text, encoding="utf-8")
            ended = subprocess.run([sys.executable, HERE / "log_oracle.py", path], capture_output=True, text=True)
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        return ended.stderr

    def test_guesses_nothing(self):
        tiny = (HERE / "tiny.csv").read_text(encoding="utf-8")
        self.assertIn("is not a time", self.refusal(tiny.replace("08:10:00+07:00", "08:10:00")))
        self.assertIn("case:deadline", self.refusal(tiny.replace("case:deadline", "deadline")))
        self.assertIn("no rows", self.refusal(tiny.split("\n", 1)[0] + "\n"))

    def test_agrees_with_the_other_oracle(self):
        """That of the real log, where it is: on that log, and on logs made of several seeds."""
        other = REAL / "receipt_oracle.py"
        if not other.exists():
            self.skipTest("the real log is not here")
        with tempfile.TemporaryDirectory() as directory:
            logs = [REAL / "receipt.csv", HERE / "tiny.csv"]
            for seed in range(1, 4):
                logs.append(pathlib.Path(directory) / ("%d.csv" % seed))
                made("--dossiers", "400", "--seed", str(seed), "-o", logs[-1])
            for log in logs:
                self.assertEqual(flat(oracle("--zone", "Europe/Amsterdam", log)), flat(told(other, log)), log)


if __name__ == "__main__":
    unittest.main()
