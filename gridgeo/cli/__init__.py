"""The command line: parse the arguments, call one public function, print. No geometry here.

Data goes to standard output, everything else to standard error. Exit status: 0 all is well; 1 faults were found; 2 the
run could not be done. One module a command; each imports what it needs when it runs, so that help and small jobs start
at once.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer

from gridgeo.cli import demo, diff, init, locate, partition, render, repair, validate
from gridgeo.cli.saying import EXIT_NOT_DONE, say
from gridgeo.errors import GridgeoError, InputError, Problem
from gridgeo.language import Language, Message, locale_language, one_line, use_language

__all__ = ["build_app", "main"]

_ABOUT = Message(
    "Responsibility grids of a town: draft the blocks, prove that they tile the town without gap or overlap, and make"
    " the notices that are posted in public.",
    "城镇责任网格：划分责任块，校验无缝拼接、互不交叉，并制作张贴公示的责任网格图。",
)
_ABOUT_EPILOG = Message(
    "Start with: gridgeo demo OUT. For your own layers: gridgeo init FOLDER, then validate, partition, render."
    " Exit status: 0 all is well, 1 faults found, 2 the run could not be done.",
    "先试：gridgeo demo OUT。用于自己的图层：gridgeo init 文件夹，然后 validate、partition、render。"
    "退出状态：0 正常，1 发现问题，2 无法执行。",
)
_LANG = Message("Language of messages: en or zh; by default the locale's.", "提示语言：en 或 zh；默认随系统区域设置。")
_VERSION = Message("Print the version and stop.", "显示版本号后退出。")
_UNKNOWN_LANGUAGE = Message("--lang takes en or zh, not {given}", "--lang 只接受 en 或 zh，不接受 {given}")
_BAD_ARGUMENTS = Message("{reason} Try: {command} --help", "{reason} 可用 {command} --help 查看用法")
_STOPPED = Message(
    "stopped before all was done; files that were written are whole", "已中断，尚未全部完成；已写入的文件均完整"
)
_SYSTEM = Message(
    "the system could not do it ({reason}); files that were written are whole. Free space or rights, there and in the"
    " folder for temporary files (TMPDIR), and run again",
    "系统无法完成（{reason}）；已写入的文件均完整。请释放空间或开放权限（包括临时文件夹 TMPDIR）后重新运行",
)
_NO_MEMORY = Message(
    "memory is used up; files that were written are whole. Run again with --jobs 1, or with fewer blocks (--only)",
    "内存不足；已写入的文件均完整。请用 --jobs 1 或减少责任块（--only）重新运行",
)
_INTERNAL = Message(
    "an error of gridgeo itself, not of your data ({reason}); please report it with the output of GRIDGEO_DEBUG=1",
    "gridgeo 自身出错，与您的数据无关（{reason}）；请设置 GRIDGEO_DEBUG=1 重新运行并反馈输出",
)


_INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def build_app() -> typer.Typer:
    """Return the command line application with its help in the current language."""
    app = typer.Typer(
        name="gridgeo",
        help=_ABOUT.text(),
        epilog=_ABOUT_EPILOG.text(),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @app.callback()
    def gridgeo(
        lang: Annotated[
            str | None, typer.Option("--lang", metavar="en|zh", help=_LANG.text(), callback=_known_language)
        ] = None,
        version: Annotated[bool, typer.Option("--version", help=_VERSION.text(), callback=_print_version)] = False,
    ) -> None:
        """Hold the options that all commands share; `main` has already taken --lang out of the arguments."""

    for command in (demo, init, validate, repair, partition, diff, render, locate):
        command.register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit the process with its status."""
    language, rest = _take_language(list(sys.argv[1:] if arguments is None else arguments))
    with _orders_to_end_as_ctrl_c(), use_language(language):
        raise SystemExit(_run(lambda: build_app()(args=rest, prog_name="gridgeo", standalone_mode=False)))


def _print_version(wanted: bool) -> None:
    if wanted:
        from gridgeo import __version__

        typer.echo(f"gridgeo {__version__}")
        raise typer.Exit


def _known_language(given: str | None) -> None:
    if given is not None:
        raise InputError(Problem("", _UNKNOWN_LANGUAGE, {"given": given or "\u2014"}))


def _take_language(arguments: list[str]) -> tuple[Language, list[str]]:
    """Return the language that ``--lang`` asks for, wherever it stands, and the arguments without it.

    It has to be known before the application is built, because help texts are in that language too. A language that
    gridgeo doesn't speak is left among the arguments, for the application to complain about.
    """
    language, rest = locale_language(), list[str]()
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            return language, [*rest, argument, *pending]
        if argument == "--lang" or argument.startswith("--lang="):
            given = argument.partition("=")[2] or next(pending, "")
            if given in ("en", "zh"):
                language = "zh" if given == "zh" else "en"
            else:
                rest.insert(0, f"--lang={given}")
        else:
            rest.append(argument)
    return language, rest


def _run(command: Callable[[], Any]) -> int:
    """Run ``command`` and return the exit status; whatever goes wrong is said in plain lines on standard error."""
    try:
        status = command() or 0
        if status == _INTERRUPTED:  # typer's word for Ctrl-C
            raise KeyboardInterrupt
        return status
    except InputError as error:
        for problem in error.problems:
            say(f"gridgeo: {problem.text()}")
    except GridgeoError as error:
        say(f"gridgeo: {error}")
    except KeyboardInterrupt:
        say(f"gridgeo: {_STOPPED.text()}")
        return _INTERRUPTED
    except BrokenPipeError:
        return _reader_has_left()
    except SystemExit:  # typer's word for a broken pipe, the only one on which it leaves by itself
        return _reader_has_left()
    except MemoryError:
        say(f"gridgeo: {_NO_MEMORY.text()}")
    except OSError as error:
        if os.environ.get("GRIDGEO_DEBUG"):
            raise
        place = f"{error.filename}: " if error.filename else ""
        say(f"gridgeo: {one_line(place)}{_SYSTEM.text(reason=error.strerror or str(error))}")
    except Exception as error:
        # typer's own complaints about arguments; its exception classes live in a private module
        if not hasattr(error, "format_message"):
            if os.environ.get("GRIDGEO_DEBUG"):
                raise
            reason = f"{type(error).__name__}: {error}"
            say(f"gridgeo: {_INTERNAL.text(reason=reason)}")
        elif type(error).__name__ != "NoArgsIsHelpError":
            context = getattr(error, "ctx", None)
            command_path = context.command_path if context else "gridgeo"
            say(f"gridgeo: {_BAD_ARGUMENTS.text(reason=error.format_message(), command=command_path)}")
        else:
            typer.echo(error.format_message())
    return EXIT_NOT_DONE


def _reader_has_left() -> int:
    """End in silence when what reads our output has closed it: nobody is there to be told more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
        with suppress(OSError, ValueError):
            stream.flush()
            continue
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    return 0


@contextmanager
def _orders_to_end_as_ctrl_c() -> Iterator[None]:
    """Let an order to end (SIGTERM, a closed terminal) stop the run as Ctrl-C does: cleanly, with all files whole."""
    if threading.current_thread() is not threading.main_thread():  # nobody else may set what signals do
        yield
        return
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows lacks one
    ours = [number for number in known if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
