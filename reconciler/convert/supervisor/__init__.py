"""supervisord's ini files."""
