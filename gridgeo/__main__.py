"""Let ``python -m gridgeo`` be the command line, for where scripts are not on the path."""

from gridgeo.cli import main

main()
