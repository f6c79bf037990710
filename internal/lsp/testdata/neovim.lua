-- Drives gyoji lsp with Neovim's client (0.7 and later): nvim --headless -c 'luafile this' FILE
local out = {}
local function done()
  local f = io.open(os.getenv('GYOJI_TEST_OUT'), 'w')
  f:write(vim.json and vim.json.encode(out) or vim.fn.json_encode(out))
  f:close()
  vim.cmd('qa!')
end
local ok, why = pcall(function()
  vim.bo.filetype = 'sumo'
  local id = vim.lsp.start_client({ name = 'gyoji', cmd = { os.getenv('GYOJI_TEST_SERVER'), 'lsp' }, root_dir = vim.fn.getcwd() })
  vim.lsp.buf_attach_client(0, id)
  vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end, 20)
  for _, d in ipairs(vim.diagnostic.get(0)) do
    if d.severity == vim.diagnostic.severity.ERROR then
      out.diagnostic = string.format('%d:%d %s', d.lnum, d.col, d.code or (d.user_data and d.user_data.lsp and d.user_data.lsp.code) or '')
    end
  end
  local function ask(method, params)
    local r = vim.lsp.buf_request_sync(0, method, params, 20000)
    for _, x in pairs(r or {}) do return x.result end
  end
  local uri = vim.uri_from_bufnr(0)
  local function at(line, col) return { textDocument = { uri = uri }, position = { line = line, character = col } } end
  local h = ask('textDocument/hover', at(2, 4))
  out.hover = h ~= nil and string.find(vim.inspect(h), 'where') ~= nil
  -- Mend the name as a person would, and complete behind it.
  vim.api.nvim_buf_set_text(0, 1, 2, 1, 12, { 'toLowerCase' })
  vim.api.nvim_buf_set_lines(0, 3, 3, false, { '| timesl' })
  local c = ask('textDocument/completion', at(3, 8))
  out.completion = false
  for _, i in ipairs(c and c.items or {}) do
    if i.label == 'timeslice' then out.completion = true end
  end
  vim.api.nvim_buf_set_lines(0, 3, 4, false, {})
  local edits = ask('textDocument/formatting', { textDocument = { uri = uri }, options = { tabSize = 4, insertSpaces = true } })
  vim.lsp.util.apply_text_edits(edits or {}, 0, 'utf-16')
  out.formatted = vim.api.nvim_buf_get_lines(0, 2, 3, false)[1]
end)
if not ok then out.failed = why end
done()
