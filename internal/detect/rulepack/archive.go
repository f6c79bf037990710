package rulepack

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

const (
	// Max is the most bytes that an archive of rules may have: that of all of
	// SigmaHQ's has 4 MB.
	Max = detection.PackedMax

	unpackedMax = 256 << 20
	filesMax    = 20_000 // SigmaHQ's repository has some 4,000 rules
)

// checkArchive reads all of an archive and reports why it may not be kept: names that
// not every system can hold, links, files that are damaged or encrypted, and more than
// an archive of rules has. newest is the time of its newest file, if that is known.
//
// The archive stays packed, so nothing in it is ever written anywhere. It is checked all
// the same: people unpack what they find, and other programs read it.
func checkArchive(text []byte) (newest time.Time, err error) {
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are checked below
		return newest, fmt.Errorf("it is no zip archive, or not all of it is there: %w", err)
	}
	if len(z.File) > filesMax {
		return newest, fmt.Errorf("it has %d files, and %d are the most that an archive of rules may have", len(z.File), filesMax)
	}
	var met detection.Names
	left := int64(unpackedMax)
	rules := 0
	for _, m := range z.File {
		switch {
		case strings.HasSuffix(m.Name, "/"):
			if err := detection.CheckName(strings.TrimSuffix(m.Name, "/")); err != nil {
				return newest, err
			}
			continue
		case !m.Mode().IsRegular():
			return newest, fmt.Errorf("%q is no plain file: an archive of rules holds no links or devices", m.Name)
		case m.Flags&1 != 0: // APPNOTE.TXT 4.4.4, bit 0
			return newest, fmt.Errorf("%q is encrypted; pack it without a password", m.Name)
		}
		if err := met.Add(m.Name); err != nil {
			return newest, err
		}
		r, err := m.Open()
		if err != nil {
			return newest, fmt.Errorf("%q cannot be unpacked: %w", m.Name, err)
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, left+1)) // to the end, where its checksum is
		r.Close()
		if err != nil {
			return newest, fmt.Errorf("%q is damaged: %w", m.Name, err)
		}
		if left -= n; left < 0 {
			return newest, fmt.Errorf("it unpacks to more than %d MiB, which no archive of rules does", unpackedMax>>20)
		}
		if ext := path.Ext(m.Name); ext == ".yml" || ext == ".yaml" {
			rules++
			if m.Modified.After(newest) {
				newest = m.Modified
			}
		}
	}
	if rules == 0 {
		return newest, errors.New("it holds no .yml file, so no Sigma rules")
	}
	if newest.Year() < 2017 { // Sigma's first year: the archive's dates are not those of its rules
		newest = time.Time{}
	}
	return newest, nil
}
