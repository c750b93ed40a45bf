"""Who goes where: technicians with their skills and shifts, a day's routes, and sending people out."""
