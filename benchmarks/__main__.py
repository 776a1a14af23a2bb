"""`make bench`: the runner against stock papermill, and what the fault proxies cost.

`python -m benchmarks notebooks …` and `… proxies …` measure one of them, with options of its own.
"""

import sys

from benchmarks import notebook_execution, proxies

match sys.argv[1:]:
    case ["proxies", *options]:
        sys.exit(proxies.main(options))
    case ["notebooks", *options]:
        sys.exit(notebook_execution.main(options))
    case []:
        sys.exit(notebook_execution.main([]) or proxies.main([]))
    case options:
        sys.exit(notebook_execution.main(options))
