package input

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
)

// Place is how far a followed file has been read.
type Place struct {
	Path string // as it was named last
	File string // the file itself, whatever its name (device and number); "" where the system does not tell
	// Format is how it is read; "" of a file that was read once, as a whole.
	Format string
	// Part is the number that the file has among the parts of the input, counted from 1, for
	// who goes on with positions in it; 0 where that means nothing any more.
	Part       int
	Off, Lines int64 // bytes, and lines that end before
	// Head and Last are what it begins with and what was read last, up to 1 KiB of each. Of
	// one that was read once Last is when it had been changed.
	Head, Last []byte
}

// Places keeps places from one process to the next.
type Places interface {
	Places() ([]Place, error)
	// Keep keeps places in the stead of earlier ones of the same files.
	Keep([]Place) error
}

// place is that of a tail.
func (t *tail) place() Place {
	p := Place{Path: t.path, File: fileID(t.info), Part: t.index + 1, Off: t.off, Lines: t.lines, Head: t.head[:min(int64(len(t.head)), t.off, followedBytes)], Last: t.last}
	if t.format != nil {
		p.Format = t.format.Name
	} else {
		p.Off, p.Head, p.Last = t.size, nil, changed(t.info)
	}
	return p
}

// changed is when a file was changed last.
func changed(st os.FileInfo) []byte { return strconv.AppendInt(nil, st.ModTime().UnixNano(), 10) }

// begin keeps a place for files of which there is none yet, before anything is done with
// what was read of them.
func (w *followFiles) begin() error {
	var places []Place
	for _, t := range w.tails {
		if t.format != nil && !t.isKept {
			t.isKept = true
			places = append(places, Place{Path: t.path, File: fileID(t.info), Part: t.index + 1, Format: t.format.Name})
		}
	}
	return w.keep(places)
}

// reached keeps how far files have been read.
func (w *followFiles) reached() error {
	var places []Place
	for _, t := range w.tails {
		if t.format != nil && t.kept != t.off || t.once && !t.isKept {
			t.isKept, t.kept = true, t.off
			places = append(places, t.place())
		}
	}
	return w.keep(places)
}

func (w *followFiles) keep(places []Place) error {
	if w.o.Places == nil || len(places) == 0 {
		return nil
	}
	return w.o.Places.Keep(places)
}

// known reports whether a file is one that was followed before.
func (w *followFiles) known(st os.FileInfo) bool {
	id := fileID(st)
	for i := range w.places {
		if id != "" && w.places[i].File == id {
			return true
		}
	}
	return false
}

// passOver has a file be none that is followed: an older rotation that was there before,
// which nobody asked for. A process that goes on passes it over, too.
func (w *followFiles) passOver(path string, st os.FileInfo) error {
	w.ignored = append(w.ignored, st)
	return w.keep([]Place{{Path: path, File: fileID(st), Off: st.Size(), Last: changed(st)}})
}

// resume has a file go on where a process before has left it. ok is false where it is
// another file, or holds something else by now.
func (w *followFiles) resume(t *tail) (ok bool) {
	id := fileID(t.info)
	for round := range 2 { // the file itself, then one of its name
		for i, p := range w.places {
			if round == 0 && (id == "" || p.File != id) || round == 1 && p.Path != t.path || !w.is(t, p) {
				continue
			}
			w.places = append(w.places[:i:i], w.places[i+1:]...)
			t.isKept, t.kept = true, p.Off
			t.numbered, t.index = p.Part > 0, p.Part-1
			w.next = max(w.next, p.Part)
			if p.Off == 0 { // nothing of it is known yet
				return true
			}
			if t.once = p.Format == ""; t.once {
				t.done = true
				return true
			}
			t.off, t.lines, t.last, t.grown = p.Off, p.Lines, bytes.Clone(p.Last), time.Now()
			t.format = w.format(p.Format)
			t.head = make([]byte, min(p.Off, headBytes))
			n, _ := t.f.ReadAt(t.head, 0)
			t.head = t.head[:n]
			t.dates.Add(t.head)
			return true
		}
	}
	for _, p := range w.places {
		if p.Path == t.path && p.Off > 0 && p.Format != "" {
			w.gone = append(w.gone, p)
		}
	}
	return false
}

// format is one of those that files may have.
func (w *followFiles) format(name string) *Format {
	for _, f := range w.r.formats {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// is reports whether a file holds what a place says was read of it.
func (w *followFiles) is(t *tail, p Place) bool {
	if p.Format == "" {
		return t.info.Size() == p.Off && bytes.Equal(changed(t.info), p.Last)
	}
	has := func(text []byte, at int64) bool {
		now := make([]byte, len(text))
		n, err := t.f.ReadAt(now, at)
		return bytes.Equal(now[:n], text) && (err == nil || errors.Is(err, io.EOF))
	}
	return w.format(p.Format) != nil && t.info.Size() >= p.Off && has(p.Head, 0) && has(p.Last, p.Off-int64(len(p.Last)))
}

// tellGone says of which files that were followed nothing is there any more.
func (w *followFiles) tellGone() {
	for _, p := range w.gone {
		found := true
		for i := range w.places {
			found = found && w.places[i].Path+w.places[i].File != p.Path+p.File
		}
		if !found {
			w.o.Warnings.Add("file that was followed before is not there any more: what was added to it since is not read", true, exec.Sample{
				Part: p.Path, Detail: "read up to byte " + strconv.FormatInt(p.Off, 10),
			})
		}
	}
	w.gone = nil
}
