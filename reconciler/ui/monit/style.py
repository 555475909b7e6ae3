"""How windows, heads and the line below the table look."""

CSS = """
Screen { background: $background; }
* { scrollbar-background: $background; scrollbar-color: $panel;
    scrollbar-background-hover: $background; scrollbar-color-hover: $primary 60%;
    scrollbar-background-active: $background; scrollbar-color-active: $primary; }
Footer { background: $footer-background; }
ListHead { background: $background; padding: 0; }
AppList { background: $background; }
TextView { background: $background; padding: 0 1; }
.about { height: 2; padding: 0 1; background: $surface;
         text-wrap: nowrap; text-overflow: ellipsis; }
.empty { height: 1fr; padding: 1 2; text-style: dim; }

ModalScreen { align: center middle; background: $background 60%; }
.window { width: 60; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
          background: $panel; border: round $primary; }
.window.wide { width: 76; }
.window TextView { height: auto; max-height: 40vh; background: $panel; margin: 1 0; padding: 0; }
.window .hints { margin: 1 0; color: $foreground 80%; }
.window .wrong { color: $error; height: auto; }
.window .buttons { height: 1; align-horizontal: right; }
.window Button { margin: 0 0 0 2; min-width: 10; }
Input { background: $surface; }

Screen:ansi { background: ansi_default; }
ModalScreen:ansi { background: ansi_default; }
"""
