"""`make bench`: the runner against stock papermill."""

import sys

from benchmarks.notebook_execution import main

sys.exit(main())
