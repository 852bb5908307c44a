"""Arrays as files hold them: known by shape and type, loaded when asked for, within limits."""
