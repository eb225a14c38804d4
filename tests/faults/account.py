#!/usr/bin/env python3
"""What a restore to an older moment has lost of what was acknowledged, by position.

    account.py ACKNOWLEDGED SERVICE=BEFORE:KEPT...

ACKNOWLEDGED is a file of `motcua replay --acknowledged`. BEFORE: the feed's last position before the restore; KEPT: where
its epoch ended, as the service has told a reader outside. Takes the replies out of the file whose positions are lost,
tells how many there are of each service, and fails where one of them lies outside of what was told.
"""
import json
import os
import sys


def main():
    path = sys.argv[1]
    bounds = {}
    for argument in sys.argv[2:]:
        service, _, rest = argument.partition('=')
        before, _, kept = rest.partition(':')
        bounds[service] = (int(before), int(kept))
    kept_lines, lost, beyond = [], {service: set() for service in bounds}, []
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            try:
                reply = json.loads(line)
            except json.JSONDecodeError:
                continue  # torn when its writer was killed
            before, kept = bounds[reply['service']]
            position = reply['feed_position']
            if position <= kept:
                kept_lines.append(line)
            elif position <= before:
                lost[reply['service']].add(position)
            else:
                beyond.append(line)
    with open(path + '.new', 'w', encoding='utf-8') as out:
        out.writelines(kept_lines)
    os.replace(path + '.new', path)
    for service, (before, kept) in sorted(bounds.items()):
        told = f'told as lost {kept + 1} - {before}' if before > kept else 'nothing'
        print(f'    {service}: {told}; acknowledged and lost: {len(lost[service])}')
    print(f'    acknowledged and kept: {len(kept_lines)}')
    for line in beyond:
        print(f'acknowledged, but neither kept nor told as lost: {line.rstrip()}')
    return 1 if beyond else 0


if __name__ == '__main__':
    sys.exit(main())
