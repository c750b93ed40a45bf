"""A plan as a picture: each person's round in a colour of its own."""

from xml.sax.saxutils import escape

import numpy as np

from rental.routing.plan import Plan
from rental.routing.problem import Problem

SIZE = 800  # pixels
MARGIN = 20
TURN = 137.5  # degrees on the circle of colours: neighbours differ


def as_svg(problem: Problem, plan: Plan) -> str:
    """Places are laid out so that their distances on paper come near those in metres."""
    spots = positions(problem)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}">']
    lines.append(f'<rect width="{SIZE}" height="{SIZE}" fill="white"/>')
    for number, route in enumerate(plan.routes):
        person = problem.person(route.person)
        places = [person.start_place, *(problem.visit(each).place for each in route.visits), person.end_place]
        points = " ".join(f"{spots[place][0]:.1f},{spots[place][1]:.1f}" for place in places)
        colour = f"hsl({number * TURN % 360:.0f} 70% 40%)"
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2">')
        lines.append(f"<title>{escape(route.person)}: {len(route.stops)}</title></polyline>")
    left_out = {each.visit for each in plan.left_out}
    for visit in problem.visits:
        x, y = spots[visit.place]
        colour = "red" if visit.id in left_out else "black"
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}">')
        lines.append(f"<title>{escape(visit.id)}</title></circle>")
    return "\n".join([*lines, "</svg>", ""])


def positions(problem: Problem) -> list[tuple[float, float]]:
    """Classical scaling of the distances to two dimensions, shape (places, 2), in pixels."""
    matrix = problem.travel.metres if problem.travel.metres.any() else problem.travel.seconds
    far = (matrix.astype(np.float64) + matrix.T) / 2
    if len(far) < 2 or not far.any():
        return [(SIZE / 2, SIZE / 2)] * len(far)
    squared = far**2
    centred = -0.5 * (squared - squared.mean(0) - squared.mean(1)[:, None] + squared.mean())
    values, vectors = np.linalg.eigh(centred)
    flat = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    flat -= flat.min(axis=0)
    flat *= (SIZE - 2 * MARGIN) / max(1e-9, float(flat.max()))
    return [(float(x) + MARGIN, float(y) + MARGIN) for x, y in flat]
