"""Submissions graded: their code in a confined process, our checks outside of it."""
