"""Who may do what: boxes with a token each, people with a role each, one-time codes for new boxes."""

from trainer.access.boxes import Box, Boxes, EnrolmentCode
from trainer.access.people import LOCAL_ADMIN, People, Person, Role

__all__ = ["LOCAL_ADMIN", "Box", "Boxes", "EnrolmentCode", "People", "Person", "Role"]
