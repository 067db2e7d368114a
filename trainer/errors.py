"""What can go wrong while a model is made, as one tree under the station's own root.

::

    OkngError
    └── TrainerError              the trainer stopped; its remedy says what to do
        ├── DatasetError          the photographs cannot be trained from
        │   └── PhotographError   this one file is not a photograph
        ├── WeightsError          the teacher's weights are missing, damaged or of another network
        ├── DivergedError         the loss left the numbers
        ├── ExportError           the exported graph does not do what the trained network does
        └── SettingError          an option of the run is out of range
"""

from edge_service.errors import OurError


class TrainerError(OurError):
    """The trainer stopped."""


class DatasetError(TrainerError):
    """The photographs cannot be trained from."""


class PhotographError(DatasetError):
    """One of the files is not a photograph."""


class WeightsError(TrainerError):
    """The teacher's weights are missing, damaged or of another network."""


class DivergedError(TrainerError):
    """The loss left the numbers."""


class ExportError(TrainerError):
    """The exported graph does not do what the trained network does."""


class SettingError(TrainerError):
    """An option of the run is out of range."""
