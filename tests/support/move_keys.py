#!/usr/bin/env python3
"""Moves all keys of a slot to another node of a cluster, while they are used; keys may hold any byte, also ends of lines.

    move_keys.py PORT SLOT TARGET_PORT PASSWORD_FILE      of user admin, both on the loopback

The slot is marked as importing and migrating already. While a target refuses because its replica is away for a moment
(NOREPLICAS), it is tried again.
"""
import socket
import sys
import time

PATIENCE = 60


class Node:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.replies = self.socket.makefile('rb')

    def ask(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word) for word in words))
        return self.reply()

    def reply(self):
        line = self.replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b'$':
            return None if rest == b'-1' else self.replies.read(int(rest) + 2)[:-2]
        if kind == b'*':
            return [self.reply() for _ in range(int(rest))]
        if kind == b'-':
            raise RuntimeError(rest.decode())
        return rest


def main():
    port, slot, target, password_file = sys.argv[1:]
    with open(password_file, encoding='utf-8') as file:
        password = file.read().strip()
    node = Node(port)
    node.ask('AUTH', 'admin', password)
    deadline = time.monotonic() + PATIENCE
    while keys := node.ask('CLUSTER', 'GETKEYSINSLOT', slot, 20):
        try:
            node.ask('MIGRATE', '127.0.0.1', target, '', 0, 5000, 'AUTH2', 'admin', password, 'KEYS', *keys)
        except RuntimeError as error:
            if 'NOREPLICAS' not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


if __name__ == '__main__':
    main()
