// Package evtx reads the Windows event log file format (EVTX, Windows Vista and
// later): files of 64 KiB chunks, each with records in binary XML.
//
// A record is a template, which its chunk holds once, and the values to put
// into it. Templates are compiled once into the fields they have, so reading an
// event means looking at its values; no XML is built unless it is asked for.
//
// The format is described in libyal's documentation of libevtx and in
// [MS-EVEN6] 2.2.12 (BinXml).
package evtx

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

var (
	fileMagic   = []byte("ElfFile\x00")
	chunkMagic  = []byte("ElfChnk\x00")
	recordMagic = []byte("**\x00\x00")
)

// chunkHeaderBytes is the chunk's header with its tables of strings and templates.
const chunkHeaderBytes = 512

// FileHeader is what the first block of a file says.
type FileHeader struct {
	FirstChunk, LastChunk uint64
	NextRecord            uint64 // identifier
	Chunks                int    // in use; stale in a log copied while it was written to
	Dirty                 bool   // not closed, or copied while in use
	Full                  bool
	Sound                 bool // the checksum fits
}

// IsFile reports whether head begins an EVTX file.
func IsFile(head []byte) bool { return bytes.HasPrefix(head, fileMagic) }

// IsChunk reports whether data begins with a chunk.
func IsChunk(data []byte) bool { return bytes.HasPrefix(data, chunkMagic) }

// NextChunk returns where the next chunk begins in data, or -1.
func NextChunk(data []byte) int { return bytes.Index(data, chunkMagic) }

// ReadFileHeader reads the header of a file. ok is false when head is too short
// or is no EVTX file.
func ReadFileHeader(head []byte) (h FileHeader, ok bool) {
	if len(head) < 128 || !IsFile(head) {
		return h, false
	}
	flags := u32(head, 120)
	return FileHeader{
		FirstChunk: u64(head, 8), LastChunk: u64(head, 16), NextRecord: u64(head, 24),
		Chunks: int(u16(head, 42)), Dirty: flags&1 != 0, Full: flags&2 != 0,
		Sound: crc32.ChecksumIEEE(head[:120]) == u32(head, 124),
	}, true
}

// ChunkHeader is what the head of a chunk says.
type ChunkHeader struct {
	FirstRecord, LastRecord uint64 // identifiers
	Free                    int    // offset of the first byte after the records
	Magic                   bool   // it begins as a chunk does
	Plausible               bool   // but for that it looks like one
	HeaderSound, DataSound  bool   // the checksums fit
}

// flagNoChecksums in a chunk's header says that checksums were not kept.
const flagNoChecksums = 4

func readChunkHeader(data []byte) (h ChunkHeader) {
	if len(data) < chunkHeaderBytes {
		h.Magic = IsChunk(data)
		return h
	}
	h = ChunkHeader{
		FirstRecord: u64(data, 24), LastRecord: u64(data, 32), Free: int(u32(data, 48)), Magic: IsChunk(data),
		Plausible: u32(data, 40) == 128 && bytes.HasPrefix(data[chunkHeaderBytes:], recordMagic),
	}
	if u32(data, 120)&flagNoChecksums != 0 {
		h.HeaderSound, h.DataSound = true, true
		return h
	}
	sum := crc32.Update(crc32.ChecksumIEEE(data[:120]), crc32.IEEETable, data[128:chunkHeaderBytes])
	h.HeaderSound = sum == u32(data, 124)
	if h.Free >= chunkHeaderBytes && h.Free <= len(data) {
		h.DataSound = crc32.ChecksumIEEE(data[chunkHeaderBytes:h.Free]) == u32(data, 52)
	}
	return h
}

// Uint is a little-endian number of 8 bytes.
func Uint(b []byte) uint64 { return u64(b, 0) }

func u16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
func u64(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
