package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// output is where rows go and how.
type output struct {
	format  string
	file    string
	safeCSV bool
	reports []string // further formats: those of a report
}

// formats lists what -f takes.
func (o *output) formats() []string { return append(render.Names(), o.reports...) }

func (o *output) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	formatFlag(f, &o.format, "", o.formats(), strings.Join(o.formats(), ", ")+" (default: what the name of -o ends in, else table on a terminal, ndjson in a pipe)")
	f.BoolVar(&o.safeCSV, "safe-csv", false, "csv, tsv: put a ' before text that a spreadsheet would compute (it begins with =, +, - or @)")
	fileFlag(f, &o.file, o.formats())
}

// width is how wide rows may be; 0 is as wide as they like.
func (o *output) width(a *app) int {
	if o.file == "" && a.outTTY {
		return a.width
	}
	return 0
}

// look says how a renderer prints to where the output goes.
func (o *output) look(a *app, r render.Options) render.Options {
	toStdout := o.file == "" || o.file == "-"
	r.Color, r.Terminal, r.SafeCSV = toStdout && a.colors(a.outTTY), toStdout && a.outTTY, o.safeCSV
	if r.Width == 0 {
		r.Width = o.width(a)
	}
	return r
}

// kind is the renderer's name.
func (o *output) kind(a *app) string {
	switch {
	case o.format != "":
		return o.format
	case formOf(o.file, o.formats()) != "":
		return formOf(o.file, o.formats())
	case o.file == "" && a.outTTY:
		return "table"
	}
	return "ndjson"
}

// open opens where the output goes, before anything is read. What cmd reads, by its
// arguments and flags, is not written to; s, the logs that are read, may be nil. The file
// is in place only after done has been told that there was no error.
func (o *output) open(a *app, cmd *cobra.Command, s *session) (w io.Writer, done func(error) error, err error) {
	if o.file == "" || o.file == "-" {
		return a.out, func(err error) error { return err }, nil
	}
	if err := o.refuse(a, cmd, s); err != nil {
		return nil, nil, err
	}
	t, err := a.create(o.file)
	if err != nil {
		return nil, nil, &exit{exitInput, err}
	}
	if s != nil {
		s.opt.Leave = append(s.opt.Leave, t.infos...)
	}
	return t, func(err error) error {
		if err != nil && !exec.IsBug(err) || s != nil && s.readNothing() {
			t.discard()
			return err
		}
		if e := t.commit(); e != nil {
			return firstOf(err, &exit{exitInput, e})
		}
		return err
	}, nil
}

// refuse reports an output file that is an input: the log is evidence, and a rule or
// query is work. A file in a folder that is read is left out of it, if it looks like
// something that an earlier run has written.
func (o *output) refuse(a *app, cmd *cobra.Command, s *session) error {
	st, err := os.Stat(o.file)
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	same := func(path string) bool {
		t, err := os.Stat(path)
		return err == nil && os.SameFile(st, t)
	}
	is := func(what, name string) error {
		return usageError("-o %s: this file is %s%s, and writing to it would destroy it; choose another name", o.file, what, name)
	}
	var wrong error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "output" || f.Name == "temp-dir" || wrong != nil {
			return
		}
		values := []string{f.Value.String()}
		if l, ok := f.Value.(pflag.SliceValue); ok {
			values = l.GetSlice()
		}
		for _, v := range values {
			_, file, _ := strings.Cut(v, "=")
			if same(v) || file != "" && same(file) || below(v, st) {
				wrong = is("an input: --", f.Name+" "+v)
			}
		}
	})
	if wrong != nil {
		return wrong
	}
	if s == nil {
		for _, arg := range cmd.Flags().Args() {
			if same(arg) || below(arg, st) {
				return is("an input: ", arg)
			}
		}
		return nil
	}
	others, inFolder := false, false
	for _, arg := range s.paths {
		if arg == "-" {
			if f, ok := a.stdin.(*os.File); ok {
				if t, err := f.Stat(); err == nil && os.SameFile(st, t) {
					return is("standard input", "")
				}
			}
			others = true
			continue
		}
		t, err := os.Stat(arg)
		folder := err == nil && t.IsDir()
		input.Walk(arg, func(path string) bool {
			switch {
			case !same(path):
				others = true
			case folder:
				inFolder = true
			default:
				wrong = is("an input: ", arg)
			}
			return wrong == nil && !(others && inFolder)
		})
		if wrong != nil {
			return wrong
		}
	}
	if inFolder && (!others || holdsEvents(o.file)) {
		return is("a log of a folder that is read", "")
	}
	return nil
}

