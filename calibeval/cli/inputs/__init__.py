"""Files other than dumps that commands take: a gate's configuration, and a base that may be a dump or a report."""
