"""What may stand under the name of a file and is none, and what is then said."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def pipe(path):
    os.mkfifo(path)


def bound_socket(path):
    before = Path.cwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def device(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def link_to_itself(path):
    path.symlink_to(path.name)


def link_to_a_pipe(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def link_to_nothing(path):
    path.symlink_to("nothing")


ODD = {
    pipe: "a pipe, but a regular file is needed",
    link_to_a_pipe: "a pipe, but a regular file is needed",
    bound_socket: "a socket, but a regular file is needed",
    device: "a device, but a regular file is needed",
    folder: "a folder, but a regular file is needed",
    link_to_itself: "cannot be read (Too many levels of symbolic links)",
    link_to_nothing: "there is no such file",
}
