"""`make bench`: the runner against stock papermill, and what the fault proxies cost.

`python -m benchmarks notebooks …` and `… proxies …` measure one of them, with options of its own;
`… pairs …` looks for divergences between trials of the same wiring; `… kills …` kills runs at
random instants and looks at what is left; `… recheck …` times the re-check of a million entries.
"""

import sys

from benchmarks import kills, notebook_execution, pairs, proxies, rechecking

match sys.argv[1:]:
    case ["proxies", *options]:
        sys.exit(proxies.main(options))
    case ["pairs", *options]:
        sys.exit(pairs.main(options))
    case ["kills", *options]:
        sys.exit(kills.main(options))
    case ["recheck", *options]:
        sys.exit(rechecking.main(options))
    case ["notebooks", *options]:
        sys.exit(notebook_execution.main(options))
    case []:
        sys.exit(notebook_execution.main([]) or proxies.main([]))
    case options:
        sys.exit(notebook_execution.main(options))
