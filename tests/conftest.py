"""Settings of every test: hypothesis draws the same examples each time, so a failure is there for everyone.

``HYPOTHESIS_PROFILE=explore`` draws new examples, more of them, to hunt for what nobody has seen yet.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
