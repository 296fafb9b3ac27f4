#!/usr/bin/env python3
"""Runs a command for each connection, as USER, with the connection as its input and output.

usage: preauth_server.py ADDRESS PORT USER COMMAND...

Says "listening" when it does.
"""
import os
import pwd
import socket
import subprocess
import sys


def main():
    address, port, user, *command = sys.argv[1:]
    entry = pwd.getpwnam(user)
    environment = {"USER": "reader", "HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    with socket.create_server((address, int(port))) as listener:
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                subprocess.run(command, stdin=connection, stdout=connection, check=False,
                               env=environment, user=entry.pw_uid, group=entry.pw_gid,
                               extra_groups=[])


if __name__ == "__main__":
    main()
