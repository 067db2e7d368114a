"""Makes inspection models from a handful of good photographs, for okng's edge to judge with.

On import, one default is set in the environment, because it must stand before torch loads its thread
library: GNU OpenMP's threads shall not spin for milliseconds while they wait for each other. Beside one other
busy process on two cores a training step otherwise takes 3-8 s instead of 0.5 s. Whoever sets
``GOMP_SPINCOUNT`` or ``OMP_WAIT_POLICY`` keeps their own.
"""

import os

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
