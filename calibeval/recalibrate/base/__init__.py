"""The base class of all maps, and the scores that maps work on."""
