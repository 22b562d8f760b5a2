"""Let ``python -m gridgeo`` be the command line, for where scripts are not on the path."""

from gridgeo.cli import main

if __name__ == "__main__":  # a process that helps is started from this file too
    main()
