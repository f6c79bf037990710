package hunt

import (
	"encoding/binary"
	"math"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
)

// A finding in the list is bytes: what its detection does not say for all of them. The
// first byte says which parts are there.
const (
	hasScore byte = 1 << iota
	hasSubject
	hasNext
)

// pack appends a finding.
func pack(dst []byte, f *Finding, next bool) []byte {
	var has byte
	if f.Score != nil {
		has |= hasScore
	}
	if f.Subject != nil {
		has |= hasSubject
	}
	if next {
		has |= hasNext
	}
	dst = packText(append(dst, has, byte(f.Severity)), f.ID)
	dst = binary.AppendVarint(dst, int64(f.Time))
	if f.Score != nil {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(*f.Score))
	}
	dst = packText(packText(dst, f.Host), f.User)
	dst = binary.AppendUvarint(dst, uint64(len(f.Entities)))
	for _, e := range f.Entities {
		dst = packText(packText(dst, e.Type), e.Value)
	}
	if s := f.Subject; s != nil {
		for _, text := range []string{s.Kind, s.Key, s.GUID, s.PID, s.Image} {
			dst = packText(dst, text)
		}
	}
	if next {
		dst = packText(dst, f.Next)
	}
	dst = binary.AppendVarint(dst, int64(f.Records))
	dst = binary.AppendUvarint(dst, uint64(len(f.Evidence)))
	for i := range f.Evidence {
		e := &f.Evidence[i]
		dst = packPlace(dst, e.pos, &e.Place)
		dst = binary.AppendUvarint(dst, uint64(len(e.Copies)))
		for j := range e.Copies {
			dst = packPlace(dst, e.copied[j], &e.Copies[j])
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.Fields)))
	for _, x := range f.Fields {
		dst = exec.AppendValue(packText(dst, x.Name), x.Value)
	}
	return dst
}

func packPlace(dst []byte, pos uint64, p *Place) []byte {
	dst = binary.AppendVarint(binary.AppendUvarint(dst, pos), p.RecordID)
	for _, text := range []string{p.File, p.Channel, p.EventID, p.Category} {
		dst = packText(dst, text)
	}
	return dst
}

func packText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// packed reads what pack has written.
type packed struct{ rest []byte }

func (p *packed) uint() uint64 {
	n, k := binary.Uvarint(p.rest)
	p.rest = p.rest[k:]
	return n
}

func (p *packed) int() int64 {
	n, k := binary.Varint(p.rest)
	p.rest = p.rest[k:]
	return n
}

func (p *packed) text() string {
	n := p.uint()
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

func (p *packed) place(to *Place) (pos uint64) {
	pos, to.RecordID = p.uint(), p.int()
	to.File, to.Channel, to.EventID, to.Category = p.text(), p.text(), p.text(), p.text()
	return pos
}

// unpack makes the finding of a detection that pack has written.
func unpack(b []byte, d *Detection) *Finding {
	has := b[0]
	p := &packed{b[2:]}
	f := &Finding{Severity: detection.Severity(b[1])}
	d.fill(f)
	f.ID = p.text()
	f.SetTime(p.int())
	if has&hasScore != 0 {
		score := math.Float64frombits(binary.LittleEndian.Uint64(p.rest))
		f.Score, p.rest = &score, p.rest[8:]
	}
	f.Host, f.User = p.text(), p.text()
	for range p.uint() {
		f.Entities = append(f.Entities, Entity{p.text(), p.text()})
	}
	if has&hasSubject != 0 {
		f.Subject = &Subject{p.text(), p.text(), p.text(), p.text(), p.text()}
	}
	if has&hasNext != 0 {
		f.Next = p.text()
	}
	f.Records = int(p.int())
	f.Evidence = make([]Evidence, p.uint())
	for i := range f.Evidence {
		e := &f.Evidence[i]
		e.pos = p.place(&e.Place)
		for range p.uint() {
			var c Place
			e.copied = append(e.copied, p.place(&c))
			e.Copies = append(e.Copies, c)
		}
	}
	f.Fields = make(Fields, p.uint())
	for i := range f.Fields {
		name := p.text()
		v, n := exec.DecodeValue(p.rest)
		p.rest = p.rest[n:]
		f.Fields[i] = Field{name, v.Clone()}
	}
	f.Detection = d.named(f) // which its fields may say
	return f
}
