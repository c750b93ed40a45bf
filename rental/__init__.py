"""Genba: rents hardware by subscription and keeps it working on site."""
