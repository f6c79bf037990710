;; Drives gyoji lsp through eglot, set up as docs/editors.md says, and writes what it saw
;; to GYOJI_TEST_OUT. The file to open is the last argument.
(require 'eglot)
(require 'flymake)
(require 'json)
(define-derived-mode sumo-mode prog-mode "Sumo"
  (setq-local comment-start "// "))
(add-to-list 'auto-mode-alist '("\\.sumo\\'" . sumo-mode))
(add-to-list 'eglot-server-programs (list 'sumo-mode (getenv "GYOJI_TEST_SERVER") "lsp"))
(setq eglot-sync-connect 30 eglot-confirm-server-initiated-edits nil)

(defun gyoji-wait (what)
  "Wait until WHAT gives something, and return it; nil after 30 seconds."
  (let ((until (+ (float-time) 30)) got)
    (while (and (not (setq got (funcall what))) (< (float-time) until))
      (accept-process-output nil 0.05))
    got))

(find-file (getenv "GYOJI_TEST_FILE"))
(setq-local project-find-functions (list (lambda (dir) (cons 'transient dir))))
(eglot-ensure)
(apply #'eglot (eglot--guess-contact))
(gyoji-wait #'eglot-current-server)
(let* ((found (gyoji-wait (lambda () (flymake-start) (flymake-diagnostics))))
       (first (car found))
       (at (and first (progn (goto-char (flymake-diagnostic-beg first))
                             (format "%d:%d" (1- (line-number-at-pos)) (current-column)))))
       (text (and first (flymake-diagnostic-text first)))
       (_ (progn (goto-char (point-min)) (forward-line 2) (forward-char 4))) ; at where
       (hover (jsonrpc-request (eglot-current-server) :textDocument/hover (eglot--TextDocumentPositionParams)))
       (completion (jsonrpc-request (eglot-current-server) :textDocument/completion (eglot--TextDocumentPositionParams))))
  (eglot-format-buffer)
  (let ((formatted (progn (goto-char (point-min)) (forward-line 2)
                          (buffer-substring-no-properties (point) (line-end-position)))))
    (with-temp-file (getenv "GYOJI_TEST_OUT")
      (insert (json-encode `((diagnostic . ,at) (text . ,text) (hover . ,(if (string-match-p "where" (format "%S" hover)) t :json-false))
                             (completion . ,(if (string-match-p "where" (format "%S" completion)) t :json-false)) (formatted . ,formatted)))))))
(set-buffer-modified-p nil)
(kill-emacs 0)
