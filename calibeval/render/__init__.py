"""Reports as people and programs read them: each renderer returns text or bytes, and none prints."""
