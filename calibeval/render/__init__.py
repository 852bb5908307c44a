"""Reports for people and programs: each renderer returns text or bytes, and none prints."""
