"""Who is told what, in which language."""