// below reports whether a folder holds a file.
func below(dir string, st fs.FileInfo) (found bool) {
	if t, err := os.Stat(dir); err != nil || !t.IsDir() {
		return false
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // what cannot be read cannot be written
		if err == nil && !d.IsDir() {
			if t, err := os.Stat(path); err == nil && os.SameFile(st, t) {
				found = true
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}

// finding is how a line of findings begins: with the head that all of them have.
var finding = match.Lazy(`^\{\s*"id":\s*"[0-9a-f-]+",\s*("time":\s*"[^"]*",\s*"time_ms":|"severity":)`)

// holdsEvents reports whether a file begins as a log does, and not as something that
// gyoji has written.
func holdsEvents(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(f, head) // a short file has a short head
	head = bytes.TrimLeft(head[:n], "[ \r\n\t\ufeff")
	if finding().Match(head) || bytes.HasPrefix(bytes.ToLower(head), []byte("<!doctype html")) {
		return false
	}
	for _, sign := range []string{"ElfFile\x00", "PK\x03\x04", "\x1f\x8b", "(\xb5\x2f\xfd", "BZh", "\xfd7zXZ", "<Event", `"EventID"`, `"EventRecordID"`, `"Channel"`, `"_raw"`, `"event_id"`, `"EventTime"`} {
		if bytes.Contains(head, []byte(sign)) {
			return true
		}
	}
	return false
}

// target is a file that is written: beside the one whose place it takes once it is whole.
type target struct {
	f     *os.File
	name  string // as it was given
	path  string // where it goes: links are followed
	temp  string // "" where it is written directly: a pipe or device
	copy  bool   // the folder may not be written to, the file may
	live  bool   // it takes its place with the first write: whoever watches it wants to see it grow
	ours  bool   // f is not to be closed
	infos []fs.FileInfo
}

// create opens a file to be written. A pipe, a device and stdout are written directly.
func (a *app) create(name string) (*target, error) {
	path, err := followed(name)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err == nil && st.IsDir():
		return nil, &fs.PathError{Op: "write", Path: name, Err: errors.New("it is a folder")}
	case err == nil:
		for _, s := range []*stream{a.out, a.err} {
			if f, ok := s.w.(*os.File); ok {
				if t, err := f.Stat(); err == nil && os.SameFile(st, t) {
					return &target{f: f, ours: true}, nil
				}
			}
		}
		f, err := os.OpenFile(name, os.O_WRONLY, 0) // may it be written at all?
		if err != nil {
			return nil, err
		}
		if !st.Mode().IsRegular() {
			return &target{f: f}, nil
		}
		f.Close()
	}
	t := &target{name: name, path: path}
	if st != nil {
		t.infos = append(t.infos, st)
	}
	t.f, err = tempFile(filepath.Dir(path))
	if errors.Is(err, fs.ErrPermission) && st != nil {
		t.copy = true
		t.f, err = tempFile(os.TempDir())
	}
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		pe.Path = t.path // the name that was given
	}
	if err != nil {
		return nil, err
	}
	t.temp = t.f.Name()
	if st != nil && !t.copy {
		err = t.f.Chmod(st.Mode().Perm())
	}
	own, statErr := t.f.Stat()
	if err := errors.Join(err, statErr); err != nil {
		t.discard()
		return nil, err
	}
	t.infos = append(t.infos, own)
	return t, nil
}

// tempFile makes a file of a new name. Unlike os.CreateTemp, it has the mode that any new
// file has here. Its name begins with a dot, so folders are read without it.
func tempFile(dir string) (*os.File, error) {
	for {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf(".gyoji-out-%08x", rand.Uint32())), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// linksMax is how many links in a row are followed, as Linux has it.
const linksMax = 40

// followed is the path that a name's links lead to, which need not exist.
func followed(name string) (string, error) {
	for range linksMax {
		to, err := os.Readlink(name)
		if err != nil {
			return name, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return "", &fs.PathError{Op: "write", Path: name, Err: errors.New("too many links")}
}

func (t *target) Write(p []byte) (int, error) {
	if t.live && t.temp != "" && !t.copy {
		if err := os.Rename(t.temp, t.path); err != nil {
			return 0, err
		}
		t.temp = ""
	}
	n, err := t.f.Write(p)
	return n, t.named(err)
}

// named is an error of the file by the name that it is to have.
func (t *target) named(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) && t.temp != "" {
		return &fs.PathError{Op: e.Op, Path: t.name, Err: e.Err}
	}
	return err
}

// commit puts the file in its place.
func (t *target) commit() error {
	if t.ours {
		return nil
	}
	if t.copy {
		_, err := t.f.Seek(0, io.SeekStart)
		if err == nil {
			err = copyTo(t.path, t.f)
		}
		return errors.Join(err, t.f.Close(), os.Remove(t.temp))
	}
	err := t.named(t.f.Close())
	if t.temp == "" {
		return err
	}
	if err == nil {
		err = os.Rename(t.temp, t.path)
	}
	if err != nil {
		os.Remove(t.temp)
	}
	return err
}

func copyTo(path string, r io.Reader) error {
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// discard leaves all as it was.
func (t *target) discard() {
	if t.ours {
		return
	}
	t.f.Close()
	if t.temp != "" {
		os.Remove(t.temp)
	}
}

// replace writes a file whole, or leaves it as it was.
func (a *app) replace(name string, text []byte) error {
	t, err := a.create(name)
	if err != nil {
		return err
	}
	if _, err := t.Write(text); err != nil {
		t.discard()
		return err
	}
	return t.commit()
}

// readNothing reports whether inputs failed and no event came of the others.
func (s *session) readNothing() bool {
	failed := len(s.followed.Failed)
	events := s.followed.Events
	for _, r := range s.readers {
		st := r.Stats()
		failed, events = failed+len(st.Failed), events+st.Events
	}
	return failed > 0 && events == 0
}
