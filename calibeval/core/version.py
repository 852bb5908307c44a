"""The version of calibeval; the package's metadata are read from here."""

VERSION = "0.1.0"
