"""``python -m gridgeo.diff OLD NEW``: the command by itself."""

import sys

import typer

from gridgeo.diff.command import register
from gridgeo.errors import GridgeoError


def main() -> None:
    """Run the command and exit with its status."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    register(app)
    try:
        app()
    except GridgeoError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
