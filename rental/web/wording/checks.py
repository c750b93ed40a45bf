"""Words of the checks of stock, contracts and fieldwork."""

from flask_babel import lazy_gettext as _l

_BEHIND_OUR_BACK = _l("Somebody changed the books behind the product's back: compare with the latest backup.")

CHECKS = {
    "S1": (
        _l("Is every unit where its last movement took it?"),
        _l("Look where it stands, and compare its movements with the latest backup."),
    ),
    "S1b": (
        _l("Is every unit at a place where one in its state can be?"),
        _l("Look where it stands; its state was changed without a movement."),
    ),
    "S1c": (
        _l("Do the written steps of units, contracts and work orders lead to their state?"),
        _BEHIND_OUR_BACK,
    ),
    "S2": (_l("Does every movement begin where the one before it ended?"), _BEHIND_OUR_BACK),
    "S3": (_l("Do a unit's movements leave it at exactly one place?"), _BEHIND_OUR_BACK),
    "S4": (_l("Is every unit of every receipt there, and did it come by a movement?"), _BEHIND_OUR_BACK),
    "S5": (
        _l("Does no model have one serial number twice?"),
        _l("Read the type plates of both units and correct the wrong serial."),
    ),
    "S8": (
        _l("Does every unit at a customer's site fill a slot there, and every filled slot have its unit?"),
        _l("Ask on site which unit stands there; then install it by a work order, or fetch it."),
    ),
    "S9": (
        _l("Is every reserved unit held for somebody, and every held unit reserved or on its way?"),
        _l("Let the reservation go, and hold a unit for the slot again."),
    ),
    "S11": (
        _l("Do numbers run without a gap, and does every number come from its counter?"),
        _l(
            "A row was removed or a counter set back behind the product's back: compare with the latest "
            "backup."
        ),
    ),
    "W1": (
        _l("Does every finished work order name its technician, its time and the units it moved?"),
        _l("Open the work order with the technician: what was installed that day, and where?"),
    ),
    "W5": (
        _l("Did everything a phone told us take effect, and did nothing happen that nobody told us?"),
        _l("Compare the phone's list of the day with the work order; send again what is missing."),
    ),
    "C1": (
        _l("Does every slot in service owe rent exactly once, each day once, and no other slot?"),
        _l("Look when the unit was installed, and correct the start before the next closing."),
    ),
}
