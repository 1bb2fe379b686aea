"""Every room of the lab, in the order in which the page shows them."""

from chainrule.lab.rooms.blocks import BlocksRoom
from chainrule.lab.rooms.lines import LinesRoom
from chainrule.lab.rooms.photographs import PhotographsRoom
from chainrule.lab.rooms.points import PointsRoom
from chainrule.lab.rooms.report import ReportRoom
from chainrule.lab.server.app import Lab


def open_rooms(lab: Lab) -> None:
    """Give the lab its rooms."""
    lab.rooms["points"] = PointsRoom(lab)
    lab.rooms["blocks"] = BlocksRoom(lab)
    lab.rooms["lines"] = LinesRoom(lab)
    lab.rooms["photographs"] = PhotographsRoom(lab)
    lab.rooms["report"] = ReportRoom(lab)
