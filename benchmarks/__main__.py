"""`make bench`: the five notebooks by several runners, and what the fault proxies cost.

Without arguments both are measured, the proxies beside mitmproxy, which is installed for it in a
folder that is thrown away. `python -m benchmarks --rounds 1 --suite auth` is a quick look at the
first; `… proxies …` measures the proxies alone, `… small …` small notebooks without a platform;
`… pairs …` looks for divergences between trials of the same wiring; `… kills …` kills runs at
random instants and looks at what is left; `… recheck …` times the re-check of a million entries;
`… checkouts …` runs another checkout and this one in turn.
"""

import sys

from benchmarks import checkouts, kills, notebook_execution, pairs, proxies, rechecking, suites

match sys.argv[1:]:
    case ["proxies", *options]:
        sys.exit(proxies.main(options))
    case ["pairs", *options]:
        sys.exit(pairs.main(options))
    case ["kills", *options]:
        sys.exit(kills.main(options))
    case ["recheck", *options]:
        sys.exit(rechecking.main(options))
    case ["checkouts", *options]:
        sys.exit(checkouts.main(options))
    case ["small", *options]:
        sys.exit(notebook_execution.main(options))
    case []:
        sys.exit(suites.main([]) or proxies.main(proxies.WHOLE))
    case options:
        sys.exit(suites.main(options))
