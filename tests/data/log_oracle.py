#!/usr/bin/env python3
"""What a system must say that has lived through a log of dossiers, told from the file alone: an oracle for
`motcua replay --oracle` and the tests. Shares no code with the product, nor with whatever made the log.

  tests/data/log_oracle.py [--zone ZONE] FILE

Prints JSON. A row of the log is a completed activity; what it says of its dossier stands in every row of the dossier.

  received            the registered start, or the first activity where that came earlier
  ended               the registered end, but never before the receipt
  activities_done     those up to the end, the end's own instant included; activities_refused are the later ones
  holder              before anything is done the unit that is the first of all to act on the dossier ("Unassigned" where
                      no unit ever does); then whichever acts. "EMPTY", or nothing, acts for the holder. Activities of one
                      instant act in the order of the rows
  hand_overs          changes of the holder up to the end
  held_seconds        by unit, what lies between the receipt and the end (of an open dossier: now) while it was holder
  now                 the last activity of the whole log, also where it was refused
  due_date_changed    dossiers whose deadline is on another date than 56 days after the date of the registered start
  ended_late          by the date: ended on a later date than that of the deadline; by the month of the end, too
  open_overdue        the same of those that have not ended, as of now
  channels            dossiers by channel

Dates are those of ZONE, whatever offset a time is written with (default Asia/Ho_Chi_Minh, as of `motcua replay`).
"""
import argparse
import csv
import datetime
import json
import re
import sys
import zoneinfo

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))")
NANOS = 1_000_000_000
STANDARD_TERM = 56


def instant(text):
    """Nanoseconds since the epoch: a log may be finer than a datetime."""
    match = TIME.fullmatch(text)
    if match is None:
        raise ValueError("%r is not a time with its offset" % text)
    *civil, fraction, sign, hours, minutes = match.groups()
    days = datetime.date(*map(int, civil[:3])).toordinal() - datetime.date(1970, 1, 1).toordinal()
    hour, minute, second = map(int, civil[3:])
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    if sign:
        ahead = (int(hours) * 60 + int(minutes)) * 60
        seconds -= ahead if sign == "+" else -ahead
    return seconds * NANOS + int((fraction or "0").ljust(9, "0"))


class Desk:
    """Where the dates are those of."""

    def __init__(self, zone):
        self.zone = zoneinfo.ZoneInfo(zone)

    def clock(self, at):
        seconds, nanos = divmod(at, NANOS)
        return datetime.datetime.fromtimestamp(seconds, self.zone).replace(microsecond=nanos // 1000)

    def date(self, at):
        return self.clock(at).date()


class Dossier:
    def __init__(self, row):
        self.channel = row["case:channel"]
        self.start = instant(row["case:startdate"])
        self.deadline = instant(row["case:deadline"])
        self.registered_end = instant(row["case:enddate"]) if row["case:enddate"] else None
        self.activities = []

    def add(self, row):
        unit = row["org:group"]
        self.activities.append((instant(row["time:timestamp"]), None if unit in ("", "EMPTY") else unit))

    def complete(self):
        """All rows are there."""
        # By time alone: sort() leaves those of one instant as they stand.
        self.activities.sort(key=lambda activity: activity[0])
        self.received = min(self.start, self.activities[0][0])
        self.end = None if self.registered_end is None else max(self.registered_end, self.received)

    def done(self):
        return [(at, unit) for at, unit in self.activities if self.end is None or at <= self.end]

    def spells(self):
        """Who held it, one after the other: (unit, since when)."""
        units = [unit for _, unit in self.activities if unit is not None]
        spells = [(units[0] if units else "Unassigned", self.received)]
        for at, unit in self.done():
            if unit is not None and unit != spells[-1][0]:
                spells.append((unit, at))
        return spells


def read(path):
    dossiers = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            name = row["case:concept:name"]
            if name not in dossiers:
                dossiers[name] = Dossier(row)
            dossiers[name].add(row)
    if not dossiers:
        raise ValueError("there are no rows")
    for dossier in dossiers.values():
        dossier.complete()
    return list(dossiers.values())


def nearest(nanos):
    """In seconds; half a second goes to the even one. The system keeps microseconds, so nothing finer counts."""
    micros = nanos // 1000
    seconds, rest = divmod(micros, 1_000_000)
    return seconds + (rest > 500_000 or (rest == 500_000 and seconds % 2 == 1))


def figures(dossiers, desk):
    now = max(dossier.activities[-1][0] for dossier in dossiers)
    ended = [dossier for dossier in dossiers if dossier.end is not None]
    still_open = [dossier for dossier in dossiers if dossier.end is None]
    late = [dossier for dossier in ended if desk.date(dossier.end) > desk.date(dossier.deadline)]
    done = sum(len(dossier.done()) for dossier in dossiers)
    held, hand_overs, channels, months = {}, 0, {}, {}
    for dossier in dossiers:
        channels[dossier.channel] = channels.get(dossier.channel, 0) + 1
        spells = dossier.spells()
        hand_overs += len(spells) - 1
        until = [since for _, since in spells[1:]] + [now if dossier.end is None else dossier.end]
        for (unit, since), to in zip(spells, until):
            held[unit] = held.get(unit, 0) + to - since
    for dossier in late:
        month = desk.date(dossier.end).isoformat()[:7]
        months[month] = months.get(month, 0) + 1
    moved = [dossier for dossier in dossiers
             if desk.date(dossier.deadline) != desk.date(dossier.start) + datetime.timedelta(days=STANDARD_TERM)]
    return {
        "activities_done": done,
        "activities_refused": sum(len(dossier.activities) for dossier in dossiers) - done,
        "dossiers": len(dossiers),
        "due_date_changed": len(moved),
        "ended": len(ended),
        "ended_late": len(late),
        "hand_overs": hand_overs,
        "open": len(still_open),
        "open_overdue": sum(desk.date(now) > desk.date(dossier.deadline) for dossier in still_open),
        "channels": dict(sorted(channels.items())),
        "ended_late_by_month": dict(sorted(months.items())),
        "held_seconds": {unit: nearest(nanos) for unit, nanos in sorted(held.items())},
        "now": desk.clock(now).isoformat(),
    }


def main():
    # Whatever the locale is.
    sys.stdout.reconfigure(encoding="utf-8")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zone", default="Asia/Ho_Chi_Minh")
    parser.add_argument("file")
    arguments = parser.parse_args()
    try:
        told = figures(read(arguments.file), Desk(arguments.zone))
    except (OSError, ValueError, KeyError, csv.Error, zoneinfo.ZoneInfoNotFoundError) as error:
        sys.exit("log_oracle.py: %s: %s" % (arguments.file, error))
    json.dump(told, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
