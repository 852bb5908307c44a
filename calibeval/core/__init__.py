"""The calculations: numpy (and scipy) only; no files, no printing, no clock, no global state."""
