"""Visits, people and travel times in; a plan, its price and its reasons out."""
