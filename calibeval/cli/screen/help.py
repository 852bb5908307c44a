"""Help in two lengths: `--help` shows the usual options, `--help-all` every option, in named groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

ALL = "--help-all"
USUAL_WIDTH = 78  # narrower screens wrap
_COMPLETION = {
    "--install-completion": "Install completion for this shell.",
    "--show-completion": "Print the completion script of this shell.",
}
_SHOWN = "calibeval.help_all"


def full_help(context: typer.Context) -> str:
    """The help of a command with every option."""
    context.meta[_SHOWN] = True
    return context.get_help()


def command_class(first: Iterable[str], groups: Iterable[str]) -> type[TyperCommand]:
    """A class of commands whose `--help` shows only the options in `first`.

    first: options by their long names, in the order shown. groups: names of groups in the order of `--help-all`.
    """
    shown, order = tuple(first), tuple(groups)

    class Command(TyperCommand):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self.params.append(_help_all("Show every option, in groups."))

        def format_options(self, ctx: Any, formatter: Any) -> None:
            parameters = self.get_params(ctx)
            records = [p.get_help_record(ctx) for p in parameters if p.param_type_name == "argument"]
            options = [p for p in parameters if isinstance(p, TyperOption) and not p.hidden]
            _write_rows(formatter, "Arguments", [(r[0], r[1].split("  [")[0]) for r in records if r])
            if ctx.meta.get(_SHOWN):
                for group in order:
                    members = [option for option in options if (option.rich_help_panel or order[-1]) == group]
                    _write_rows(formatter, group, [_row(option, ctx) for option in members])
                return
            named = {name: option for option in options for name in option.opts}
            _write_rows(formatter, "Options", [_row(named[name], ctx) for name in (*shown, "--help", ALL)])

    return Command


class Program(TyperGroup):
    """The program; its `--help-all` shows the help of every command."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params.append(_help_all("Show every option of every command."))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The options, one line each, and the commands."""
        rows = [_row(option, ctx) for option in self.get_params(ctx) if isinstance(option, TyperOption)]
        rows = [(names, _COMPLETION.get(names, text)) for names, text in rows]
        self.format_commands(ctx, formatter)
        _write_rows(formatter, "Options", rows)

    def get_help(self, ctx: Any) -> str:
        """The help of the program and, with `--help-all`, of each command."""
        texts = [super().get_help(ctx)]
        if ctx.meta.get(_SHOWN):
            for name, command in self.commands.items():
                texts.append(command.get_help(ctx.__class__(command, parent=ctx, info_name=name)))
        return "\n\n".join(texts)


def _help_all(text: str) -> TyperOption:
    def show(context: typer.Context, parameter: Any, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            typer.echo(full_help(context))
            raise typer.Exit

    return TyperOption(param_decls=[ALL], is_flag=True, is_eager=True, expose_value=False, callback=show, help=text)


def _row(option: TyperOption, context: Any) -> tuple[str, str]:
    """Names and help of an option, with its default unless the help says it."""
    record = option.get_help_record(context)
    names, text = (record[0] if record else ""), option.help or ""
    if option.secondary_opts:
        names = f"--[no-]{option.opts[0].removeprefix('--')}"
    if option.required:
        return names, f"{text}  [required]"
    if option.show_default and option.default is not None and not option.is_flag:
        return names, f"{text}  [default: {option.default}]"
    return names, text


def _write_rows(formatter: Any, title: str, rows: list[tuple[str, str]]) -> None:
    """A section with one line per row; a screen that is narrower than usual wraps the rows."""
    if not rows:
        return
    with formatter.section(title):
        if formatter.width < USUAL_WIDTH:
            formatter.write_dl(rows)
            return
        width = max(len(names) for names, _ in rows)
        for names, text in rows:
            formatter.write(f"{'':>{formatter.current_indent}}{names:<{width}}  {text}".rstrip() + "\n")
