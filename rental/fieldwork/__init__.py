"""The visit: work orders, visits, and what a technician records on site."""
