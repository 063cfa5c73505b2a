"""Alembic's scripts: one revision a file, oldest first."""
