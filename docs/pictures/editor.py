#!/usr/bin/env python3
"""Makes the pictures of docs/editors.md: Neovim with gyoji lsp, in a terminal.

    python3 docs/pictures/editor.py GYOJI

needs nvim and tmux. GYOJI is the program.
"""
import os, subprocess, sys, tempfile, time

import make

HERE = make.HERE
QUERY = '''// What did Office programs start on Friday?
_sourceCategory=windows/sysmon
| json auto
| where EventID = 1 and ParentImage matches "*\\\\outlook.exe"
| tolowercas(Image) as program
| timeslice 1h
| count by _timeslice, program
| where program = "*cmd.exe"
'''
INIT = '''
vim.o.number = true
vim.o.signcolumn = 'yes'
vim.o.laststatus = 0
vim.o.ruler = false
vim.o.showcmd = false
local id = vim.lsp.start_client({ name = 'gyoji', cmd = { os.getenv('GYOJI'), 'lsp', '--samples', os.getenv('SAMPLES') }, root_dir = '/' })
vim.api.nvim_create_autocmd('BufReadPost', { callback = function(e) vim.lsp.buf_attach_client(e.buf, id) end })
vim.cmd('highlight NormalFloat ctermfg=7 ctermbg=NONE | highlight FloatBorder ctermfg=6 ctermbg=NONE')
vim.lsp.handlers['textDocument/hover'] = vim.lsp.with(vim.lsp.handlers.hover, { border = 'single' })
vim.diagnostic.config({ virtual_text = { prefix = '', format = function(d) return (d.message:gsub('\\n', ': ')) end }, signs = true })
'''


def screen(gyoji, lines, *keys):
    with tempfile.TemporaryDirectory() as temp:
        open(os.path.join(temp, "init.lua"), "w").write(INIT)
        open(os.path.join(temp, "hunt.sumo"), "w").write(QUERY)
        env = dict(os.environ, GYOJI=gyoji, SAMPLES=os.path.join(make.ROOT, "samples"), HOME=temp, TERM="xterm")
        tmux = ["tmux", "-L", "gyoji-pictures", "-f", "/dev/null"]
        subprocess.run(tmux + ["new-session", "-d", "-x", str(make.COLUMNS), "-y", str(lines), f"TERM=screen nvim --clean -u {temp}/init.lua {temp}/hunt.sumo"], env=env, check=True)
        try:
            time.sleep(3)
            for k in keys:
                subprocess.run(tmux + ["send-keys", k], check=True)
                time.sleep(1.5)
            return subprocess.run(tmux + ["capture-pane", "-e", "-p"], check=True, capture_output=True, text=True).stdout
        finally:
            subprocess.run(tmux + ["kill-server"], check=False)


def main():
    gyoji = os.path.abspath(sys.argv[1])
    for name, lines, keys in (
        ("diagnostics", 12, [":echo", "Enter"]),
        ("hover", 26, [":6", "Enter", "w", ":lua vim.lsp.buf.hover()", "Enter"]),
    ):
        shown = make.lines_of(screen(gyoji, lines, *keys))
        with open(os.path.join(HERE, f"editor-{name}.svg"), "w", encoding="utf-8") as f:
            f.write(make.svg("Neovim with gyoji lsp", shown, make.THEMES["dark"]))


if __name__ == "__main__":
    main()
